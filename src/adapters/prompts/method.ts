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

/** One kind of prompt. */
export interface PromptMethod {
  /** What `adapter.method` calls it. */
  readonly name: string;
  /** What PEFT's config calls it. */
  readonly peftType: string;
  /** Further fields that PEFT's config is written with. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Whether it begins as the embeddings of a text where there is one. */
  readonly readsText: boolean;
  /** What PEFT calls `token_dim`. */
  dim(sizes: PromptSizes): number;
  /** What PEFT calls `num_attention_heads`, of a model's config; null where that does not tell. */
  heads(sizes: PromptSizes, config: object): number | null;
  /** Numbers of a virtual token in PEFT's `prompt_embeddings`. */
  width(sizes: PromptSizes): number;
  /** What is trained, by name. */
  params(sizes: PromptSizes): ReadonlyMap<string, PromptParam>;
  /** What training starts from, by (seed, param, index). */
  fresh(sizes: PromptSizes, seed: number): Numbers;
  /** Of PEFT's `prompt_embeddings` [tokens, width]. */
  fromFile(numbers: Float32Array, sizes: PromptSizes): Numbers;
  /** {@link fromFile} the other way. */
  toFile(numbers: Numbers, sizes: PromptSizes): Float32Array;
  /** Puts the params into a graph. */
  virtual(
    param: (graph: Graph, name: string) => Value,
    sizes: PromptSizes,
  ): Omit<VirtualTokens, "count">;
}
