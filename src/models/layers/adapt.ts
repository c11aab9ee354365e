/**
 * What an adapter may put into a model's graph, and the inputs that the gradients of tables need.
 *
 * @module
 */
import type { Graph, Value } from "../../graph/graph.ts";
import type { LowRank } from "../../ops/mod.ts";

/** A linear layer that an adapter may change. */
export interface LinearLayer {
  /** Its name in the checkpoint. */
  readonly module: string;
  readonly x: Value; // [T, in]
  readonly w: Value; // [out, in], blocks
  /** Added to the result: [T, out]. */
  readonly residual: Value | undefined;
  /** Made where it is asked for; undefined for a layer without one. */
  bias(): Value | undefined; // [out]
  /** The seed of what is drawn at random in training; undefined in graphs that only measure. */
  readonly seed: number | undefined;
  /** The Euclidean norms of the rows of w, as the checkpoint has it. */
  rowNorms(): Value; // [out]
}

/** What an adapter puts into a graph; adapters are passed in from outside. */
export interface Adapt {
  /** The layer's output as the adapter has it, its bias with it; undefined where it leaves it alone. */
  linear(graph: Graph, layer: LinearLayer): Value | undefined;
  /**
   * The low-rank update of a linear module where it is all that the adapter does there, or none; b
   * has rows up to a multiple of 4. For a head, which is scored in chunks, and for penalties.
   */
  lowRank(graph: Graph, module: string, shape: Matrix): LowRank | undefined;
  /** That of a table of rows: a [rows, rank] and b [width, rank], both in blocks; or none. */
  table(graph: Graph, module: string, shape: Matrix): LowRank | undefined;
  /** Rows of an embedding or a head that are trained in place of the base's, or none. */
  rows?(graph: Graph, module: string, shape: Matrix): TrainedRows | undefined;
  /** Virtual tokens that stand in front of every document; none where absent. */
  readonly virtual?: VirtualTokens;
  /** The trained tensor that stands in place of the base's, or none. */
  tensor(graph: Graph, name: string, shape: readonly number[]): Value | undefined;
}

/** Some rows of a table of tokens, N of them. */
export interface TrainedRows {
  /** The token of each, and 0xffffffff where there is none. */
  readonly ids: readonly number[]; // [N]
  readonly rows: Value; // [N, width]
  /** The base's own rows of those tokens, as the device has them. */
  base(): Float32Array; // [N, width]
}

/** What a layer attends to of a virtual token. */
export const ATTENDED = ["key", "value"] as const;
export type Attended = (typeof ATTENDED)[number];

/** Trained tokens beyond the vocabulary: theirs are the ids that follow its last. */
export interface VirtualTokens {
  readonly count: number;
  /**
   * Their embeddings, [count, width] or more rows; 0 where undefined. Asked for before any layer's
   * {@link attended}.
   */
  embeddings(graph: Graph, width: number): Value | undefined;
  /**
   * Their keys or values in a layer, [count, width] or more rows; those of their embeddings where
   * undefined.
   */
  attended(graph: Graph, layer: number, part: Attended, width: number): Value | undefined;
}

/** Sees the input and output of every linear layer; what it returns stands for the output. */
export type Watch = (graph: Graph, module: string, x: Value, y: Value) => Value;

/** [out, in] of a linear module, [rows, width] of a table. */
export type Matrix = readonly [number, number];

/** Inputs for the gradient of a table: which rows take each of its rows [T], where each begins. */
export interface OrderNames {
  readonly order: string;
  readonly first: string;
}

/** Of the embedding, and of learned positions. */
export const TOKEN_ORDER: OrderNames = { order: "order", first: "first" };
export const POSITION_ORDER: OrderNames = { order: "position_order", first: "position_first" };
