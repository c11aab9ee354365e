/** Updates on the base and the adapter of llama.json, as TRL's trainers make them. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter } from "../../src/adapters/adapter.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { type Example, loadExamples, type LoadOptions, rowTokenizer } from "../../src/data/mod.ts";
import { clear, readFloats } from "../../src/gpu/buffer.ts";
import { Model } from "../../src/models/model.ts";
import { fromBlocks } from "../../src/models/weights.ts";
import { NOTHING_SEEN } from "../../src/objectives/documents.ts";
import type {
  Fields,
  MainMethod,
  OpenContext,
  RunContext,
} from "../../src/objectives/objective.ts";
import { type Golden, readGolden, writeGolden } from "../golden/golden.ts";
import { freshEngine } from "../models/tiny.ts";

/** The base with an adapter, its own by default, and the rows in a folder. */
export async function withGolden(
  rows: readonly unknown[],
  use: (folder: string, path: string) => Promise<void>,
  golden: Golden = readGolden("llama"),
): Promise<void> {
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const folder = join(parent, "model");
    writeGolden(folder, golden);
    const tokens = { bos_token: "<s>", eos_token: "</s>", add_bos_token: true };
    Deno.writeTextFileSync(join(folder, "tokenizer_config.json"), JSON.stringify(tokens));
    const path = join(parent, "rows.jsonl");
    Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    await use(folder, path);
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

/** The rows of that path for micro-batches of T tokens. */
export async function loadGolden(
  model: Model,
  path: string,
  { T, format, ...options }: Pick<LoadOptions, "answers" | "labels"> & {
    readonly T: number;
    readonly format?: string | undefined;
  },
): Promise<Example[]> {
  const entry = { path, ...(format !== undefined && { format }) };
  const limits = { maxTokens: T, ...options };
  return (await loadExamples(entry, rowTokenizer(model), limits)).examples;
}

/** The fields of an update, and the sums of the gradients of its replays. */
export interface FoundUpdate {
  readonly fields: Fields;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** What an update on all rows comes to. */
export async function updateOf(
  method: MainMethod,
  folder: string,
  { rows, T, format, replays: count = 2 }: {
    readonly rows: string;
    readonly T: number;
    readonly format?: string;
    /** Micro-batches that the update takes; any where null. */
    readonly replays?: number | null;
  },
): Promise<FoundUpdate> {
  const engine = await freshEngine();
  using model = new Model(folder, { scores: method.scores });
  const lora = Adapter.of(engine, model, readPeft(join(folder, "adapter")));
  const context: RunContext = {
    engine,
    model,
    tokenizer: rowTokenizer(model),
    train: {
      ...{ tokens_per_batch: 2 * T, micro_batch_tokens: T, seed: 1, shuffle: false },
      ...{ recompute: false, eval_every: 0 },
    },
    graph: { T, adapt: lora.adapt },
    rows: { examples: await loadGolden(model, rows, { ...method, T, format }), mixture: {} },
    measured: [],
    maxTokens: T,
    seen: NOTHING_SEEN,
    attempts: null,
    hasEval: false,
    log: () => {},
  };
  const planned = method.plan(context);
  engine.store.addParams(planned.params);
  lora.load(engine.store, 0);
  const part = await (await planned.prepare(context)).open({} as OpenContext);
  const gradients = new Map<string, Float32Array>();
  const losses: Float32Array[] = [];
  const replays = await part.objective.plan(0, { tokens: 0, supervised: 0 });
  if (count !== null) assert.equal(replays.length, count);
  for (const [i, replay] of replays.entries()) {
    // As the optimizer does: not every replay has a gradient of a head of scores.
    if (model.scores > 0) clear(engine.device, engine.store.flat("gradients"));
    replay.run(i);
    losses.push(await readFloats(engine.device, replay.losses));
    for (const { name, shape, layout } of planned.params) {
      const kept = await engine.store.readParam(name, "gradients");
      const gradient = layout === "blocks" ? fromBlocks(kept, shape as [number, number]) : kept;
      const sum = gradients.get(name);
      gradients.set(name, sum ? sum.map((x, i) => x + gradient[i]!) : gradient);
    }
  }
  const { fields } = part.objective.observe(0, losses);
  part.close();
  engine.store.destroy();
  return { fields, gradients };
}

/** Holds fields to 1e-5, and gradients by PEFT's names to a relative error of 1e-3. */
export function assertUpdate(
  found: FoundUpdate,
  { wanted, gradients }: {
    readonly wanted: Readonly<Record<string, number | undefined>>;
    readonly gradients: ReadonlyMap<string, Float32Array>;
  },
): void {
  for (const [field, value] of Object.entries(wanted)) {
    const off = Math.abs(found.fields[field]! - value!);
    assert.ok(off < 1e-5 * Math.max(1, Math.abs(value!)), `${field}: off by ${off}`);
  }
  assert.equal(gradients.size, found.gradients.size);
  for (const [name, gradient] of gradients) {
    const short = name.replace(/^base_model\.model\./, "");
    const sum = found.gradients.get(short) ?? found.gradients.get(savedParam(short))!;
    const error = Math.hypot(...gradient.map((x, i) => x - sum[i]!)) / Math.hypot(...gradient);
    assert.ok(error < 1e-3, `${name}: a relative error of ${error}`);
  }
}

/** What the store calls a tensor that is trained whole. */
const savedParam = (name: string) => name.replace(/\.weight$/, ".modules_to_save.weight");
