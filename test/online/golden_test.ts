/** Learning from rewards against TRL: losses, divergences, clipped shares and gradients. */
import { online } from "../../src/online/online.ts";
import { readGrpoGolden } from "../golden/grpo.ts";
import { assertUpdate, updateOf, withGolden } from "../objectives/golden_run.ts";

/** A row, for a run has rows; the answers to it are given. */
const ROWS = [{ prompt: "a", completion: "b" }];

for (const { name, settings, wanted, gradients, rollout } of readGrpoGolden()) {
  Deno.test(`online: loss, divergence and gradients of ${name} are TRL's`, () =>
    withGolden(ROWS, async (folder, rows) => {
      const method = online(settings, [{ path: rows }], { roll: () => Promise.resolve(rollout) });
      // TRL has two micro-batches of padded answers, packed here into four: it changes nothing.
      const replays = name === "grpo_kl" ? 4 : null;
      const found = await updateOf(method, folder, { rows, T: 48, replays });
      assertUpdate(found, { wanted, gradients });
    }));
}
