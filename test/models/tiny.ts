/** A tiny Llama with random weights and a tokenizer of letters, for tests of whole models. */
import { join } from "node:path";
import { type LoraWeights, writePeft } from "../../src/adapters/peft/folder.ts";
import { type Example, UNSUPERVISED } from "../../src/data/mod.ts";
import type { Engine } from "../../src/graph/compile.ts";
import { Store } from "../../src/graph/store.ts";
import { openCheckpoint, writeCheckpoint } from "../../src/io/checkpoint.ts";
import {
  type Dtype,
  fromFloat32,
  type TensorData,
  toFloat32,
} from "../../src/io/safetensors/safetensors.ts";
import { engine, noise } from "../harness.ts";
import type { LlamaSizes, Tensors } from "../../src/reference/llama.ts";

export interface TinyOptions extends Partial<LlamaSizes> {
  dtype?: Dtype;
  /** More fields of config.json; undefined leaves one out. */
  config?: Record<string, unknown>;
}

const CHARACTERS = "abcdefghijklmnopqrstuvwxyz .,!?'\n0123456789:";
const SIZES: LlamaSizes = {
  ...{ hidden: 32, layers: 2, heads: 4, groups: 2, headDim: 8, inner: 48, vocab: 61 },
  ...{ eps: 1e-5, theta: 100, tied: true },
};

/** Writes the model into a folder that is new or empty and returns its sizes. */
export function writeTinyLlama(folder: string, options: TinyOptions = {}): LlamaSizes {
  const { dtype = "F32", config = {}, ...sizes } = options;
  const c = { ...SIZES, ...sizes };
  const tensors = [...shapesOf(c)].map(([name, shape], index) =>
    tensorOf(name, shape, index, dtype)
  );
  writeCheckpoint(folder, { config: { ...configOf(c), ...config }, tensors });
  Deno.writeTextFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer()));
  Deno.writeTextFileSync(
    join(folder, "tokenizer_config.json"),
    JSON.stringify({ bos_token: "<s>", eos_token: "</s>", add_bos_token: true }),
  );
  return c;
}

/** Runs `action` with the folder of a tiny model, which is removed afterwards. */
export async function withTiny(
  options: TinyOptions,
  action: (folder: string, sizes: LlamaSizes) => Promise<void>,
): Promise<void> {
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const folder = join(parent, "model");
    await action(folder, writeTinyLlama(folder, options));
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

/** The weights as stored, in f64. */
export function tinyTensors(folder: string): Tensors {
  using checkpoint = openCheckpoint(folder);
  return new Map([...checkpoint.tensors.values()].map(({ name, dtype }) => {
    return [name, Float64Array.from(toFloat32(checkpoint.read(name), dtype))];
  }));
}

/** An engine with a store of its own on the device that all tests share. */
export async function freshEngine(): Promise<Engine> {
  const { device, pipelines } = await engine();
  return { device, pipelines, store: new Store(device) };
}

/** Documents of random tokens with a masked beginning. */
export function tinyExamples(vocab: number, lengths: readonly number[] = [19, 10]): Example[] {
  return lengths.map((length, d) => {
    const ids = Uint32Array.from(noise(length, d + 40), (x) => Math.floor((x + 1) / 2 * vocab));
    const labels = Int32Array.from(ids, (id, i) => i < 4 ? UNSUPERVISED : id);
    return { ids, labels, origin: `document ${d}` };
  });
}

/** Writes an adapter of all kinds of modules, A and B random, the rank no multiple of four. */
export function writeTinyAdapter(folder: string, base: string, alpha = 6): LoraWeights[] {
  const rank = 3;
  using checkpoint = openCheckpoint(base);
  const modules = [...checkpoint.tensors.values()]
    .filter(({ name }) => name.endsWith("_proj.weight"))
    .map(({ name, shape: [outFeatures = 0, inFeatures = 0] }, i): LoraWeights => ({
      module: name.replace(/\.weight$/, ""),
      ...{ rank, alpha, scale: alpha / rank, outFeatures, inFeatures },
      a: noise(rank * inFeatures, 2 * i + 200).map((x) => x / 4),
      b: noise(outFeatures * rank, 2 * i + 201).map((x) => x / 4),
    }));
  const targetModules = [...new Set(modules.map(({ module }) => module.split(".").at(-1)!))];
  writePeft(folder, {
    ...{ baseModel: base, rank, alpha, targetModules, rslora: false, modules, config: {} },
  });
  return modules;
}

function* shapesOf(c: LlamaSizes): Generator<[name: string, shape: number[]]> {
  const { hidden, inner, headDim } = c;
  yield ["model.embed_tokens.weight", [c.vocab, hidden]];
  for (let i = 0; i < c.layers; i++) {
    const layer = `model.layers.${i}`;
    yield [`${layer}.input_layernorm.weight`, [hidden]];
    yield [`${layer}.self_attn.q_proj.weight`, [c.heads * headDim, hidden]];
    yield [`${layer}.self_attn.k_proj.weight`, [c.groups * headDim, hidden]];
    yield [`${layer}.self_attn.v_proj.weight`, [c.groups * headDim, hidden]];
    yield [`${layer}.self_attn.o_proj.weight`, [hidden, c.heads * headDim]];
    yield [`${layer}.post_attention_layernorm.weight`, [hidden]];
    yield [`${layer}.mlp.gate_proj.weight`, [inner, hidden]];
    yield [`${layer}.mlp.up_proj.weight`, [inner, hidden]];
    yield [`${layer}.mlp.down_proj.weight`, [hidden, inner]];
  }
  yield ["model.norm.weight", [hidden]];
  if (!c.tied) yield ["lm_head.weight", [c.vocab, hidden]];
}

/** Norms near one, matrices that keep the size of what passes through them. */
function tensorOf(name: string, shape: number[], index: number, dtype: Dtype): TensorData {
  const numbers = noise(shape.reduce((a, b) => a * b), index + 1);
  const scale = Math.sqrt(3 / (shape[1] ?? 1));
  const values = numbers.map((x) => shape.length === 1 ? 1 + 0.3 * x : 1.5 * scale * x);
  return { name, dtype, shape, data: fromFloat32(values, dtype) };
}

function configOf(c: LlamaSizes): Record<string, unknown> {
  return {
    model_type: "llama",
    hidden_act: "silu",
    hidden_size: c.hidden,
    intermediate_size: c.inner,
    num_hidden_layers: c.layers,
    num_attention_heads: c.heads,
    num_key_value_heads: c.groups,
    head_dim: c.headDim,
    vocab_size: c.vocab,
    max_position_embeddings: 64,
    rms_norm_eps: c.eps,
    rope_theta: c.theta,
    tie_word_embeddings: c.tied,
    bos_token_id: 1,
    eos_token_id: 2,
  };
}

/** A tokenizer.json of letters. */
export function tokenizer(): Record<string, unknown> {
  const specials = ["<unk>", "<s>", "</s>"];
  const vocab = Object.fromEntries([...specials, ...CHARACTERS].map((token, id) => [token, id]));
  return {
    version: "1.0",
    added_tokens: specials.map((content, id) => ({ id, content, special: true })),
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: "Fuse" },
    model: { type: "BPE", vocab, merges: [], unk_token: "<unk>" },
  };
}
