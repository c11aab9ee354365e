import assert from "node:assert/strict";
import { join } from "node:path";
import { mergeAdapter, type MergeOptions } from "../../src/adapters/merge.ts";
import { mergedTensors } from "../../src/adapters/merged_tensors.ts";
import { type LoraWeights, readPeft, writePeft } from "../../src/adapters/peft/folder.ts";
import { openCheckpoint, writeCheckpoint } from "../../src/io/checkpoint.ts";
import {
  type Dtype,
  DTYPE_BYTES,
  fromFloat32,
  type TensorData,
  toFloat32,
} from "../../src/io/safetensors/safetensors.ts";
import {
  assertFileError,
  folderOf,
  namesIn,
  noSharedData,
  sharedData,
  withFolder,
} from "../io/helpers.ts";

function weight(
  name: string,
  shape: number[],
  values: Float32Array,
  dtype: Dtype = "F32",
): TensorData {
  return { name, dtype, shape, data: fromFloat32(values, dtype) };
}

function lora(module: string, rank: number, a: number[], b: number[], scale = 1): LoraWeights {
  return {
    ...{ module, rank, scale, alpha: scale * rank },
    ...{ a: Float32Array.from(a), b: Float32Array.from(b) },
    ...{ inFeatures: a.length / rank, outFeatures: b.length / rank },
  };
}

/** Folders for a base of `tensors`, an adapter of `modules` and the result. */
function folders(
  parent: string,
  tensors: TensorData[],
  modules: LoraWeights[],
  config: Record<string, unknown> = {},
): [base: string, adapter: string, out: string] {
  const [base, adapter, out] = ["base", "adapter", "out"].map((name) => join(parent, name)) as [
    string,
    string,
    string,
  ];
  writeCheckpoint(base, { config, tensors });
  const { rank, alpha } = modules[0]!;
  const targetModules = modules.map(({ module }) => module);
  writePeft(adapter, {
    ...{ baseModel: base, rank, alpha, targetModules, rslora: false, modules, config: {} },
  });
  return [base, adapter, out];
}

/** W + scale B A, element by element in f64, then rounded to f32. */
function reference(values: Float32Array, lora: LoraWeights): Float32Array {
  const { a, b, rank, inFeatures, scale } = lora;
  return values.map((value, at) => {
    const [row, column] = [Math.floor(at / inFeatures), at % inFeatures];
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += b[row * rank + r]! * a[r * inFeatures + column]!;
    return value + scale * sum;
  });
}

for (const model of ["stories260K", "stories260K-bf16"]) {
  for (const dtype of [undefined, "F32", "F16", "BF16"] as const) {
    Deno.test({
      name: `mergeAdapter() merges the golden adapter into ${model} as ${dtype ?? "stored"}`,
      ignore: noSharedData,
      fn: () => withFolder((parent) => checkGolden(parent, model, dtype ? { dtype } : {})),
    });
  }
}

function checkGolden(parent: string, model: string, options: MergeOptions) {
  const baseFolder = join(sharedData, "models", model);
  const adapterFolder = join(sharedData, "golden/lora_stories260K_r4_qv");
  const out = join(parent, "merged");
  const { changed, lost } = mergeAdapter(baseFolder, adapterFolder, out, options);
  assert.equal(changed.length, 10);
  const isF32 = (options.dtype ?? (model.endsWith("bf16") ? "BF16" : "F32")) === "F32";
  assert.ok(isF32 ? lost === 0 : lost > 0 && lost < 0.2, `${lost}`);

  using base = openCheckpoint(baseFolder);
  using merged = openCheckpoint(out);
  const adapter = readPeft(adapterFolder);
  assert.deepEqual([...merged.tensors.keys()], [...base.tensors.keys()]);
  for (const [name, { dtype, shape }] of base.tensors) {
    const found = merged.get(name, shape);
    assert.equal(found.dtype, options.dtype ?? dtype);
    const lora = adapter.modules.find(({ module }) => `${module}.weight` === name);
    const values = toFloat32(base.read(name), dtype);
    const wanted = lora === undefined ? values : reference(values, lora);
    assert.deepEqual(merged.read(name), fromFloat32(wanted, found.dtype), name);
    assert.equal(changed.includes(name), lora !== undefined);
  }
  const names = { F32: "float32", F16: "float16", BF16: "bfloat16" };
  const torch_dtype = options.dtype ? names[options.dtype] : base.config["torch_dtype"];
  assert.deepEqual({ ...merged.config }, { ...base.config, torch_dtype });
  assert.deepEqual(
    namesIn(out),
    namesIn(baseFolder),
    "the tokenizer files come along",
  );
}

Deno.test("mergeAdapter() merges a tensor of several blocks", () =>
  withFolder((parent) => {
    const [rows, columns] = [5, 500_000];
    const values = Float32Array.from({ length: rows * columns }, (_, i) => Math.sin(i));
    const a = Array.from({ length: 2 * columns }, (_, i) => Math.cos(i));
    const module = lora("q", 2, a, [1, -2, 3, 0.5, 0.25, -1, 2, 8, -3, 4], 0.5);
    const tensors = [
      weight("q.weight", [rows, columns], values),
      weight("n", [3_000_000], new Float32Array(3_000_000).map((_, i) => i)),
    ];
    const [base, adapter, out] = folders(parent, tensors, [module]);
    mergeAdapter(base, adapter, out);
    using merged = openCheckpoint(out);
    assert.deepEqual(merged.read("q.weight"), fromFloat32(reference(values, module), "F32"));
    assert.deepEqual(merged.read("n"), tensors[1]!.data);
  }));

Deno.test("mergeAdapter() rounds once: a sum in f32, then to the element type", () =>
  withFolder((parent) => {
    // 1 + 2^-8 is a tie in BF16 and rounds down; each half of the delta alone would be lost.
    const tensors = [weight("q.weight", [1, 1], Float32Array.of(1), "BF16")];
    const half = 2 ** -9;
    const module = lora("q", 2, [1, 1], [half, half + 2 ** -16]);
    const [base, adapter, out] = folders(parent, tensors, [module]);
    const { lost, worst } = mergeAdapter(base, adapter, out);
    using merged = openCheckpoint(out);
    assert.deepEqual([...toFloat32(merged.read("q.weight"), "BF16")], [1 + 2 ** -7]);
    assert.ok(Math.abs(lost - 2 ** -8 / (2 ** -8)) < 0.01, "the update was rounded to its double");
    assert.deepEqual(worst, { name: "q.weight", lost });
    const [small, tiny, nowhere] = folders(join(parent, "2"), tensors, [lora("q", 1, [1], [1e-4])]);
    assertFileError(() => mergeAdapter(small, tiny, nowhere), nowhere, "took the whole update");
  }));

Deno.test("mergeAdapter() keeps integers and scalars and writes `dtype` where the base has it", () =>
  withFolder((parent) => {
    const tensors: TensorData[] = [
      weight("q.weight", [1, 1], Float32Array.of(1)),
      weight("scalar", [], Float32Array.of(3)),
      weight("empty", [0, 4], new Float32Array(0)),
      { name: "ids", dtype: "I64", shape: [1], data: new Uint8Array(8).fill(5) },
    ];
    const [base, adapter, out] = folders(parent, tensors, [lora("q", 1, [1], [1])], { dtype: "x" });
    mergeAdapter(base, adapter, out, { dtype: "BF16" });
    using merged = openCheckpoint(out);
    assert.deepEqual({ ...merged.config }, { dtype: "bfloat16" });
    assert.deepEqual(merged.read("ids"), tensors[3]!.data);
    assert.deepEqual([...toFloat32(merged.read("scalar"), "BF16")], [3]);
    assert.equal(merged.get("empty", [0, 4]).dtype, "BF16");
  }));

Deno.test("mergedTensors() computes nothing before it is asked to", () =>
  withFolder((parent) => {
    const tensors = [weight("q.weight", [1, 1], Float32Array.of(3e38))];
    const [base, adapter] = folders(parent, tensors, [lora("q", 1, [1], [3e38])]);
    using checkpoint = openCheckpoint(base);
    const [merged] = mergedTensors(checkpoint, readPeft(adapter));
    assert.ok(typeof merged!.data === "function");
    assertFileError(() => [...(merged!.data as () => Iterable<Uint8Array>)()], base, "q.weight");
  }));

const REFUSED: {
  fault: string;
  tensors: TensorData[];
  module: LoraWeights;
  config?: Record<string, unknown>;
  options?: MergeOptions;
  endsInNaN?: boolean; // which no file is written with
  wanted: string[];
}[] = [
  {
    fault: "a module that the base lacks",
    tensors: [
      weight("l.0.q_proj.weight", [1, 1], Float32Array.of(1)),
      weight("l.0.up.weight", [1, 1], Float32Array.of(1)),
      weight("norm.weight", [1], Float32Array.of(1)),
    ],
    module: lora("l.0.k_proj", 1, [1], [1]),
    wanted: [`module "l.0.k_proj"`, `no tensor "l.0.k_proj.weight"`, "its modules are q_proj, up"],
  },
  {
    fault: "another shape",
    tensors: [weight("q.weight", [2, 1], Float32Array.of(1, 2))],
    module: lora("q", 1, [1, 1], [1]),
    wanted: [`"q.weight"`, "found shape [2,1]", "wanted [1,2]"],
  },
  {
    fault: "a tied output head",
    tensors: [weight("model.embed_tokens.weight", [1, 1], Float32Array.of(1))],
    module: lora("lm_head", 1, [1], [1]),
    config: { tie_word_embeddings: true },
    wanted: [`module "lm_head"`, "tie_word_embeddings", "would change both"],
  },
  {
    fault: "a tied embedding",
    tensors: [weight("model.embed_tokens.weight", [1, 1], Float32Array.of(1))],
    module: lora("model.embed_tokens", 1, [1], [1]),
    config: { tie_word_embeddings: true },
    wanted: [`module "model.embed_tokens"`, "would change both"],
  },
  {
    fault: "quantised weights",
    tensors: [{ name: "q.weight", dtype: "I8", shape: [1, 1], data: Uint8Array.of(1) }],
    module: lora("q", 1, [1], [1]),
    wanted: [`module "q"`, "its weight is I8", "wanted F32, F16, BF16"],
  },
  {
    fault: "a weight of NaN",
    tensors: [weight("q.weight", [1, 1], Float32Array.of(1))],
    module: lora("q", 1, [1], [1]),
    endsInNaN: true,
    wanted: [`"q.weight" would hold NaN`, "finite F32"],
  },
  {
    fault: "a sum beyond F32",
    tensors: [weight("q.weight", [1, 1], Float32Array.of(3e38))],
    module: lora("q", 1, [1], [3e38]),
    wanted: [`"q.weight" would hold Infinity`, "finite F32"],
  },
  {
    fault: "a sum beyond F16",
    tensors: [weight("q.weight", [1, 1], Float32Array.of(65504), "F16")],
    module: lora("q", 1, [1], [16]),
    wanted: [`"q.weight" would hold 65520`, "finite F16"],
  },
  {
    fault: "another tensor beyond the wanted type",
    tensors: [
      weight("q.weight", [1, 1], Float32Array.of(1)),
      weight("norm", [1], Float32Array.of(1e5)),
    ],
    module: lora("q", 1, [1], [1]),
    options: { dtype: "F16" },
    wanted: [`"norm" would hold 100000`, "finite F16"],
  },
];

for (const { fault, tensors, module, config = {}, options = {}, endsInNaN, wanted } of REFUSED) {
  Deno.test(`mergeAdapter() refuses ${fault} and writes nothing`, () =>
    withFolder((parent) => {
      const [base, adapter, out] = folders(parent, tensors, [module], config);
      if (endsInNaN) endInNaN(join(base, "model.safetensors"));
      assertFileError(() => mergeAdapter(base, adapter, out, options), base, ...wanted);
      assert.deepEqual(namesIn(parent), ["adapter", "base"]);
    }));
}

/** Makes the last f32 of a file NaN. */
function endInNaN(path: string): void {
  const bytes = Deno.readFileSync(path);
  bytes.fill(0xff, -4);
  Deno.writeFileSync(path, bytes);
}

Deno.test("mergeAdapter() refuses an occupied folder before it reads anything", () =>
  withFolder((parent) => {
    const out = folderOf(parent, "out", { "run.json": 1 });
    const absent = join(parent, "absent");
    assertFileError(() => mergeAdapter(absent, absent, out), out, "run.json");
    assert.deepEqual(namesIn(out), ["run.json"]);
  }));

Deno.test("mergeAdapter() notices a disk that gives back other bytes", () =>
  withFolder((parent) => {
    const tensors = [weight("q.weight", [2, 1], Float32Array.of(1, 2))];
    const [base, adapter, out] = folders(parent, tensors, [lora("q", 1, [1], [1, 1])]);
    const rename = Deno.renameSync;
    Deno.renameSync = (from, to) => {
      rename(from, to);
      if (to === out) flipLastByte(join(out, "model.safetensors"));
    };
    try {
      const lastByte = 2 * DTYPE_BYTES.F32 - 1;
      assertFileError(
        () => mergeAdapter(base, adapter, out),
        join(out, "model.safetensors"),
        `byte ${lastByte} of tensor "q.weight"`,
      );
    } finally {
      Deno.renameSync = rename;
    }
  }));

function flipLastByte(path: string) {
  const bytes = Deno.readFileSync(path);
  bytes[bytes.length - 1]! ^= 1;
  Deno.writeFileSync(path, bytes);
}
