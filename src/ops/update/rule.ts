/**
 * What an optimiser is: how an update is made of gradients. Each has a file of its own beside this
 * one, and a line in the list of optimisers (`train/optimizers.ts`).
 *
 * @module
 */
import type { Graph, Value } from "../../graph/graph.ts";
import type { Moment } from "../../graph/store.ts";

/** Numbers of a flat buffer, 256-byte aligned, that are updated alike. */
export interface Group {
  readonly from: number;
  readonly numbers: number;
  /** Times the learning rate. */
  readonly rate: number;
  /** Weight decay. */
  readonly decay: number;
  /** Its sizes where it is one matrix, for rules that go by matrices. */
  readonly matrix?: {
    readonly rows: number;
    readonly columns: number;
    /** What of its short side is not only there to fill it up. */
    readonly rank: number;
  };
}

/** The flat buffers that an update reads and writes. */
export interface UpdateState {
  readonly params: Value;
  readonly gradients: Value;
  /** Those of the moments that the rule keeps. */
  readonly m?: Value;
  readonly v?: Value;
  /** What {@link UpdateRule.step} makes. */
  readonly step: Value;
  /** Sum of squares of all gradients, [1]. */
  readonly norm: Value;
  /** Not 0: the update is left out, [1]; what `halt()` makes. */
  readonly halted: Value;
}

/** An optimiser. */
export interface UpdateRule {
  /** The flat buffers that it keeps. */
  readonly moments: readonly Moment[];
  /** Whether it goes by matrices: each is a group. */
  readonly isByMatrix?: true;
  /** How many numbers {@link step} makes. */
  readonly stepSize: number;
  /** What its kernel wants to know of update `t`, counted from 1, at learning rate `rate`. */
  step(rate: number, t: number): Float32Array;
  /** One update in place, gradient clipping included; the groups cover the buffers. */
  update(graph: Graph, state: UpdateState, groups: readonly Group[]): Value;
}
