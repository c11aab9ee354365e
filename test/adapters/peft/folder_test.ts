import assert from "node:assert/strict";
import { join } from "node:path";
import {
  type LoraWeights,
  type PeftAdapter,
  readPeft,
  writePeft,
} from "../../../src/adapters/peft/folder.ts";
import {
  fromFloat32,
  openSafetensors,
  writeSafetensors,
} from "../../../src/io/safetensors/safetensors.ts";
import {
  assertFileError,
  folderOf,
  namesIn,
  noSharedData,
  sharedData,
  withFolder,
} from "../../io/helpers.ts";

const CONFIG = { peft_type: "LORA", r: 2, lora_alpha: 6, target_modules: ["q_proj"] };
const PREFIX = "base_model.model.model.layers.0.self_attn.q_proj";

/** A tensor of 0, 1, 2, ... in F32. */
function ramp(name: string, shape: number[]) {
  const size = shape.reduce((a, b) => a * b, 1);
  return {
    name,
    dtype: "F32",
    shape,
    data: fromFloat32(Float32Array.from({ length: size }, (_, i) => i), "F32"),
  } as const;
}

const A = ramp(`${PREFIX}.lora_A.weight`, [2, 3]);
const B = ramp(`${PREFIX}.lora_B.weight`, [4, 2]);

/** An adapter folder below `parent` with these files, unchecked. */
function adapterFolder(
  parent: string,
  config: unknown,
  tensors: readonly ReturnType<typeof ramp>[] = [A, B],
): string {
  const folder = folderOf(parent, "adapter", { "adapter_config.json": config });
  writeSafetensors(join(folder, "adapter_model.safetensors"), tensors);
  return folder;
}

function lora(module: string, rank: number, alpha: number, scale = alpha / rank): LoraWeights {
  const a = Float32Array.from({ length: rank * 3 }, (_, i) => i / 8);
  const b = Float32Array.from({ length: 4 * rank }, (_, i) => -i / 16);
  return { module, rank, alpha, scale, a, b, inFeatures: 3, outFeatures: 4 };
}

function adapterOf(modules: LoraWeights[], more: Partial<PeftAdapter> = {}): PeftAdapter {
  return {
    baseModel: "base",
    rank: 2,
    alpha: 6,
    targetModules: ["q_proj", "v_proj"],
    rslora: false,
    modules,
    config: {},
    ...more,
  };
}

Deno.test({
  name: "readPeft() then writePeft() gives the golden weights back bit for bit",
  ignore: noSharedData,
  fn: () =>
    withFolder((parent) => {
      const golden = join(sharedData, "golden/lora_stories260K_r4_qv");
      const adapter = readPeft(golden);
      assert.equal(adapter.modules.length, 10);
      assert.deepEqual([adapter.rank, adapter.alpha, adapter.rslora], [4, 8, false]);
      assert.deepEqual(adapter.targetModules, ["q_proj", "v_proj"]);
      assert.equal(adapter.baseModel, "stories260K");
      const [q, v] = adapter.modules;
      assert.equal(q!.module, "model.layers.0.self_attn.q_proj");
      assert.deepEqual([v!.rank, v!.scale, v!.inFeatures, v!.outFeatures], [4, 2, 64, 32]);

      const out = join(parent, "adapter");
      writePeft(out, adapter);
      using before = openSafetensors(join(golden, "adapter_model.safetensors"));
      using after = openSafetensors(join(out, "adapter_model.safetensors"));
      assert.deepEqual([...after.tensors.keys()], [...before.tensors.keys()]);
      for (const name of before.tensors.keys()) {
        assert.deepEqual(after.read(name), before.read(name));
      }
      assert.equal(after.metadata["format"], "pt");
      const config = (folder: string) =>
        JSON.parse(Deno.readTextFileSync(join(folder, "adapter_config.json")));
      const since = { revision: null, trainable_token_indices: null };
      assert.deepEqual(config(out), { ...config(golden), ...since });
    }),
});

Deno.test("readPeft() fills in what PEFT takes for missing fields", () =>
  withFolder((parent) => {
    const tensors = [ramp(A.name, [8, 3]), ramp(B.name, [4, 8])];
    const adapter = readPeft(adapterFolder(parent, { peft_type: "LORA" }, tensors));
    assert.deepEqual([adapter.rank, adapter.alpha, adapter.rslora], [8, 8, false]);
    assert.deepEqual(adapter.targetModules, ["model.layers.0.self_attn.q_proj"]);
    assert.equal(adapter.baseModel, "");
    assert.equal(adapter.modules[0]!.scale, 1);
  }));

Deno.test("readPeft() takes the first pattern that matches, and rsLoRA's scale", () =>
  withFolder((parent) => {
    const pattern = (rank_pattern: unknown, more = {}) => {
      const config = { ...CONFIG, r: 5, rank_pattern, ...more };
      const { rank, alpha, scale } = readPeft(adapterFolder(parent, config)).modules[0]!;
      return [rank, alpha, scale];
    };
    assert.deepEqual(pattern({ q_proj: 2, "self_attn.q_proj": 5 }), [2, 6, 3]);
    assert.deepEqual(pattern({ proj: 5, "layers.(0|3).*q_proj": 2, q_proj: 5 }), [2, 6, 3]);
    assert.deepEqual(pattern({ "model.layers.0.self_attn.q_proj": 2 }), [2, 6, 3]);
    const alpha_pattern = { v_proj: 1, q_proj: 8 };
    assert.deepEqual(pattern({ q_proj: 2 }, { alpha_pattern }), [2, 8, 4]);
    const rslora = pattern({ q_proj: 2 }, { use_rslora: true });
    assert.deepEqual(rslora, [2, 6, 6 / Math.sqrt(2)]);
  }));

Deno.test("readPeft() reads 16-bit weights", () =>
  withFolder((parent) => {
    const folder = adapterFolder(parent, CONFIG);
    const values = Float32Array.of(0, 1, 2, 3, 4, 5);
    const a = { ...A, dtype: "BF16", data: fromFloat32(values, "BF16") } as const;
    writeSafetensors(join(folder, "adapter_model.safetensors"), [a, B]);
    assert.deepEqual(readPeft(folder).modules[0]!.a, values);
  }));

Deno.test("readPeft() names the config that it refuses", () =>
  withFolder((parent) => {
    const folder = adapterFolder(parent, { ...CONFIG, use_qalora: true });
    assertFileError(() => readPeft(folder), join(folder, "adapter_config.json"), "use_qalora");
  }));

const REFUSED_TENSORS: { fault: string; tensors: ReturnType<typeof ramp>[]; wanted: string[] }[] = [
  { fault: "no tensors", tensors: [], wanted: ["no tensors of lora"] },
  { fault: "A without B", tensors: [A], wanted: ["q_proj", "lora_A but no lora_B"] },
  { fault: "B without A", tensors: [B], wanted: ["q_proj", "lora_B but no lora_A"] },
  {
    fault: "another rank in A",
    tensors: [ramp(A.name, [3, 3]), B],
    wanted: [A.name, "shape [3,3]", "wanted rank 2"],
  },
  {
    fault: "another rank in B",
    tensors: [A, ramp(B.name, [4, 1])],
    wanted: [B.name, "shape [4,1]", "wanted rank 2"],
  },
  {
    fault: "A with three dimensions",
    tensors: [ramp(A.name, [2, 3, 1]), B],
    wanted: [A.name, "two dimensions"],
  },
  {
    fault: "half of an embedding adapter",
    tensors: [A, B, ramp("base_model.model.model.embed_tokens.lora_embedding_A", [2, 3])],
    wanted: [`"model.embed_tokens"`, "has lora_embedding_A but no lora_embedding_B"],
  },
  {
    fault: "a whole tensor that the config does not name",
    tensors: [A, B, ramp("base_model.model.model.norm.weight", [2, 3])],
    wanted: [`"base_model.model.model.norm.weight"`, "nor named by modules_to_save or bias"],
  },
  {
    fault: "a bias that the config does not name",
    tensors: [A, B, ramp(A.name.replace("lora_A.weight", "base_layer.bias"), [4])],
    wanted: ["base_layer.bias", "nor named by modules_to_save or bias"],
  },
  {
    fault: "DoRA's magnitudes",
    tensors: [A, B, ramp(A.name.replace("lora_A.weight", "lora_magnitude_vector"), [4])],
    wanted: ["lora_magnitude_vector", "other kinds of adapter are not supported"],
  },
  {
    fault: "a name without the prefix",
    tensors: [A, B, ramp("layers.0.q_proj.lora_A.weight", [2, 3])],
    wanted: [`"layers.0.q_proj.lora_A.weight"`, "base_model.model."],
  },
  {
    fault: "a module that no target names",
    tensors: [
      A,
      B,
      ramp("base_model.model.o.lora_A.weight", [2, 3]),
      ramp("base_model.model.o.lora_B.weight", [4, 2]),
    ],
    wanted: [`module "o"`, "target_modules"],
  },
];

for (const { fault, tensors, wanted } of REFUSED_TENSORS) {
  Deno.test(`readPeft() refuses ${fault}`, () =>
    withFolder((parent) => {
      const folder = adapterFolder(parent, CONFIG, tensors);
      const path = join(folder, "adapter_model.safetensors");
      assertFileError(() => readPeft(folder), path, ...wanted);
    }));
}

Deno.test("readPeft() refuses integer weights and missing files", () =>
  withFolder((parent) => {
    const folder = adapterFolder(parent, CONFIG);
    const path = join(folder, "adapter_model.safetensors");
    writeSafetensors(path, [{ ...A, dtype: "I32" }, B]);
    assertFileError(() => readPeft(folder), path, A.name, "I32");
    Deno.removeSync(path);
    assertFileError(() => readPeft(folder), path, "no such file");
    assertFileError(() => readPeft(parent), join(parent, "adapter_config.json"), "no such file");
  }));

Deno.test("writePeft() writes ranks and alphas of their own as patterns", () =>
  withFolder((parent) => {
    const folder = join(parent, "adapter");
    const modules = [lora("l.1.v_proj", 4, 1), lora("l.0.q_proj", 2, 6), lora("l.1.q_proj", 1, 6)];
    writePeft(folder, adapterOf(modules));
    assert.deepEqual(readPeft(folder).modules, modules);
    const text = Deno.readTextFileSync(join(folder, "adapter_config.json"));
    const config = JSON.parse(text);
    assert.deepEqual(Object.entries(config.rank_pattern), [["l.1.q_proj", 1], ["l.1.v_proj", 4]]);
    assert.deepEqual(config.alpha_pattern, { "l.1.v_proj": 1 });
    assert.deepEqual(Object.keys(config), Object.keys(config).sort());
    assert.ok(text.startsWith(`{\n  "alpha_pattern"`));
  }));

Deno.test("writePeft() always writes what a reader would otherwise guess", () =>
  withFolder((parent) => {
    const folder = join(parent, "adapter");
    const scale = 6 / Math.sqrt(2);
    writePeft(folder, adapterOf([lora("q_proj", 2, 6, scale)], { rslora: true }));
    const config = JSON.parse(Deno.readTextFileSync(join(folder, "adapter_config.json")));
    const wanted = {
      ...{
        alpha_pattern: {},
        base_model_name_or_path: "base",
        bias: "none",
        fan_in_fan_out: false,
      },
      ...{ inference_mode: true, init_lora_weights: true, lora_alpha: 6, lora_dropout: 0 },
      ...{ modules_to_save: null, peft_type: "LORA", r: 2, rank_pattern: {} },
      ...{ target_modules: ["q_proj", "v_proj"], task_type: "CAUSAL_LM", use_dora: false },
      ...{ use_rslora: true, auto_mapping: null, layers_pattern: null, layers_to_transform: null },
      ...{ revision: null, trainable_token_indices: null },
    };
    assert.deepEqual(config, wanted);
    assert.equal(readPeft(folder).modules[0]!.scale, scale);
  }));

Deno.test("writePeft() replaces both files and leaves the others alone", () =>
  withFolder((parent) => {
    const folder = folderOf(parent, "adapter", { "README.md": "mine", "adapter_config.json": 1 });
    writePeft(folder, adapterOf([lora("q_proj", 2, 6)]));
    const files = ["README.md", "adapter_config.json", "adapter_model.safetensors"];
    assert.deepEqual(namesIn(folder), files);
    const changed = lora("q_proj", 2, 6);
    changed.a[0] = 42;
    writePeft(folder, adapterOf([changed]));
    assert.equal(readPeft(folder).modules[0]!.a[0], 42);
    assert.deepEqual(namesIn(folder), files);
    assert.deepEqual(namesIn(parent), ["adapter"]);
  }));

Deno.test("writePeft() refuses what would not read back, and keeps the old adapter", () =>
  withFolder((parent) => {
    const folder = join(parent, "adapter");
    const good = lora("q_proj", 2, 6);
    writePeft(folder, adapterOf([good]));
    const refuses = (adapter: PeftAdapter, wanted: RegExp) =>
      assert.throws(() => writePeft(folder, adapter), { name: "RangeError", message: wanted });
    refuses(adapterOf([]), /without modules/);
    refuses(adapterOf([lora("q_proj", 2, 6, 4)]), /"q_proj".*scale 4.*scale 3/);
    refuses(adapterOf([lora("k_proj", 2, 6)]), /"k_proj".*\[q_proj,v_proj\]/);
    refuses(
      adapterOf([{ ...good, a: new Float32Array(5) }]),
      /q_proj\.lora_A.*20 bytes, wanted 24/,
    );
    assert.deepEqual(readPeft(folder).modules, [good]);
    assert.deepEqual(namesIn(parent), ["adapter"]);
  }));
