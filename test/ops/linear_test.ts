import type { KernelSet } from "../../src/gpu/device.ts";
import { linear } from "../../src/ops/mod.ts";
import { type FormatName, FORMATS } from "../../src/formats/mod.ts";
import { ALIKE, TOLD_APART } from "../formats/told_apart.ts";
import type { NumberType } from "../../src/graph/graph.ts";
import { noise, type OpCase, testOp } from "../harness.ts";
import * as reference from "../../src/reference/linear.ts";
import { matmulNt } from "../../src/reference/matmul.ts";
import { ownColumns } from "../../src/reference/own_columns.ts";

interface Sizes {
  M: number;
  N: number;
  K: number;
  R: number;
}

/** Noise of which a group has another power of two than its neighbours: their scales are not alike. */
const uneven = (rows: number, columns: number, group: number) =>
  noise(rows * columns, 2).map((x, i) =>
    x / 2 ** ((Math.floor(i / columns) + 2 * Math.floor(i % columns / group)) % 4)
  );

function linearCase(type: NumberType, { M, N, K, R }: Sizes, trained = false): OpCase {
  const scale = 1.5;
  const adapter = R > 0;
  const { group, powers } = FORMATS[type as FormatName];
  return {
    name: `linear() ${type} ${M}x${N}x${K}${adapter ? ` with rank ${R}` : ""}${
      trained ? ", trained" : ""
    }`,
    given: {
      x: { shape: [M, K] },
      w: {
        ...{ shape: [N, K], type, layout: "blocks", scaled: false },
        ...(powers.length > 0 ? { data: uneven(N, K, group) } : {}),
      },
      residual: { shape: [M, N] },
      ...(adapter ? { a: { shape: [R, K] }, b: { shape: [N, R], scaled: false } } : {}),
    },
    build(graph, { x, w, a, b, residual }) {
      const low = a && b ? { a, b, scale } : undefined;
      return { y: linear(graph, x!, w!, { adapter: low, residual }) };
    },
    twin: ({ x, w, a, b, residual }) => ({
      y: reference.linear(x!, w!, a, b, residual, { M, N, K, R, scale }),
    }),
    gradient: {
      of: "y",
      by: ["x", "residual", ...(adapter ? ["a", "b"] : []), ...(trained ? ["w"] : [])],
    },
    flops: 2 * M * (N * K + R * (N + K)),
  };
}

const BOTH: KernelSet[] = ["register", "shared"];

testOp(linearCase("f32", { M: 24, N: 20, K: 12, R: 4 }), BOTH);
testOp(linearCase("f32", { M: 40, N: 28, K: 36, R: 0 }, true), BOTH);
testOp(linearCase("bf16", { M: 24, N: 44, K: 20, R: 8 }), BOTH);
testOp(linearCase("f16", { M: 8, N: 12, K: 8, R: 12 }), BOTH);
testOp(linearCase("bf16", { M: 16, N: 8, K: 4, R: 0 }), BOTH);
// Cells of four rows of a group, an odd number of them: a last unit of two is half empty.
for (const type of TOLD_APART) {
  const { group } = FORMATS[type];
  if (group > 64) { // central differences of all of 12x44x768 would take minutes
    testOp(linearCase(type, { M: 4, N: 12, K: 3 * group, R: 4 }), BOTH);
    testOp(linearCase(type, { M: 4, N: 4, K: group, R: 0 }), BOTH);
    continue;
  }
  testOp(linearCase(type, { M: 12, N: 44, K: 3 * group, R: 8 }), BOTH);
  testOp(linearCase(type, { M: 8, N: 4, K: group, R: 0 }), BOTH);
  testOp(linearCase(type, { M: 8, N: 36, K: 5 * group, R: 0 }), BOTH);
}
for (const type of ALIKE) {
  testOp(linearCase(type, { M: 8, N: 36, K: 5 * FORMATS[type].group, R: 0 }));
}

/** Rows of two adapters and of none, and a number that owns nothing. */
function ownedCase({ M, N, K, R }: Sizes): OpCase {
  const owner = Array.from({ length: R }, (_, rank) => rank < 4 ? 0 : 1);
  const of = Array.from({ length: M }, (_, row) => [0, 1, 0xffffffff, 7, 1][row % 5]!);
  return {
    name: `linear() ${M}x${N}x${K} with ${R} ranks of two adapters`,
    given: {
      x: { shape: [M, K] },
      w: { shape: [N, K], layout: "blocks", scaled: false },
      residual: { shape: [M, N] },
      a: { shape: [R, K] },
      b: { shape: [N, R], scaled: false },
      scales: { shape: [R], data: owner.map((number) => 1.5 - number), scaled: false },
      owner: { shape: [R], data: owner, scaled: false },
      of: { shape: [M], type: "u32", data: of },
    },
    build(graph, { x, w, a, b, residual, scales, owner, of }) {
      const owners = { scales: scales!, owner: owner!, of: of! };
      const adapter = { a: a!, b: b!, scale: 1, owners };
      return { y: linear(graph, x!, w!, { adapter, residual }) };
    },
    twin({ x, w, a, b, residual, scales, owner, of }) {
      const ranks = matmulNt(x!, a!, { M, N: R, K, SCALE: 1 });
      const u = ownColumns(ranks, scales!, owner!, of!);
      const update = matmulNt(u, b!, { M, N, K: R, SCALE: 1 });
      const sizes = { M, N, K, R, scale: 1 };
      const base = reference.linear(x!, w!, undefined, undefined, residual, sizes);
      return { y: base.map((value, i) => value + update[i]!) };
    },
    gradient: { of: "y", by: ["x", "residual", "a", "b"] },
  };
}

testOp(ownedCase({ M: 24, N: 20, K: 12, R: 12 }), BOTH);
