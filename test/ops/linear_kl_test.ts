import assert from "node:assert/strict";
import type { KernelSet } from "../../src/gpu/device.ts";
import { Graph } from "../../src/graph/graph.ts";
import { linearKl, supervisedCapacity } from "../../src/ops/mod.ts";
import { type OpCase, testOp } from "../harness.ts";
import { klDivergence } from "../../src/reference/kl_divergence.ts";
import { matmulNn, matmulNt } from "../../src/reference/matmul.ts";
import { gatherRows } from "../../src/reference/rows.ts";
import { softcap } from "../../src/reference/softcap.ts";

interface Sizes {
  T: number;
  V: number;
  D: number;
  /** Every how many rows one is left out. */
  gap: number;
  cap?: number;
  /** Rank of an update of the head. */
  rank?: number;
  /** Whether the base has a head of its own. */
  apart?: boolean;
  /** The width of a teacher, whose head is its own and whose logits nothing caps. */
  teacher?: number;
  beta?: number;
  /** Rows of a chunk that the device seems to bind; 128 where absent. */
  chunk?: number;
}

const SCALE = 0.7;

function klCase(sizes: Sizes): OpCase {
  const { T, V, D, gap, cap, rank, apart, chunk, teacher, beta } = sizes;
  const [width, baseCap] = [teacher ?? D, teacher ? undefined : cap];
  const S = supervisedCapacity(T);
  const rows = Array.from({ length: T }, (_, t) => T - 1 - t).filter((t) => t % gap !== 0);
  const padded = (padding: number, of: (t: number) => number) => ({
    shape: [S],
    data: Array.from({ length: S }, (_, i) => i < rows.length ? of(rows[i]!) : padding),
  });
  return {
    name: `linearKl() of ${T} rows, ${V}x${D}${cap ? `, capped at ${cap}` : ""}` +
      `${rank ? `, rank ${rank}` : ""}${apart ? ", with another head" : ""}${
        chunk ? `, in chunks of ${chunk}` : ""
      }${teacher ? `, a teacher of ${teacher}` : ""}${beta ? `, beta ${beta}` : ""}`,
    ...(chunk && { maxBinding: 4 * chunk * Math.ceil(V / 4) * 4 + 256 }),
    given: {
      x: { shape: [T, D] },
      base: { shape: [T, width] },
      w: { shape: [V, D], layout: "blocks", scaled: false },
      ...((apart || teacher) && {
        baseHead: { shape: [V, width], layout: "blocks", scaled: false },
      }),
      ...(rank && {
        a: { shape: [rank, D], scaled: false },
        b: { shape: [Math.ceil(V / 4) * 4, rank], scaled: false },
      }),
      rows: { ...padded(0xffffffff, (t) => t), type: "u32" },
      label: { ...padded(0, (t) => t * 7 % V), type: "u32" },
      weight: { ...padded(0, (t) => (1 + t % 3) / T), scaled: false },
    },
    build(graph, { x, base, w, baseHead = w, a, b, rows, label, weight }) {
      const supervision = { rows: rows!, label: label!, weight: weight! };
      const adapter = a && b && { a, b, scale: SCALE };
      const before = { hidden: base!, head: baseHead!, cap: baseCap };
      const options = { cap, adapter, ...(beta && { beta }) };
      return { ...linearKl(graph, x!, w!, before, supervision, options) };
    },
    twin({ x, base, w, baseHead = w, a, b, rows, label, weight }) {
      const scores = (x: Float64Array, w: Float64Array, cap = 0) => {
        const D = w.length / V;
        const hidden = gatherRows(x, Uint32Array.from(rows!), { T, D, N: S });
        return softcap(matmulNt(hidden, w, { M: S, N: V, K: D, SCALE: 1 }), cap);
      };
      const delta = a && b && matmulNn(b, a, { M: V, N: D, K: rank!, SCALE });
      const tuned = delta ? w!.map((number, i) => number + delta[i]!) : w!;
      const sizes = { N: S, V, STRIDE: V };
      const labels = Uint32Array.from(label!);
      const [now, before] = [scores(x!, tuned, cap), scores(base!, baseHead!, baseCap)];
      const { loss, stats } = klDivergence(now, before, labels, weight!, sizes, beta);
      return { loss, stats };
    },
    gradient: {
      of: "loss",
      by: ["x", ...(rank ? ["a", "b"] : []), ...(apart || teacher ? ["w"] : [])],
      loss: true,
    },
    magnitudes: cap ? [1, 2] : [1, 8], // beyond them tops tie at the cap, and kl has hundreds of nats
  };
}

const SETS: KernelSet[] = ["register", "shared"];
testOp(klCase({ T: 40, V: 37, D: 12, gap: 3 }), SETS);
testOp(klCase({ T: 136, V: 37, D: 4, gap: 100 }), SETS); // two chunks
testOp(klCase({ T: 8, V: 4101, D: 4, gap: 4 }), SETS); // the head in two parts
testOp(klCase({ T: 40, V: 37, D: 12, gap: 3, cap: 1.5 }), SETS);
testOp(klCase({ T: 40, V: 37, D: 12, gap: 3, rank: 8 }), SETS);
testOp(klCase({ T: 136, V: 37, D: 4, gap: 100, apart: true }), SETS);
testOp(klCase({ T: 72, V: 37, D: 4, gap: 50, cap: 1.5, chunk: 64 }), SETS);
testOp(klCase({ T: 72, V: 37, D: 4, gap: 50, rank: 4, chunk: 16 }), SETS);
const small = { T: 8, V: 37, D: 4, gap: 3 };
testOp(klCase({ ...small, teacher: 12, beta: 1 }), SETS);
testOp(klCase({ ...small, rank: 4, cap: 1.5, teacher: 8, beta: 0.3 }), SETS);

Deno.test("linearKl() refuses a head that is trained", () => {
  const graph = new Graph();
  const [x, base] = [graph.input("x", [8, 4], "f32"), graph.input("base", [8, 4], "f32")];
  const head = graph.param("head", [12, 4], "blocks");
  const rows = graph.input("rows", [128]);
  const supervision = { rows, label: rows, weight: graph.input("weight", [128], "f32") };
  assert.throws(
    () => linearKl(graph, x, head, { hidden: base, head }, supervision),
    /head is trained/,
  );
});
