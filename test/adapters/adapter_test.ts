/** Adapters on heads, tables, whole modules and biases: into folders, out of them, and merged. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter, type AdapterOptions } from "../../src/adapters/adapter.ts";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { type PeftAdapter, readPeft, writePeft } from "../../src/adapters/peft/folder.ts";
import { tensorsOf } from "../../src/adapters/peft/tensors.ts";
import { ConfigError, FileError } from "../../src/errors.ts";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { openSafetensors, toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { Model } from "../../src/models/model.ts";
import { readAdapterGolden, writeGolden } from "../golden/golden.ts";
import { assertFileError, withFolder } from "../io/helpers.ts";
import { freshEngine, withTiny } from "../models/tiny.ts";

const CASES = ["head_and_embedding", "saved_and_lora_only", "tied_conv1d", "tied_one_end"];

for (const name of CASES) {
  Deno.test(`${name}: what PEFT wrote is written again, by the same names`, () =>
    withFolder((parent) => {
      const folder = join(parent, "model");
      writeGolden(folder, readAdapterGolden(name));
      const adapter = readPeft(join(folder, "adapter"));
      writePeft(join(parent, "again"), adapter);
      using before = openSafetensors(join(folder, "adapter/adapter_model.safetensors"));
      using after = openSafetensors(join(parent, "again/adapter_model.safetensors"));
      const copies = /\.(base_layer\.weight|original_module\..*|modules_to_save\..*)$/;
      const wanted = [...before.tensors.keys()].filter((tensor) => !copies.test(tensor));
      assert.deepEqual([...after.tensors.keys()].sort(), wanted.sort());
      for (const tensor of wanted) assert.deepEqual(after.read(tensor), before.read(tensor));
      const { modules, whole } = readPeft(join(parent, "again"));
      const { carried, ...own } = adapter;
      assert.deepEqual({ modules, whole }, { modules: own.modules, whole: own.whole });
      assert.equal(carried!.length > 0, ["head_and_embedding", "tied_one_end"].includes(name));
    }));
}

/** W + scale B A of a linear module, E + scale (B A)^T of a table, in f64. */
function changed(base: Float32Array, adapter: PeftAdapter, tensor: string): Float32Array {
  const whole = adapter.whole!.find(({ name }) => name === tensor);
  if (whole) return whole.numbers;
  const found = adapter.modules.find(({ module }) => `${module}.weight` === tensor);
  if (!found) return base;
  const { a, b, rank, scale, inFeatures, outFeatures, isTable } = found;
  const turned = isTable || /\.c_(attn|proj|fc)$/.test(found.module);
  const width = turned ? outFeatures : inFeatures;
  return base.map((x, at) => {
    const [row, column] = [Math.floor(at / width), at % width];
    const [out, into] = turned ? [column, row] : [row, column];
    let sum = 0;
    for (let r = 0; r < rank; r++) sum += b[out * rank + r]! * a[r * inFeatures + into]!;
    return x + scale * sum;
  });
}

for (
  const [name, untie] of [...CASES, "tied_both_ends"].map((n) => [n, /^tied/.test(n)] as const)
) {
  Deno.test(`${name}: merging changes each tensor, and a tied pair only with --untie`, () =>
    withFolder((parent) => {
      const folder = join(parent, "model");
      writeGolden(folder, readAdapterGolden(name));
      const [given, out] = [join(folder, "adapter"), join(parent, "out")];
      const merge = (untie: boolean) => mergeAdapter(folder, given, out, { untie });
      const wanted = untie ? ["one tensor", "--untie"] : ["a tensor of its own"];
      assertFileError(() => merge(!untie), folder, ...wanted);
      const { changed: names } = merge(untie);
      const adapter = readPeft(given);
      assert.equal(names.length, adapter.modules.length + adapter.whole!.length);
      using base = openCheckpoint(folder);
      using merged = openCheckpoint(out);
      const embedding = name === "tied_conv1d"
        ? "transformer.wte.weight"
        : "model.embed_tokens.weight";
      const all = [...base.tensors.keys(), ...(untie ? ["lm_head.weight"] : [])];
      assert.deepEqual([...merged.tensors.keys()].sort(), all.sort());
      assert.equal(merged.config["tie_word_embeddings"], false);
      for (const tensor of all) {
        const from = untie && tensor === "lm_head.weight" ? embedding : tensor;
        const before = toFloat32(base.read(from), "F32");
        const numbers = changed(before, adapter, tensor);
        assert.deepEqual(toFloat32(merged.read(tensor), "F32"), numbers, tensor);
        assert.equal(names.includes(tensor), numbers !== before, tensor);
      }
    }));
}

Deno.test("a fresh adapter is PEFT's: of a table A is zero and B normal, whole tensors the base's", () =>
  withTiny({ tied: false }, async (folder) => {
    const { read, model } = await fresh(folder, {
      targets: ["q_proj", "embed_tokens", "lm_head"],
      modules_to_save: ["model.norm", "down_proj"],
    });
    assert.deepEqual(read.targetModules, ["q_proj", "lm_head", "embed_tokens"]);
    const table = read.modules.find(({ isTable }) => isTable)!;
    assert.equal(table.module, "model.embed_tokens");
    assert.ok(table.a.every((x) => x === 0));
    const deviation = Math.hypot(...table.b) / Math.sqrt(table.b.length);
    assert.ok(deviation > 0.8 && deviation < 1.2, `${deviation}`);
    assert.ok(read.modules.every(({ b, isTable }) => isTable || b.every((x) => x === 0)));
    const names = read.whole!.map(({ name }) => name);
    assert.deepEqual(
      names,
      [0, 1].map((i) => `model.layers.${i}.mlp.down_proj.weight`).concat("model.norm.weight"),
    );
    for (const { name, numbers } of read.whole!) {
      assert.deepEqual(numbers, toFloat32(model.checkpoint.read(name), "F32"), name);
    }
    assert.deepEqual(tensorsOf(read).map(({ name }) => name).slice(-1), [
      "base_model.model.model.norm.weight",
    ]);
  }));

const REFUSED: [options: Partial<AdapterOptions>, wanted: RegExp][] = [
  [
    { modules_to_save: ["lm_haed"] },
    /adapter\.modules_to_save has "lm_haed", the model has .*lm_head/,
  ],
  [
    { targets: ["q_proj"], modules_to_save: ["proj"] },
    /q_proj is both adapted and in modules_to_save/,
  ],
  [{ targets: ["lm_head"], modules_to_save: ["lm_head"] }, /modules_to_save leave no module/],
  [{ bias: "all" }, /adapter\.bias is "all", but no such module of the model has a bias/],
  [
    { targets: ["embed_token"] },
    /adapter\.targets has "embed_token", the model has .*embed_tokens/,
  ],
];

for (const [options, message] of REFUSED) {
  Deno.test(`a fresh adapter refuses ${JSON.stringify(options)}`, () =>
    withTiny({ tied: false }, async (folder) => {
      await assert.rejects(fresh(folder, options), (fault: Error) => {
        assert.ok(fault instanceof ConfigError);
        assert.match(fault.message, message);
        return true;
      });
    }));
}

Deno.test("an adapter that does not fit the model is refused, whatever does not fit", () =>
  withTiny({ tied: false }, async (folder) => {
    const { read, model, engine } = await fresh(folder, {
      targets: ["q_proj"],
      modules_to_save: ["lm_head"],
    });
    const refuses = (
      changes: Partial<PeftAdapter>,
      kind: typeof FileError | typeof ConfigError,
      message: RegExp,
    ) =>
      assert.throws(() => Adapter.of(engine, model, { ...read, ...changes }), (fault: Error) => {
        assert.ok(fault instanceof kind, fault.stack);
        assert.match(fault.message, message);
        return true;
      });
    const [head] = read.whole!;
    refuses({ whole: [] }, ConfigError, /config names lm_head\.weight, but its file lacks it/);
    refuses(
      { whole: [head!, { ...head!, name: "score.weight" }] },
      ConfigError,
      /score\.weight of \[61,32\], the model has none/,
    );
    refuses(
      { whole: [{ ...head!, shape: [32, 61] }] },
      ConfigError,
      /lm_head\.weight of \[32,61\], the model has \[61,32\]/,
    );
    const table = { ...read.modules[0]!, isTable: true };
    refuses({ modules: [table] }, ConfigError, /q_proj as a table, which the model lacks/);
    const carried = [{ ...head!, name: "model.embed_tokens.weight" }];
    refuses(
      { carried },
      FileError,
      /carries a model\.embed_tokens\.weight .* as its base's, which is not/,
    );
    const own = toFloat32(model.checkpoint.read("model.embed_tokens.weight"), "F32");
    Adapter.of(engine, model, {
      ...read,
      carried: [{ ...carried[0]!, numbers: own.map((x) => x * 1.001) }],
    });
  }));

async function fresh(folder: string, options: Partial<AdapterOptions>) {
  const engine = await freshEngine();
  const model = new Model(folder);
  const all = { rank: 3, alpha: 6, targets: "all-linear", ...options };
  const adapter = Adapter.fresh(engine, model, all);
  const { graph } = model.lossGraph(engine, { T: 8, adapt: adapter.adapt });
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  adapter.load(engine.store, 7);
  return { engine, model, read: await adapter.read(engine.store, folder) };
}
