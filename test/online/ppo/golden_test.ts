/** PPO with learned values against TRL: advantages, losses and gradients of policy and values. */
import assert from "node:assert/strict";
import { online } from "../../../src/online/online.ts";
import { outcomesOf } from "../../../src/objectives/policy/values.ts";
import { readPpoGolden } from "../../golden/ppo.ts";
import { assertUpdate, updateOf, withGolden } from "../../objectives/golden_run.ts";

const ROWS = [{ prompt: "a", completion: "b" }];
const { rollout, base, cases, model } = readPpoGolden();

for (const { name, settings, wanted, gradients, advantages } of cases) {
  Deno.test(`advantages of ${name} are TRL's`, () => {
    const answers = rollout.answers.map((answer, i) => ({
      ...{ ...answer, expected: answer.expected!, base: base[i]! },
    }));
    for (const [i, { advantages: found }] of outcomesOf(answers, settings).entries()) {
      for (const [t, value] of found.entries()) {
        assert.ok(Math.abs(value - advantages[i]![t]!) < 1e-5);
      }
    }
  });

  Deno.test(`online: losses and gradients of ${name} are TRL's`, () =>
    withGolden(ROWS, async (folder, rows) => {
      const method = online(settings, [{ path: rows }], { roll: () => Promise.resolve(rollout) });
      // One batch of padded answers in TRL, packed here into several micro-batches of policy and of values.
      const found = await updateOf(method, folder, { rows, T: 48, replays: null });
      assertUpdate(found, { wanted, gradients });
    }, model));
}
