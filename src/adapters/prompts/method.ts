/**
 * What a prompt method is: virtual tokens that are trained in front of every document, beside weights
 * that stay as they are. Each has a file of its own beside this one, and a line in {@link "./mod.ts"}.
 *
 * @module
 */
import type { Graph, Layout, Value } from "../../graph/graph.ts";
import type { VirtualTokens } from "../../models/layers/adapt.ts";

/** What of a model says how large a prompt is. */
export interface PromptSizes {
  /** How many virtual tokens there are. */
  readonly tokens: number;
  /** Width of the embedding. */
  readonly hidden: number;
  /** Layers of attention. */
  readonly layers: number;
  /** Width of a layer's keys, of all their heads. */
  readonly keyWidth: number;
}

/** Numbers by the names of params, row-major. */
export type Numbers = ReadonlyMap<string, Float32Array>;

/** A param of a prompt. */
export interface PromptParam {
  readonly shape: readonly number[];
  readonly layout: Layout;
}

/** What is trained of a prompt of some sizes. */
export interface PromptParams {
  /** By name. */
  readonly params: ReadonlyMap<string, PromptParam>;
  /** What training starts from, by (seed, param, index). */
  fresh(seed: number): Numbers;
  /** PEFT's `prompt_embeddings` [tokens, width]. */
  toFile(numbers: Numbers): Float32Array;
  /** Puts the params into a graph. */
  virtual(param: (graph: Graph, name: string) => Value): Omit<VirtualTokens, "count">;
}

/** The numbers of PEFT's file by themselves. */
export interface PlainPrompt extends PromptParams {
  /** {@link toFile} the other way. */
  fromFile(numbers: Float32Array): Numbers;
}

/** What an encoder is made of; keys of the config table. */
export interface EncoderOptions {
  /** Numbers of a virtual token in its hidden layers; PEFT's `token_dim` by default. */
  readonly encoder_hidden_size?: number;
  /** With prefix tuning: whether there is one; false by default. */
  readonly prefix_projection?: boolean;
}

/** One kind of prompt. */
export interface PromptMethod {
  /** What `adapter.method` calls it. */
  readonly name: string;
  /** What PEFT's config calls it. */
  readonly peftType: string;
  /** Further fields that PEFT's config is written with. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** What PEFT calls `token_dim`. */
  dim(sizes: PromptSizes): number;
  /** What PEFT calls `num_attention_heads`, of a model's config; null where that does not tell. */
  heads(sizes: PromptSizes, config: object): number | null;
  /** Numbers of a virtual token in PEFT's `prompt_embeddings`. */
  width(sizes: PromptSizes): number;
  plain(sizes: PromptSizes): PlainPrompt;
  /**
   * What makes those numbers in training, whose hidden layers have `inner` numbers of a token: PEFT
   * writes what it has made, and it goes.
   */
  encoder?(sizes: PromptSizes, inner: number): PromptParams;
  /** Whether options ask for the encoder. */
  encodes(options: EncoderOptions): boolean;
}
