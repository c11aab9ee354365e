/** Initial values from the base's weights, against PEFT: see make_inits.py. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { nearlySingular, type Singular, singular } from "../../src/adapters/init/decompose.ts";
import { addDelta } from "../../src/adapters/methods/lora.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { matching } from "../../src/adapters/peft/targets.ts";
import { parseConfig } from "../../src/config/mod.ts";
import type { Example } from "../../src/data/mod.ts";
import { Matrix } from "../../src/deps/matrix.ts";
import type { SideMethod } from "../../src/objectives/objective.ts";
import { normal } from "../../src/random.ts";
import { trainWith } from "../../src/train/run.ts";
import { RELATIVE, report } from "../golden/checks.ts";
import { type Golden, readGolden, T, writeGolden } from "../golden/golden.ts";
import { engine, noise } from "../harness.ts";

interface Case {
  readonly base: string;
  readonly init: string;
  /** Of EVA. */
  readonly rho?: number;
  readonly whiten?: boolean;
  readonly settings: Record<string, unknown>;
  readonly adapter: Record<string, unknown>;
  readonly losses: readonly number[];
  /** Norm and product with cos(0), cos(1), ... of scale B A. */
  readonly updates: Readonly<Record<string, readonly [norm: number, product: number]>>;
}

const path = fileURLToPath(new URL("../golden/peft/inits.json", import.meta.url));
const CASES: Readonly<Record<string, Case>> = JSON.parse(Deno.readTextFileSync(path)).cases;

for (const [name, golden] of Object.entries(CASES)) {
  Deno.test(`${name}: ten updates and the adapter that they leave are PEFT's`, () =>
    checkRun(golden));
}

for (const [rows, columns] of [[12, 7], [7, 12]] as const) {
  Deno.test(`the fast decomposition of [${rows}, ${columns}] comes to the exact one`, () => {
    const w = new Matrix(Array.from({ length: rows }, (_, i) => [...noise(columns, i)]));
    const exact = productOf(singular(w, 3));
    const errors = [0, 1, 4, 100].map((iterations) => {
      const random = (i: number) => normal(7, iterations, i);
      const found = productOf(nearlySingular(w, { rank: 3, iterations, random }));
      return Matrix.sub(found, exact).norm() / exact.norm();
    });
    assert.ok(errors.every((error, i) => i === 0 || error < errors[i - 1]!), String(errors));
    report("the product of the first components", errors.at(-1)!, 1e-9);
  });
}

const productOf = ({ u, values, vt }: Singular) => u.mmul(Matrix.diag([...values])).mmul(vt);

async function checkRun(wanted: Case): Promise<void> {
  const golden = readGolden(wanted.base);
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const folder = join(parent, "model");
    writeGolden(folder, golden);
    const losses = await trained(folder, golden, wanted);
    const errors = losses.map((loss, i) => Math.abs(loss / wanted.losses[i]! - 1));
    report("losses", Math.max(...errors), RELATIVE);
    checkAdapter(join(folder, "run/adapter"), wanted);
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

/** What keeps to some text and does nothing else. */
const keeping = (retention: readonly Example[]): SideMethod => ({
  plan: () =>
    Promise.resolve({
      count: 0,
      memory: {},
      measures: false,
      prepare: () =>
        Promise.resolve({
          retention,
          open: () => Promise.resolve({ name: "keeping", close: () => {} }),
        }),
    }),
});

async function trained(folder: string, golden: Golden, { init, rho, whiten, settings }: Case) {
  const rows = join(folder, "rows.jsonl");
  const lines = golden.ids.map((input_ids, i) => ({ input_ids, labels: golden.labels[i] }));
  Deno.writeTextFileSync(rows, lines.map((line) => JSON.stringify(line)).join("\n"));
  const { lr, eps, weight_decay, betas: [beta1, beta2] } = golden.adamw;
  const { target_modules: targets, use_rslora: rslora = false, ...patterns } = settings;
  const parsed = parseConfig({
    values: {
      model: folder,
      data: [{ path: rows, format: "tokens" }],
      adapter: {
        ...{ init, rank: 4, alpha: 6, targets, rslora, ...patterns },
        ...(rho !== undefined && { init_rho: rho }),
        ...(whiten && { init_whiten: true }),
      },
      ...(init === "corda_kpm" && { guard: { text: [rows] } }), // `beside` stands in its place
      train: {
        ...{ schedule: "constant", warmup: 0, clip: 0, shuffle: false },
        ...{ lr, eps, weight_decay, beta1, beta2 },
        ...{ steps: golden.losses.length, tokens_per_batch: T, micro_batch_tokens: T },
      },
      eval: { samples: 0 },
      out: join(folder, "run"),
    },
  });
  const { device } = await engine();
  await trainWith({ beside: [keeping(golden.examples)] }, parsed, { kind: "adapter", device });
  const metrics = Deno.readTextFileSync(join(folder, "run/metrics.jsonl")).trimEnd().split("\n");
  return metrics.map((line): number => JSON.parse(line).loss);
}

function checkAdapter(folder: string, { adapter, updates }: Case): void {
  const { modules, config } = readPeft(folder);
  assert.equal(config["init_lora_weights"], true);
  for (const key of ["r", "use_rslora"] as const) assert.equal(config[key], adapter[key], key);
  assert.ok(Math.abs(Number(config["lora_alpha"]) - Number(adapter["lora_alpha"])) < 1e-9);
  const ranks = adapter["rank_pattern"] as Record<string, number>;
  for (const { module, rank } of modules) {
    assert.equal(rank, matching(module, ranks) ?? adapter["r"], `the rank of ${module}`);
  }
  assert.deepEqual(modules.map(({ module }) => module).sort(), Object.keys(updates).sort());
  for (const weights of modules) {
    const update = new Float32Array(weights.outFeatures * weights.inFeatures);
    addDelta(update, 0, weights);
    const [norm, product] = updates[weights.module]!;
    report(`${weights.module}: norm`, Math.abs(Math.hypot(...update) / norm - 1), RELATIVE);
    const found = update.reduce((sum, x, i) => sum + x * Math.cos(i), 0);
    report(`${weights.module}: product`, Math.abs(found - product) / norm, RELATIVE);
  }
}
