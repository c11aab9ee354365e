/** What is held to golden values in several tests, and how closely. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter } from "../../src/adapters/adapter.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { batch } from "../../src/data/mod.ts";
import { readFloats } from "../../src/gpu/buffer.ts";
import type { LossProgram } from "../../src/models/loss_program.ts";
import type { Model } from "../../src/models/model.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { train } from "../../src/train/run.ts";
import { engine } from "../harness.ts";
import { freshEngine } from "../models/tiny.ts";
import { type Golden, T, writeGolden } from "./golden.ts";

/** The largest distance of a logit. */
export const LOGITS = 2e-4;
/** The largest relative error of losses and gradients. */
export const RELATIVE = 1e-3;

/** The mean loss of both documents. */
export async function lossOf(program: LossProgram, golden: Golden): Promise<number> {
  const packed = batch(golden.examples, T);
  program.feed(packed, new Float32Array(packed.supervised).fill(1 / packed.supervised));
  program.run();
  const { compiled } = program;
  return (await readFloats(compiled.engine.device, compiled.output("loss")))[0]!;
}

/** The golden adapter's params on an engine of their own, and the graph that trains them. */
export async function openGoldenAdapter(
  folder: string,
  model: Model,
  recompute: boolean,
  { freeze_a = false }: Pick<Golden, "freeze_a"> = {},
) {
  const engine = await freshEngine();
  const adapter = Adapter.of(engine, model, readPeft(join(folder, "adapter")), { freeze_a });
  const options = { T, adapt: adapter.adapt, train: true, recompute };
  const { graph } = model.lossGraph(engine, options);
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  adapter.load(engine.store, 0);
  return { engine, adapter, options };
}

/** Trains on both documents from the golden adapter. */
export async function checkTraining(folder: string, golden: Golden): Promise<void> {
  const rows = join(folder, "rows.jsonl");
  const lines = golden.ids.map((input_ids, i) => ({ input_ids, labels: golden.labels[i] }));
  Deno.writeTextFileSync(rows, lines.map((line) => JSON.stringify(line)).join("\n"));
  const plainest = { schedule: "constant", warmup: 0, clip: 0, shuffle: false };
  const { lr, eps, weight_decay, betas: [beta1, beta2] } = golden.adamw;
  const parsed = parseConfig({
    values: {
      model: folder,
      data: [{ path: rows, format: "tokens" }],
      adapter: {
        from: join(folder, "adapter"),
        ...(golden.freeze_a && { freeze_a: true }),
      },
      train: {
        ...{ ...plainest, lr, eps, weight_decay, beta1, beta2 },
        ...{ steps: golden.losses.length, tokens_per_batch: T, micro_batch_tokens: T },
      },
      eval: { samples: 0 },
      out: join(folder, "run"),
    },
  });
  const { device } = await engine();
  await train(parsed, { kind: "adapter", device });
  const metrics = Deno.readTextFileSync(join(folder, "run/metrics.jsonl")).trimEnd().split("\n");
  const losses = metrics.map((line): number => JSON.parse(line).loss);
  assert.equal(losses.length, golden.losses.length);
  const errors = losses.map((loss, i) => Math.abs(loss / golden.losses[i]! - 1));
  report("losses", Math.max(...errors), RELATIVE);
}

/** Fails where an error is beyond its bound, or no number; GRAFT_ERRORS=1 prints it. */
export function report(what: string, error: number, bound: number): void {
  assert.ok(error <= bound, `${what}: off by ${error}, wanted at most ${bound}`);
  if (Deno.env.get("GRAFT_ERRORS")) console.log(`${what} ${error.toExponential(1)}`);
}

/** Declares tests of a golden, each with its model in a folder of its own. */
export const testsOf =
  (name: string, golden: Golden) => (what: string, action: (folder: string) => Promise<void>) =>
    Deno.test(`${name}: ${what}`, async () => {
      const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
      try {
        const folder = join(parent, "model");
        writeGolden(folder, golden);
        await action(folder);
      } finally {
        Deno.removeSync(parent, { recursive: true });
      }
    });
