import { linearScores } from "../../src/ops/mod.ts";
import { type OpCase, testOp } from "../harness.ts";
import { matmulNt } from "../../src/reference/matmul.ts";
import { gatherRows } from "../../src/reference/rows.ts";

/** A head of K scores for some rows of 40, of which those with a number are few. */
function scoresCase(K: number, D: number, by: string[]): OpCase {
  const [T, S] = [40, 128];
  const stored = Math.ceil(K / 4) * 4;
  const rows = Array.from({ length: S }, (_, i) => i < 9 ? 39 - 4 * i : 0xffffffff);
  return {
    name: `linearScores() ${K}x${D}`,
    given: {
      x: { shape: [T, D] },
      w: { shape: [K, D], layout: "blocks", scaled: false },
      rows: { shape: [S], type: "u32", data: rows },
      weight: {
        shape: [S, stored],
        data: Array.from({ length: S * stored }, (_, i) => Number(i % stored < K)),
        scaled: false,
      },
    },
    build: (graph, { x, w, rows, weight }) => ({
      scores: linearScores(graph, x!, w!, rows!, weight!),
    }),
    twin({ x, w, rows }) {
      const hidden = gatherRows(x!, Uint32Array.from(rows!), { T, D, N: S });
      const padded = new Float64Array(stored * D);
      padded.set(w!);
      return { scores: matmulNt(hidden, padded, { M: S, N: stored, K: D, SCALE: 1 }) };
    },
    gradient: { of: "scores", by, loss: true },
  };
}

testOp(scoresCase(1, 12, ["x", "w"]), ["register", "shared"]);
testOp(scoresCase(6, 32, ["x", "w"]), ["register", "shared"]);
testOp(scoresCase(3, 16, ["w"]));
