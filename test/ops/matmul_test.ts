import { matmul, type Transposition } from "../../src/ops/matmul.ts";
import { testOp } from "../harness.ts";
import * as reference from "../../src/reference/matmul.ts";

const twins = {
  nt: reference.matmulNt,
  nn: reference.matmulNn,
  tn: reference.matmulTn,
};

/** Sizes below, at and above a tile, none of them a multiple of one. */
const sizes = [[4, 4, 4], [8, 24, 20], [36, 20, 12], [20, 52, 28]] as const;

for (const kind of ["nt", "nn", "tn"] as Transposition[]) {
  for (const [M, N, K] of sizes) {
    testOp({
      name: `matmul() ${kind} ${M}x${N}x${K}`,
      given: {
        a: { shape: kind === "tn" ? [K, M] : [M, K] },
        b: { shape: kind === "nt" ? [N, K] : [K, N], scaled: false },
      },
      build: (graph, { a, b }) => ({
        c: matmul(graph, kind, a!, b!, { scale: 0.5 }),
        blocks: matmul(graph, kind, a!, b!, { layout: "blocks" }),
        twice: matmul(graph, kind, a!, b!, { before: matmul(graph, kind, a!, b!) }),
      }),
      twin: ({ a, b }) => ({
        c: twins[kind](a!, b!, { M, N, K, SCALE: 0.5 }),
        blocks: twins[kind](a!, b!, { M, N, K, SCALE: 1 }),
        twice: twins[kind](a!, b!, { M, N, K, SCALE: 2 }),
      }),
    });
  }
}
