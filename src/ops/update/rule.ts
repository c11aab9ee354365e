/**
 * What an optimiser is: how an update is made of gradients. Each has a file of its own beside this
 * one, and a line in the list of optimisers (`train/optimizers.ts`).
 *
 * @module
 */
import type { Graph, Layout, Value } from "../../graph/graph.ts";
import { type Moment, plainMoments } from "../../graph/store.ts";

/** A matrix in a flat buffer, or a vector as one of a column. */
export interface GroupMatrix {
  readonly rows: number;
  readonly columns: number;
  /** Those that are not only there to fill it up. */
  readonly used: { readonly rows: number; readonly columns: number };
  readonly layout: Layout;
}

/** Numbers of a flat buffer, 256-byte aligned, that are updated alike. */
export interface Group {
  readonly from: number;
  readonly numbers: number;
  /** Times the learning rate. */
  readonly rate: number;
  /** Weight decay. */
  readonly decay: number;
  /** Where it is one tensor, for rules that go by tensors. */
  readonly matrix?: GroupMatrix;
}

/** The flat buffers that an update reads and writes. */
export interface UpdateState {
  readonly params: Value;
  readonly gradients: Value;
  /** What the rule keeps, by name. */
  readonly moments: Readonly<Partial<Record<Moment["name"], Value>>>;
  /** What {@link UpdateRule.step} makes. */
  readonly step: Value;
  /** Sum of squares of all gradients, [1]. */
  readonly norm: Value;
  /** Not 0: the update is left out, [1]; what `halt()` makes. */
  readonly halted: Value;
}

/** An optimiser. */
export interface UpdateRule {
  /** What it keeps of the numbers of some groups. */
  moments(groups: readonly Group[]): Moment[];
  /** Whether each tensor is a group: of LoRA's factors alone, or of all that is trained. */
  readonly goesBy?: "factors" | "tensors";
  /** How many numbers {@link step} makes. */
  readonly stepSize: number;
  /** What its kernel wants to know of update `t`, counted from 1, at learning rate `rate`. */
  step(rate: number, t: number): Float32Array;
  /** One update in place, gradient clipping included; the groups cover the buffers. */
  update(graph: Graph, state: UpdateState, groups: readonly Group[]): Value;
}

/** Moments of a number for each of the groups'. */
export const keeping = (...names: readonly Moment["name"][]): UpdateRule["moments"] => (groups) =>
  plainMoments(names, groups.reduce((sum, { numbers }) => sum + numbers, 0));
