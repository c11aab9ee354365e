/** Learning from preferences against TRL: losses, rewards and gradients, and whole runs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseConfig } from "../../src/config/mod.ts";
import { sidesOf } from "../../src/data/mod.ts";
import { Model } from "../../src/models/model.ts";
import { preferences } from "../../src/objectives/preferences.ts";
import { train } from "../../src/train/run.ts";
import { readDpoGolden } from "../golden/dpo.ts";
import { assertClose, engine as sharedEngine } from "../harness.ts";
import { assertUpdate, loadGolden, updateOf, withGolden } from "./golden_run.ts";

/** The three rows take two micro-batches. */
const T = 48;
const golden = readDpoGolden();

const withPreferences = (use: (folder: string, rows: string) => Promise<void>) =>
  withGolden(golden.rows, use);

const examplesOf = (model: Model, rows: string) => loadGolden(model, rows, { answers: "two", T });

Deno.test("rows are the tokens of TRL, and so is what is learnt of them", () =>
  withPreferences(async (folder, rows) => {
    using model = new Model(folder);
    const documents = (await examplesOf(model, rows)).flatMap(sidesOf);
    const found = documents.map(({ ids, labels }) => [...ids, labels.findIndex((l) => l >= 0)]);
    const wanted = golden.ids.map((ids, i) => [...ids, golden.prompt_lengths[i]!]);
    const inOrder = (all: number[][]) => all.map(String).sort();
    assert.deepEqual(inOrder(found), inOrder(wanted));
  }));

for (const { name, settings, wanted, gradients } of golden.cases) {
  Deno.test(`preferences: loss, rewards and gradients of ${name} are TRL's`, () =>
    withPreferences(async (folder, rows) => {
      const found = await updateOf(preferences(settings), folder, { rows, T });
      assertUpdate(found, { wanted, gradients });
    }));
}

Deno.test("preferences: a whole run has the losses and margins of TRL's updates", () =>
  withPreferences(async (folder, rows) => {
    const { lr, weight_decay, losses, margins } = golden.updates;
    const data = [{ path: rows }];
    const parsed = parseConfig({
      values: {
        model: folder,
        data,
        adapter: { from: join(folder, "adapter") },
        objective: { kind: "dpo" },
        train: {
          ...{ schedule: "constant", warmup: 0, clip: 0, shuffle: false, steps: losses.length - 1 },
          ...{ lr, weight_decay, tokens_per_batch: 2 * T, micro_batch_tokens: T },
        },
        eval: { data },
        out: join(folder, "run"),
      },
    });
    const { device } = await sharedEngine();
    const { measured } = await train(parsed, { device });
    const lines = Deno.readTextFileSync(join(folder, "run/metrics.jsonl")).trimEnd().split("\n");
    const metrics = lines.map((line) => JSON.parse(line));
    const found = [...metrics.map(({ loss }) => loss), measured["eval_loss"]!];
    assertClose(found, losses, 1e-5, "loss");
    const moved = [...metrics.map((line) => line.reward_margin), measured["eval_reward_margin"]!];
    assertClose(moved, margins, 1e-5, "margin");
    const { rewards_chosen, rewards_rejected, chosen_tokens, rejected_tokens } = metrics[0];
    assertClose([rewards_chosen, rewards_rejected], [0.3360194, 0.1979250], 1e-5, "rewards");
    assert.deepEqual([chosen_tokens, rejected_tokens], [28 / 3, 19 / 3]);
  }));
