/**
 * Dropout, by random numbers that are made where they are used.
 *
 * @module
 */
import hashText from "../../kernels/shared/hash.wgsl" with { type: "text" };
import text from "../../kernels/dropout.wgsl" with { type: "text" };
import type { Text } from "../gpu/kernel.ts";
import type { Graph, Op, Value } from "../graph/graph.ts";
import { perSixteen, requireMultiple, sizeOf } from "./launch.ts";

/** Which numbers are dropped: those that a hash of (seed, draw, layer, index) picks. */
export interface Dropout {
  /** The share that is dropped, in [0, 1). */
  readonly rate: number;
  readonly seed: number;
  /** Tells apart the uses in one graph. */
  readonly layer: number;
}

/** The input [1] of a graph that drops out: the number of the micro-batch, another for each. */
export const DRAW = "draw";

export const HASH: Text = { name: "shared/hash", text: hashText };

type Ins = { x: Value; draw: Value; before: Value | undefined };

/**
 * y = x / (1 - rate) where it is kept and 0 where it is dropped, plus `before`, in place. The numbers
 * are those of the graph's {@link DRAW}, so that the same call again drops the same ones: nothing is
 * kept for backward, which adds to `before`, and a run needs no state of a generator to go on.
 *
 * Method: dropout (Srivastava et al., 2014), scaled in training, as in PyTorch.
 *
 * @throws {RangeError} where the rate is not in [0, 1) or x has no multiple of 4 numbers.
 */
export function dropout(graph: Graph, x: Value, options: Dropout, before?: Value): Value {
  const { rate } = options;
  if (!(rate >= 0 && rate < 1)) {
    throw new RangeError(`Found the rate ${rate}, wanted one in [0, 1)`);
  }
  requireMultiple(4, { "the numbers to drop out of": sizeOf(x) });
  const ins = { x, draw: graph.input(DRAW, [1]), before };
  return graph.call(DROPOUT, ins, { y: { shape: x.shape } }, options).y;
}

export const DROPOUT: Op<Ins, { y: Value }, Dropout> = {
  name: "dropout",
  overwrites: ({ ins }) => ins.before ? { y: "before" } : {},
  launches({ ins: { x, draw, before }, outs: { y }, attrs: { rate, seed, layer } }) {
    const N = sizeOf(x);
    const SCALE = 1 / (1 - rate);
    const keys = { SEED: seed >>> 0, LAYER: layer, DROPPED: Math.floor(rate * 2 ** 32) };
    return [{
      kernel: { name: "dropout", text, imports: { hash: HASH } },
      constants: { N, SCALE, ...keys, ADD: before !== undefined },
      bind: [x, draw, y],
      groups: perSixteen(N),
    }];
  },
  backward(graph, { ins: { x }, outs: { y }, attrs }, gradients) {
    gradients.set(x, dropout(graph, gradients.of(y)!, attrs, gradients.before(x)));
  },
};
