/** Distillation against TRL's GKDTrainer: losses and gradients, from a teacher of another architecture. */
import { join } from "node:path";
import { distillation } from "../../../src/online/distillation/method.ts";
import { readGkdGolden } from "../../golden/gkd.ts";
import { readGolden, writeGolden } from "../../golden/golden.ts";
import { assertUpdate, updateOf, withGolden } from "../../objectives/golden_run.ts";

const { rows, cases } = readGkdGolden();
for (const { name, settings, wanted, gradients, drawn } of cases) {
  Deno.test(`distillation: loss and gradients of ${name} are TRL's`, () =>
    withGolden(rows, async (folder, path) => {
      const teacher = join(folder, "..", "teacher");
      writeGolden(teacher, readGolden("gemma2"));
      const given = drawn && { examples: drawn, drawn: drawn.length };
      const method = distillation(
        { ...settings, teacher },
        given && (() => Promise.resolve(given)),
      );
      // TRL has two micro-batches of padded answers, packed here into as many as they fill.
      const found = await updateOf(method, folder, { rows: path, T: 40, replays: null });
      assertUpdate(found, { wanted, gradients });
    }));
}
