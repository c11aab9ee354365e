/** Which prompts are drawn, and when a run ends for its own good. */
import assert from "node:assert/strict";
import { UNSUPERVISED } from "../../src/data/mod.ts";
import type { OnlineConfig } from "../../src/objectives/settings.ts";
import { PromptSampler } from "../../src/online/prompt_sampler.ts";
import { Limits } from "../../src/online/limits.ts";

const examples = Array.from({ length: 10 }, (_, i) => ({
  ids: Uint32Array.of(1, i),
  labels: Int32Array.of(UNSUPERVISED, i),
  origin: `row ${i}`,
}));
const TRAIN = { seed: 7, shuffle: true };

Deno.test("prompts: every row comes once before one comes again, whichever update asks", () => {
  const draws = () =>
    new PromptSampler({ examples, mixture: {} }, TRAIN, { prompts: 4, resample: 2 });
  const all = draws();
  const first = Array.from({ length: 5 }, (_, rollout) => all.of(rollout, 0)).flat();
  for (const epoch of [first.slice(0, 10), first.slice(10)]) {
    assert.deepEqual(epoch.toSorted((a, b) => a - b), [...examples.keys()]);
  }
  assert.notDeepEqual(first.slice(0, 10), first.slice(10));
  assert.deepEqual(draws().of(4, 0), first.slice(16));
  const again = [all.of(0, 1), all.of(0, 2), all.of(1, 1)];
  assert.equal(new Set(again.map(String)).size, 3);
  assert.deepEqual(draws().of(1, 1), again[2]);
  const inOrder = new PromptSampler({ examples, mixture: {} }, { ...TRAIN, shuffle: false }, {
    ...{ prompts: 4, resample: 0 },
  });
  assert.deepEqual(inOrder.of(2, 0), [8, 9, 0, 1]);
});

Deno.test("prompts of several sources come by their weights", () => {
  const sources = [{ count: 4, weight: 3 }, { count: 6, weight: 1 }];
  const draws = new PromptSampler({ examples, mixture: { sources } }, TRAIN, {
    prompts: 8,
    resample: 0,
  });
  for (let rollout = 0; rollout < 4; rollout++) {
    assert.equal(draws.of(rollout, 0).filter((row) => row < 4).length, 6);
  }
});

Deno.test("limits: divergence, length and a held-out reward that falls end a run, each in a sentence", () => {
  const limits = (config: object) => new Limits(config as OnlineConfig);
  const fine = { reward: 0.2, kl: 0.01, answer_tokens: 5 };
  const far = limits({ stop_kl: 0.5 });
  far.update(0, fine);
  assert.equal(far.fault, null);
  far.update(1, { ...fine, reward: 0.9, kl: 0.75 });
  assert.equal(
    far.fault,
    "objective.stop_kl: found 0.75 nats a token from the base at update 1, where the reward that is " +
      "trained on went from 0.2 to 0.9, wanted at most 0.5; this update is the last",
  );
  const long = limits({ stop_tokens: 20 });
  long.update(3, { ...fine, answer_tokens: 21.5 });
  assert.match(long.fault!, /^objective\.stop_tokens: found answers of 21\.5 tokens at update 3/);
  const falling = limits({ stop_drop: 0.1 });
  falling.update(0, fine);
  for (const reward of [0.3, 0.6, 0.52]) falling.heldOut(reward);
  assert.equal(falling.fault, null);
  const resumed = limits({ stop_drop: 0.1 });
  resumed.restore(JSON.parse(JSON.stringify(falling.state())));
  resumed.heldOut(0.4);
  assert.match(
    resumed.fault!,
    /^objective\.stop_drop: found a reward of 0\.4 on eval\.data, 0\.2 below its best at update 0/,
  );
});
