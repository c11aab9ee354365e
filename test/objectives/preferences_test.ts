/** Learning from preferences against TRL: losses, rewards and gradients, and whole runs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter } from "../../src/adapters/adapter.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { type Example, loadExamples, rowTokenizer, sidesOf } from "../../src/data/mod.ts";
import { readFloats } from "../../src/gpu/buffer.ts";
import { Model } from "../../src/models/model.ts";
import { NOTHING_SEEN } from "../../src/objectives/documents.ts";
import type { OpenContext } from "../../src/objectives/objective.ts";
import { preferences } from "../../src/objectives/preferences.ts";
import type { PreferenceConfig } from "../../src/objectives/settings.ts";
import { train } from "../../src/train/run.ts";
import { readDpoGolden } from "../golden/dpo.ts";
import { readGolden, writeGolden } from "../golden/golden.ts";
import { assertClose, engine as sharedEngine } from "../harness.ts";
import { freshEngine } from "../models/tiny.ts";

/** The three rows take two micro-batches. */
const T = 48;
const golden = readDpoGolden();

/** The base with its adapter and the rows in a folder. */
async function withGolden(use: (folder: string, rows: string) => Promise<void>): Promise<void> {
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const folder = join(parent, "model");
    writeGolden(folder, readGolden("llama"));
    const tokens = { bos_token: "<s>", eos_token: "</s>", add_bos_token: true };
    Deno.writeTextFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(tokens));
    const rows = join(parent, "rows.jsonl");
    Deno.writeTextFileSync(rows, golden.rows.map((row) => JSON.stringify(row)).join("\n"));
    await use(folder, rows);
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

async function examplesOf(model: Model, path: string): Promise<Example[]> {
  const limits = { maxTokens: T, answers: "two" } as const;
  return (await loadExamples({ path }, rowTokenizer(model), limits)).examples;
}

Deno.test("rows are the tokens of TRL, and so is what is learnt of them", () =>
  withGolden(async (folder, rows) => {
    using model = new Model(folder);
    const documents = (await examplesOf(model, rows)).flatMap(sidesOf);
    const found = documents.map(({ ids, labels }) => [...ids, labels.findIndex((l) => l >= 0)]);
    const wanted = golden.ids.map((ids, i) => [...ids, golden.prompt_lengths[i]!]);
    const inOrder = (all: number[][]) => all.map(String).sort();
    assert.deepEqual(inOrder(found), inOrder(wanted));
  }));

for (const { name, settings, wanted, gradients } of golden.cases) {
  Deno.test(`preferences: loss, rewards and gradients of ${name} are TRL's`, () =>
    withGolden(async (folder, rows) => {
      const found = await updateOf(folder, rows, settings);
      for (const [field, value] of Object.entries(wanted)) {
        const off = Math.abs(found.fields[field]! - value);
        assert.ok(off < 1e-5 * Math.max(1, Math.abs(value)), `${field}: off by ${off}`);
      }
      assert.equal(gradients.size, found.gradients.size);
      for (const [name, gradient] of gradients) {
        const sum = found.gradients.get(name.replace(/^base_model\.model\./, ""))!;
        const error = Math.hypot(...gradient.map((x, i) => x - sum[i]!)) / Math.hypot(...gradient);
        assert.ok(error < 1e-3, `${name}: a relative error of ${error}`);
      }
    }));
}

/** What an update comes to: its fields, and the sums of the gradients of its replays. */
async function updateOf(
  folder: string,
  rows: string,
  settings: PreferenceConfig,
) {
  const engine = await freshEngine();
  using model = new Model(folder);
  const lora = Adapter.of(engine, model, readPeft(join(folder, "adapter")));
  const prepared = await preferences(settings).prepare({
    engine,
    model,
    tokenizer: rowTokenizer(model),
    train: {
      ...{ tokens_per_batch: 2 * T, micro_batch_tokens: T, seed: 1, shuffle: false },
      ...{ recompute: false, eval_every: 0 },
    },
    graph: { T, adapt: lora.adapt },
    rows: { examples: await examplesOf(model, rows), mixture: {} },
    measured: [],
    maxTokens: T,
    seen: NOTHING_SEEN,
    attempts: null,
    log: () => {},
  });
  engine.store.addParams(prepared.params);
  lora.load(engine.store, 0);
  const part = await prepared.open({} as OpenContext);
  const gradients = new Map<string, Float32Array>();
  const losses: Float32Array[] = [];
  const replays = await part.objective.plan(0, { tokens: 0, supervised: 0 });
  assert.equal(replays.length, 2);
  for (const [i, replay] of replays.entries()) {
    replay.run(i);
    losses.push(await readFloats(engine.device, replay.losses));
    for (const name of engine.store.paramNames) {
      const gradient = await engine.store.readParam(name, "gradients");
      const sum = gradients.get(name);
      gradients.set(name, sum ? sum.map((x, i) => x + gradient[i]!) : gradient);
    }
  }
  const { fields } = part.objective.observe(0, losses);
  part.close();
  engine.store.destroy();
  return { fields, gradients };
}

Deno.test("preferences: a whole run has the losses and margins of TRL's updates", () =>
  withGolden(async (folder, rows) => {
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
