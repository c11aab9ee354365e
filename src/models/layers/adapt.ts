/**
 * What an adapter may put into a model's graph, and the inputs that the gradients of tables need.
 *
 * @module
 */
import type { Graph, Value } from "../../graph/graph.ts";
import type { LowRank } from "../../ops/mod.ts";

/** What an adapter puts into a graph; adapters are passed in from outside. */
export interface Adapt {
  /** The low-rank update of a linear module, or none; b has rows up to a multiple of 4. */
  linear(graph: Graph, module: string, shape: Matrix): LowRank | undefined;
  /** That of a table of rows: a [rows, rank] and b [width, rank], both in blocks; or none. */
  table(graph: Graph, module: string, shape: Matrix): LowRank | undefined;
  /** The trained tensor that stands in place of the base's, or none. */
  tensor(graph: Graph, name: string, shape: readonly number[]): Value | undefined;
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
