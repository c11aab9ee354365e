/**
 * The linear layer with its low-rank adapter and the residual stream, fused.
 *
 * @module
 */
import backwardText from "../../kernels/linear_backward.wgsl" with { type: "text" };
import forwardText from "../../kernels/linear.wgsl" with { type: "text" };
import {
  type Graph,
  type Launch,
  type Op,
  type Rows,
  rowsOf,
  storedRows,
  type Target,
  type Value,
} from "../graph/graph.ts";
import { type Dropout, dropout } from "./dropout.ts";
import { matmul } from "./matmul.ts";
import { ownColumns, type Owners } from "./own_columns.ts";
import { chooseTile, STORES, weightsOf } from "./tile.ts";

export const LINEAR_KERNELS = {
  forward: { name: "linear", text: forwardText },
  backward: { name: "linear_backward", text: backwardText },
};

/** A low-rank update of one linear layer: scale * b a. */
export interface LowRank {
  readonly a: Value; // [rank, in]
  readonly b: Value; // [out, rank]
  readonly scale: number;
  /** Where the ranks are those of several adapters, of which each row goes through one. */
  readonly owners?: Owners | undefined;
  /** Dropped of x before a, in training graphs; no op but {@link linear} does. */
  readonly dropout?: Dropout | undefined;
}

export interface LinearOptions {
  adapter?: LowRank | undefined;
  /** Added to the result: the residual stream, [T, out]. */
  residual?: Value | undefined;
}

type Ins = {
  x: Value; // [T, in]
  w: Value; // [out, in], blocks
  a: Value | undefined;
  b: Value | undefined;
  u: Value | undefined; // [T, rank] = scale x a^T
  residual: Value | undefined;
} & Partial<Owners>;
type Attrs = { scale: number; drop?: Dropout | undefined };

/**
 * y = x w^T + scale (x a^T) b^T + residual, [T, out]. Saves x and the rank-wide u for backward. With
 * dropout x a^T is dropout(x) a^T, which backward makes again; with owners a row has the ranks of its
 * own adapter alone.
 *
 * Method: LoRA (Hu et al., 2021, arXiv 2106.09685).
 *
 * @throws {RangeError} where shapes do not fit.
 */
export function linear(graph: Graph, x: Value, w: Value, options: LinearOptions = {}): Value {
  const { adapter, residual } = options;
  const [rows = 0, inner] = x.shape;
  const [out = 0, columns] = w.shape;
  if (inner !== columns) {
    throw new RangeError(`${w.name} is [${w.shape}] but its input is [${x.shape}]`);
  }
  if (residual && String(residual.shape) !== String([rows, out])) {
    throw new RangeError(
      `${w.name} gives [${rows},${out}] but the residual is [${residual.shape}]`,
    );
  }
  const { a, b, scale = 0, dropout: drop, owners } = adapter ?? {};
  const u = a && owned(graph, matmul(graph, "nt", dropped(graph, x, drop), a, { scale }), owners);
  const ins: Ins = { x, w, a, b, u, residual, ...owners };
  return graph.call(LINEAR, ins, { y: { shape: [rows, out] } }, { scale, drop }).y;
}

const dropped = (graph: Graph, x: Value, drop: Dropout | undefined): Value =>
  drop ? dropout(graph, x, drop) : x;

/** The ranks [T, rank] of each row's own adapter alone, where there are several. */
const owned = (graph: Graph, ranks: Value, { owner, scales, of }: Partial<Owners> = {}): Value =>
  owner && scales && of ? ownColumns(graph, ranks, { owner, scales, of }) : ranks;

export const LINEAR: Op<Ins, { y: Value }, Attrs> = {
  name: "linear",
  launches({ ins: { x, w, b, u, residual }, outs: { y } }, target) {
    return [forwardLaunch(target, { x, w, y, u, b, residual })];
  },
  backward(graph, { ins, outs: { y }, attrs: { scale, drop } }, gradients) {
    const { x, w, a, b, u, residual } = ins;
    const dy = gradients.of(y)!;
    const v = b && owned(graph, matmul(graph, "nn", dy, b, { scale }), ins); // [T, rank]
    if (x.needs) {
      const before = gradients.before(x);
      const dx = linearBackward(graph, { dy, w, v: drop ? undefined : v, a, before });
      gradients.set(x, drop ? dropout(graph, matmul(graph, "nn", v!, a!), drop, dx) : dx);
    }
    if (w.needs) {
      const before = gradients.before(w);
      gradients.set(w, matmul(graph, "tn", dy, x, { layout: "blocks", before }));
    }
    if (a?.needs) {
      const before = gradients.before(a);
      gradients.set(a, matmul(graph, "tn", v!, dropped(graph, x, drop), { before }));
    }
    if (b?.needs) gradients.set(b, matmul(graph, "tn", dy, u!, { before: gradients.before(b) }));
    if (residual?.needs) gradients.add(residual, dy);
  },
};

type BackwardIns = {
  dy: Value; // [T, out]
  w: Value;
  v: Value | undefined; // [T, rank] = scale dy b
  a: Value | undefined;
  before: Value | undefined; // [T, in]
};

function linearBackward(graph: Graph, ins: BackwardIns): Value {
  const shape = [ins.dy.shape[0]!, ins.w.shape[1]!];
  return graph.call(LINEAR_BACKWARD, ins, { dx: { shape } }, {}).dx;
}

/** dx = dy w + v a, plus `before` in place. */
export const LINEAR_BACKWARD: Op<BackwardIns, { dx: Value }> = {
  name: "linear_backward",
  overwrites: ({ ins }) => ins.before ? { dx: "before" } : {},
  launches({ ins: { dy, w, v, a, before }, outs: { dx } }, target) {
    return [backwardLaunch(target, { dy, w, dx, v, a, add: before !== undefined })];
  },
};

interface ForwardParts {
  x: Value;
  w: Value;
  y: Value;
  u?: Value | undefined;
  b?: Value | undefined;
  residual?: Value | undefined;
  /** Rows of the weight, and so columns of y, that this launch makes; all by default. */
  part?: Rows;
  gate?: number;
}

/** One launch of the forward product. */
export function forwardLaunch(target: Target, parts: ForwardParts): Launch {
  const { x, w, y, u, b, residual, part } = parts;
  const [m, n, k] = [y.shape[0]!, part?.rows ?? storedRows(w), w.shape[1]!];
  const tile = chooseTile(target, { kernel: "linear", m, n, k, type: w.type, alongK: true });
  const store = STORES[residual ? "residual" : "rows"];
  const place = part ? { Y_STRIDE: y.shape[1]!, Y_COLUMN: part.from } : {};
  return {
    kernel: {
      ...LINEAR_KERNELS.forward,
      imports: { ...tile.imports, tile: tile.text, store, ...weightsOf(w.type) },
      aliases: tile.aliases,
    },
    constants: { M: m, N: n, K: k, R: u?.shape[1] ?? 0, ...place, ...tile.constants },
    bind: [y, x, u ?? x, b && part ? rowsOf(b, part) : b ?? x, ...(residual ? [residual] : [])],
    matrices: 3,
    weight: [part ? rowsOf(w, part) : w],
    groups: tile.groups(m, n),
    ...(parts.gate === undefined ? {} : { gate: parts.gate }),
  };
}

/** Rows to sum over, and the ones among which they are bound. */
export interface SummedRows extends Rows {
  readonly bound: Rows;
}

interface BackwardParts {
  dy: Value;
  w: Value;
  /** [T, in], or as many times that as there are splits, to be summed. */
  dx: Value;
  v?: Value | undefined;
  a?: Value | undefined;
  add: boolean;
  /** Parts of the sum that workgroups make apart; one by default. */
  splits?: number;
  /** Rows of the weight that this launch sums over; all by default. */
  part?: SummedRows;
  gate?: number;
}

/** One launch of the backward product. */
export function backwardLaunch(target: Target, parts: BackwardParts): Launch {
  const { dy, w, dx, v, a, add, part, splits = 1 } = parts;
  const [m, n, k] = [dy.shape[0]!, w.shape[1]!, part?.rows ?? storedRows(w)];
  const tile = chooseTile(target, {
    kernel: "linear_backward",
    m,
    n,
    k,
    type: w.type,
    alongK: true,
    splits,
  });
  const split = splits > 1 ? { SPLITS: splits } : {};
  const place = part
    ? { DY_STRIDE: dy.shape[1]!, DY_COLUMN: part.from, W_ROW: part.from - part.bound.from }
    : {};
  return {
    kernel: {
      ...LINEAR_KERNELS.backward,
      imports: { ...tile.imports, tile: tile.text, store: STORES.rows, ...weightsOf(w.type) },
      aliases: tile.aliases,
    },
    constants: {
      M: m,
      N: n,
      K: k,
      R: v?.shape[1] ?? 0,
      ADD: add,
      ...place,
      ...split,
      ...tile.constants,
    },
    bind: [dx, dy, v ?? dy, a ?? dy],
    matrices: 3,
    weight: [part ? rowsOf(w, part.bound) : w],
    groups: tile.groups(m, n, splits),
    ...(parts.gate === undefined ? {} : { gate: parts.gate }),
  };
}
