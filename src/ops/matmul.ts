/**
 * Products of two f32 matrices: the thin products of adapters, and gradients of trained weights.
 *
 * @module
 */
import nn from "../../kernels/matmul_nn.wgsl" with { type: "text" };
import nt from "../../kernels/matmul_nt.wgsl" with { type: "text" };
import tn from "../../kernels/matmul_tn.wgsl" with { type: "text" };
import {
  type Call,
  type Graph,
  type Launch,
  type Layout,
  type Op,
  type Rows,
  rowsOf,
  type Target,
  type Value,
} from "../graph/graph.ts";
import { chooseTile, NO_TAIL, STORES } from "./tile.ts";

/** `nt`: a b^T, `nn`: a b, `tn`: a^T b. */
export type Transposition = "nt" | "nn" | "tn";

type Ins = { a: Value; b: Value; before: Value | undefined };
type Outs = { c: Value };
type Attrs = { kind: Transposition; scale: number };

export interface MatmulOptions {
  scale?: number;
  /** Adds the product to this value, in place. */
  before?: Value | undefined;
  /** Layout of the result; blocks for the gradient of a weight. */
  layout?: Layout;
}

/**
 * c = scale * op(a) op(b), plus `before`. Has no backward: it serves inside other ops.
 *
 * @throws {RangeError} where the shapes do not fit or a size is no multiple of four.
 */
export function matmul(
  graph: Graph,
  kind: Transposition,
  a: Value,
  b: Value,
  { scale = 1, before, layout = "rows" }: MatmulOptions = {},
): Value {
  const { m, n, k, match } = sizes(kind, a, b);
  if (!match) throw new RangeError(`Cannot multiply [${a.shape}] and [${b.shape}] as ${kind}`);
  if ([m, n, k].some((size) => size % 4 !== 0)) {
    throw new RangeError(`Sizes of a product must be multiples of 4, found ${m}, ${n}, ${k}`);
  }
  const c = { shape: [m, n], layout, differentiable: false };
  return graph.call(MATMUL, { a, b, before }, { c }, { kind, scale }).c;
}

function sizes(kind: Transposition, a: Value, b: Value) {
  const [a0 = 0, a1 = 0] = a.shape;
  const [b0 = 0, b1 = 0] = b.shape;
  if (kind === "nt") return { m: a0, n: b0, k: a1, match: a1 === b1 };
  if (kind === "nn") return { m: a0, n: b1, k: a1, match: a1 === b0 };
  return { m: a1, n: b1, k: a0, match: a0 === b0 };
}

export const MATMUL_KERNELS = {
  nt: { name: "matmul_nt", text: nt },
  nn: { name: "matmul_nn", text: nn },
  tn: { name: "matmul_tn", text: tn },
};

export const MATMUL: Op<Ins, Outs, Attrs> = {
  name: "matmul",
  overwrites: ({ ins }) => ins.before ? { c: "before" } : {},
  launches(
    { ins: { a, b, before }, outs: { c }, attrs: { kind, scale } }: Call<Ins, Outs, Attrs>,
    target,
  ) {
    return [productLaunch(target, kind, { a, b, c, scale, add: before !== undefined })];
  },
};

interface ProductParts {
  a: Value;
  b: Value;
  c: Value;
  scale?: number;
  /** Adds to what c holds. */
  add?: boolean;
  /** For `nn`: the columns of a and rows of b that this launch sums over; all by default. */
  part?: Rows;
}

/** One launch of a product, for ops that make several. */
export function productLaunch(
  target: Target,
  kind: Transposition,
  { a, b, c, scale = 1, add = false, part }: ProductParts,
): Launch {
  const { m, n, k } = sizes(kind, a, b);
  const { name } = MATMUL_KERNELS[kind];
  const alongK = kind !== "tn";
  const tile = chooseTile(target, { kernel: name, m, n, k, type: "f32", alongK });
  const store = STORES[c.layout];
  const imports = { ...tile.imports, tile: tile.text, store, no_tail: NO_TAIL };
  const place = part ? { A_STRIDE: k, A_COLUMN: part.from } : {};
  return {
    kernel: { ...MATMUL_KERNELS[kind], imports, aliases: tile.aliases },
    constants: {
      M: m,
      N: n,
      K: part?.rows ?? k,
      SCALE: scale,
      ADD: add,
      ...place,
      ...tile.constants,
    },
    bind: [c, a, part ? rowsOf(b, part) : b],
    matrices: 2,
    groups: tile.groups(m, n),
  };
}
