/**
 * `config.json` out of the metadata of a GGUF file. Sources: the writers of llama.cpp's converter
 * (`conversion/`), which these undo.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { Fields } from "./fields.ts";
import type { GgufFile } from "./reader.ts";

/** `model_type` of the architectures that are read, and what its config has beside the sizes. */
const FAMILIES: Readonly<Record<string, (file: GgufFile) => Record<string, unknown>>> = {
  llama: (file) => ({
    model_type: "llama",
    architectures: ["LlamaForCausalLM"],
    attention_bias: file.tensors.has("blk.0.attn_q.bias"),
    mlp_bias: file.tensors.has("blk.0.ffn_up.bias"),
  }),
  qwen2: () => ({
    model_type: "qwen2",
    architectures: ["Qwen2ForCausalLM"],
    use_sliding_window: false,
  }),
  qwen3: () => ({
    model_type: "qwen3",
    architectures: ["Qwen3ForCausalLM"],
    use_sliding_window: false,
  }),
};

/** Architectures that can be a base. */
export const READ_ARCHITECTURES: readonly string[] = Object.keys(FAMILIES);

/**
 * The config of the model in a file.
 *
 * @throws {FileError} for an architecture or a setting that is not built, or a key that is missing.
 */
export function configOf(file: GgufFile): Record<string, unknown> {
  const fields = new Fields(file);
  const name = architectureName(fields);
  const key = (last: string) => `${name}.${last}`;
  const hidden = fields.count(key("embedding_length"));
  const heads = fields.count(key("attention.head_count"));
  const headDim = fields.count(key("attention.key_length"), hidden / heads);
  const whole = (last: string) => {
    if (fields.count(key(last), headDim) !== headDim) fields.refuse(key(last), `${headDim}`);
  };
  whole("attention.value_length");
  whole("rope.dimension_count");
  if (fields.count(key("expert_count"), 0) > 0) fields.refuse(key("expert_count"), "no experts");
  const table = file.tensors.get("token_embd.weight");
  if (table === undefined) throw new FileError(`${file.path} has no tensor "token_embd.weight"`);
  const id = (kind: string) => fields.countIf(`tokenizer.ggml.${kind}_token_id`);
  return {
    ...FAMILIES[name]!(file),
    vocab_size: table.shape[0],
    hidden_size: hidden,
    intermediate_size: fields.count(key("feed_forward_length")),
    num_hidden_layers: fields.count(key("block_count")),
    num_attention_heads: heads,
    num_key_value_heads: fields.count(key("attention.head_count_kv"), heads),
    head_dim: headDim,
    hidden_act: "silu",
    max_position_embeddings: fields.count(key("context_length")),
    rms_norm_eps: fields.float(key("attention.layer_norm_rms_epsilon")),
    ...ropeOf(fields, name, headDim),
    tie_word_embeddings: !file.tensors.has("output.weight"),
    bos_token_id: id("bos"),
    eos_token_id: id("eos"),
    pad_token_id: id("padding"),
    torch_dtype: "bfloat16",
  };
}

/** @throws {FileError} where it is an adapter, a part of a model, or of no kind that is built. */
function architectureName(fields: Fields): string {
  const kind = fields.text("general.type", "model");
  if (kind !== "model") fields.refuse("general.type", '"model"');
  if (fields.count("split.count", 1) > 1) fields.refuse("split.count", "a whole model in one file");
  const name = fields.text("general.architecture");
  if (Object.hasOwn(FAMILIES, name)) return name;
  return fields.refuse("general.architecture", `one of ${READ_ARCHITECTURES.join(", ")}`);
}

/** Theta, and the scaling of the positions. */
function ropeOf(fields: Fields, name: string, headDim: number): Record<string, unknown> {
  const theta = fields.float(`${name}.rope.freq_base`, 10_000);
  const type = fields.text(`${name}.rope.scaling.type`, "none");
  const factors = fields.file.tensors.get("rope_freqs.weight");
  if (type === "linear") {
    const factor = fields.float(`${name}.rope.scaling.factor`);
    return { rope_theta: theta, rope_scaling: { rope_type: "linear", factor } };
  }
  if (type !== "none") fields.refuse(`${name}.rope.scaling.type`, '"none" or "linear"');
  if (factors === undefined) return { rope_theta: theta };
  const bytes = fields.file.read(factors.name);
  const found = factors.type === "F32" ? new Float32Array(bytes.buffer) : new Float32Array();
  return { rope_theta: theta, rope_scaling: llama3Scaling(found, theta, headDim, fields.file) };
}

/**
 * The settings behind a tensor of factors: those of Llama 3.1 and later, of which the largest is the
 * factor, and one in between says from which context on. Source: llama.cpp's converter,
 * `LlamaModel.generate_extra_tensors`.
 */
function llama3Scaling(found: Float32Array, theta: number, headDim: number, file: GgufFile) {
  const factor = found.reduce((a, b) => Math.max(a, b), 1);
  const [low, high] = [1, 4];
  const waveOf = (i: number) => 2 * Math.PI * theta ** (2 * i / headDim);
  const between = found.findIndex((value) => value > 1.001 && value < 0.999 * factor);
  const smoothness = (1 / found[between]! - 1 / factor) / (1 - 1 / factor);
  const original = between < 0
    ? 8192
    : Math.round(waveOf(between) * (smoothness * (high - low) + low));
  const isOne = found.length === headDim / 2 && found.every((value, i) => {
    const smooth = Math.min(1, Math.max(0, (original / waveOf(i) - low) / (high - low)));
    const wanted = 1 / (smooth * (1 - 1 / factor) + 1 / factor);
    return Math.abs(value / wanted - 1) < 1e-4;
  });
  if (!isOne) {
    throw new FileError(
      `Cannot use ${file.path}: its rope_freqs.weight is none of Llama 3's, wanted those or none`,
    );
  }
  return {
    rope_type: "llama3",
    factor,
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: original,
  };
}
