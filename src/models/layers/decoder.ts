/**
 * The parts that decoders are put together from: the common sizes, attention and the gated
 * feed-forward layer. A family's file says which it takes and how they are wired.
 *
 * @module
 */
import { wordOf } from "../../io/json.ts";
import type { Value } from "../../graph/graph.ts";
import type { Activation } from "../../ops/mod.ts";
import type { ConfigReader } from "../config.ts";
import type { FamilyConfig, Net, Norm, Output } from "./net.ts";

/**
 * Tables are made by these two before a tensor is looked at, so a hostile config must not choose
 * them freely. No known model has more than 256 layers or heads wider than 512.
 */
export const MOST_LAYERS = 4096;
export const MOST_HEAD_DIM = 4096;

/** Sizes that every decoder has. */
export interface Decoder extends FamilyConfig {
  readonly hidden: number;
  /** Width of the feed-forward layer. */
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  /** Key and value heads. */
  readonly groups: number;
  readonly headDim: number;
  readonly norm: Norm;
  /** Factor of the embedding; 1 by default. */
  readonly embedScale?: number;
}

/** What a family takes where config.json says nothing; for the rest see {@link readDecoder}. */
export interface DecoderDefaults {
  readonly context?: number;
  readonly headDim?: number;
  readonly eps?: number;
  readonly tied?: boolean;
}

/**
 * Reads the sizes by their usual names.
 *
 * @throws {FileError} for a size that is missing or that no kernel takes.
 */
export function readDecoder(config: ConfigReader, defaults: DecoderDefaults = {}): Decoder {
  const hidden = config.count("hidden_size");
  const heads = config.count("num_attention_heads");
  const headDim = config.count("head_dim", defaults.headDim ?? hidden / heads, MOST_HEAD_DIM);
  if (headDim % 8 !== 0) config.refuse("head_dim", headDim, "a multiple of 8");
  return {
    vocabSize: config.count("vocab_size"),
    context: config.count("max_position_embeddings", defaults.context ?? 2048),
    hidden,
    inner: config.count("intermediate_size"),
    layers: config.count("num_hidden_layers", undefined, MOST_LAYERS),
    heads,
    groups: config.count("num_key_value_heads", heads),
    headDim,
    norm: { eps: config.epsilon("rms_norm_eps", defaults.eps ?? 1e-6) },
    tied: config.flag("tie_word_embeddings", defaults.tied ?? false),
  };
}

/** One layer: from the residual stream and the layer's name to the residual stream. */
export type Layer = (h: Value, name: string, index: number) => Value;

/** Embedding, layers, last norm and head, under the names that Hugging Face gives them. */
export function decoder(net: Net, c: Decoder, layer: Layer): Output {
  let h = net.embed("model.embed_tokens", c.vocabSize, c.hidden, c.embedScale);
  for (let i = 0; i < c.layers; i++) {
    h = net.block(() => layer(h, `model.layers.${i}`, i));
  }
  return {
    hidden: net.norm(h, "model.norm", c.norm),
    ...net.head(c.vocabSize, c.hidden, c.tied ? "model.embed_tokens" : undefined),
  };
}

/** How an attention layer differs from the plain one. */
export interface AttentionOptions {
  /** Angles of the rotary positions; a layer without them knows no positions. */
  readonly angles?: Value | undefined;
  /** Rows that a row sees, itself included; all before it by default. */
  readonly window?: number | undefined;
  /** Factor of q . k; 1 / sqrt(headDim) by default. */
  readonly scale?: number;
  /** Scores s become cap * tanh(s / cap); absent where they stay as they are. */
  readonly cap?: number | undefined;
  /** Whether the checkpoint has q, k and v in one matrix. */
  readonly fused?: boolean;
  /** Which projections have a bias; none by default. */
  readonly bias?: "qkv" | "all" | undefined;
  /** What is normalised of q and k before the rotation: each head, or all heads together. */
  readonly norm?: "head" | "whole";
  /** The output is added to it. */
  readonly residual?: Value;
}

/** Projections, rotation, attention and the output projection of `module`, [T, hidden]. */
export function attention(
  net: Net,
  x: Value, // [T, hidden]
  module: string,
  c: Decoder,
  { angles, window, scale, cap, fused, bias, norm, residual }: AttentionOptions,
): Value {
  const { heads, groups, headDim } = c;
  const widths = [heads * headDim, groups * headDim, groups * headDim] as const;
  const project = (part: string, width: number) =>
    net.linear(x, `${module}.${part}`, width, { bias: bias !== undefined });
  const [q, k, v] = fused
    ? net.split(project("qkv_proj", widths[0] + widths[1] + widths[2]), widths)
    : [project("q_proj", widths[0]), project("k_proj", widths[1]), project("v_proj", widths[2])];
  const place = (part: "q" | "k", y: Value) => {
    const name = `${module}.${part}_norm`;
    const z = norm ? net.norm(y, name, c.norm, norm === "head" ? headDim : y.shape[1]!) : y;
    return angles ? net.rope(z, angles, headDim) : z;
  };
  const sizes = { heads, groups, headDim, scale: scale ?? 1 / Math.sqrt(headDim), cap };
  const y = net.attention(place("q", q!), place("k", k!), v!, sizes, window);
  return net.linear(y, `${module}.o_proj`, c.hidden, { bias: bias === "all", residual });
}

export interface MlpOptions {
  /** SiLU by default. */
  readonly activation?: Activation;
  /** Whether the checkpoint has gate and up in one matrix. */
  readonly fused?: boolean;
  readonly bias?: boolean;
  /** The output is added to it. */
  readonly residual?: Value;
}

/** down(activation(gate(x)) * up(x)) of `module`, [T, hidden]. */
export function gatedMlp(
  net: Net,
  x: Value, // [T, hidden]
  module: string,
  c: Decoder,
  { activation = "silu", fused, bias, residual }: MlpOptions = {},
): Value {
  const project = (part: string, width: number) =>
    net.linear(x, `${module}.${part}`, width, { bias });
  const [gate, up] = fused
    ? net.split(project("gate_up_proj", 2 * c.inner), [c.inner, c.inner])
    : [project("gate_proj", c.inner), project("up_proj", c.inner)];
  const y = net.glu(gate!, up!, activation);
  return net.linear(y, `${module}.down_proj`, c.hidden, { bias, residual });
}

/** By the names that transformers gives them. */
export const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  silu: "silu",
  swish: "silu",
  gelu: "gelu_erf",
  gelu_new: "gelu",
  gelu_fast: "gelu",
  gelu_pytorch_tanh: "gelu",
  relu: "relu",
};

/**
 * Reads the name that transformers gives an activation.
 *
 * @throws {FileError} for one that is not built.
 */
export function readActivation(config: ConfigReader, key: string, fallback: string): Activation {
  const name = wordOf(config.fields[key] ?? fallback);
  config.only(key, [null, ...Object.keys(ACTIVATIONS)]);
  return ACTIVATIONS[name]!;
}

/** The window of each layer; undefined where it sees all rows before it. */
export type Windows = readonly (number | undefined)[];

const FULL = "full_attention";
const SLIDING = "sliding_attention";

/**
 * Reads `layer_types`; where it is absent, `slides` tells which layers have the window.
 *
 * @throws {FileError} for a type that is not built, or a sliding layer without a window.
 */
export function readWindows(
  config: ConfigReader,
  layers: number,
  window: number | undefined,
  slides: (layer: number) => boolean,
): Windows {
  const types = config.list("layer_types", layers);
  if (!types) return Array.from({ length: layers }, (_, i) => slides(i) ? window : undefined);
  const known: readonly unknown[] = window === undefined ? [FULL] : [FULL, SLIDING];
  const unknown = types.find((type) => !known.includes(type));
  if (unknown !== undefined) config.refuse("layer_types", unknown, `one of ${known.join(", ")}`);
  return types.map((type) => type === SLIDING ? window : undefined);
}
