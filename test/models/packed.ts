/** Folders whose matrices are stored in several tensors each, for tests. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { writePeft } from "../../src/adapters/peft/folder.ts";
import { UNSUPERVISED } from "../../src/data/mod.ts";
import { perplexity } from "../../src/eval/perplexity.ts";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import {
  openSafetensors,
  type TensorData,
  toFloat32,
  writeSafetensors,
} from "../../src/io/safetensors/safetensors.ts";
import { openWeights } from "../../src/models/gguf_checkpoint.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { freshEngine, writeTinyLlama } from "./tiny.ts";

const folderOf = (name: string) => fileURLToPath(new URL(`${name}/`, import.meta.url));

/** Runs `action` with a copy of a folder that has a tokenizer. */
export async function withCopy(name: string, action: (folder: string) => void | Promise<void>) {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    writeTinyLlama(folder);
    for (const file of ["config.json", "model.safetensors"]) {
      Deno.copyFileSync(join(folderOf(name), file), join(folder, file));
    }
    await action(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** What the Python that wrote a folder says of it. */
export const goldenOf = (name: string) =>
  JSON.parse(Deno.readTextFileSync(join(folderOf(name), "golden.json")));

/** Holds a model's loss to that of transformers on the same numbers; the types of its matrices. */
export async function holdLoss(name: string, folder: string): Promise<Map<string, string>> {
  const { ids, nll } = goldenOf(name);
  const engine = await freshEngine();
  using model = new Model(folder);
  const { graph } = model.lossGraph(engine, { T: 16 });
  const program = await LossProgram.open(engine, model, { T: 16 });
  const labels = Int32Array.from(ids, (id: number, i) => i === 0 ? UNSUPERVISED : id);
  const example = { ids: Uint32Array.from(ids as number[]), labels, origin: "golden" };
  const { documents: [document] } = await perplexity(program, [example]);
  program.compiled.destroy();
  engine.store.destroy();
  assert.ok(Math.abs(document!.nats / nll - 1) < 1e-6, `${document!.nats}, wanted ${nll}`);
  const weights = graph.values.filter(({ kind }) => kind === "weight");
  return new Map(
    weights.map(({ name, type }) => [name.replace(/^model\.(layers\.0\.)?/, ""), type]),
  );
}

/** Merges an adapter of constant numbers into `matrix`, and holds the folder to their sum. */
export function holdMerge(folder: string, matrix: string): void {
  const adapter = join(folder, "adapter");
  using base = openWeights(folder);
  const shape = base.get(matrix).shape as [number, number];
  const module = matrix.replace(/\.weight$/, "");
  const [outFeatures, inFeatures] = shape;
  writePeft(adapter, {
    ...{
      baseModel: folder,
      rank: 1,
      alpha: 1,
      targetModules: [module.split(".").at(-1)!],
      rslora: false,
    },
    modules: [{
      ...{ module, rank: 1, alpha: 1, scale: 1, outFeatures, inFeatures },
      a: new Float32Array(inFeatures).fill(0.5),
      b: new Float32Array(outFeatures).fill(0.25),
    }],
    config: {},
  });
  for (const dtype of [undefined, "F32"] as const) {
    const out = join(folder, `merged ${dtype}`);
    mergeAdapter(folder, adapter, out, dtype ? { dtype } : {});
    using merged = openCheckpoint(out);
    assert.ok(!("quantization_config" in merged.config || "quantization" in merged.config));
    const { dtype: found } = merged.get(matrix, shape);
    assert.equal(found, dtype ?? "BF16");
    if (dtype !== "F32") continue;
    const wanted = toFloat32(base.read(matrix), "F32").map((x) => Math.fround(x + 0.125));
    assert.deepEqual(toFloat32(merged.read(matrix), "F32"), wanted);
  }
}

/** Ranges of a matrix are parts of the whole, as numbers and in groups. */
export function holdRanges(folder: string, matrix: string): void {
  using checkpoint = openWeights(folder);
  const whole = checkpoint.read(matrix);
  assert.ok(toFloat32(whole, "F32").every(Number.isFinite));
  assert.deepEqual(checkpoint.read(matrix, { offset: 300, length: 900 }), whole.slice(300, 1200));
  const groups = checkpoint.grouped(matrix)!;
  const all = groups.read();
  assert.deepEqual(groups.read({ offset: 72, length: 40 }), all.slice(72, 112));
}

/** Rewrites a folder's tensors, those for which `change` gives null left out. */
export function changeTensors(folder: string, change: (tensor: TensorData) => TensorData | null) {
  const path = join(folder, "model.safetensors");
  const tensors: TensorData[] = [];
  {
    using file = openSafetensors(path);
    for (const { name, dtype, shape } of file.tensors.values()) {
      const changed = change({ name, dtype, shape, data: file.read(name).slice() });
      if (changed) tensors.push(changed);
    }
  }
  writeSafetensors(path, tensors, {});
}

/** Writes over bytes of a tensor, finite numbers or not. */
export function damage(folder: string, tensor: string, at: number, bytes: readonly number[]) {
  const path = join(folder, "model.safetensors");
  const { begin } = (() => {
    using file = openSafetensors(path);
    return file.tensors.get(tensor)!;
  })();
  const whole = Deno.readFileSync(path);
  whole.set(bytes, begin + at);
  Deno.writeFileSync(path, whole);
}

/** Changes a folder's config. */
export function changeConfig(folder: string, change: (config: Record<string, unknown>) => void) {
  const path = join(folder, "config.json");
  const config = JSON.parse(Deno.readTextFileSync(path));
  change(config);
  Deno.writeTextFileSync(path, JSON.stringify(config));
}
