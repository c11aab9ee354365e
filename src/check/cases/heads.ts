/**
 * Output heads with their losses.
 *
 * @module
 */
import { linearCrossEntropy, linearKl, logits, supervisedCapacity } from "../../ops/mod.ts";
import { crossEntropy } from "../../reference/cross_entropy.ts";
import { klDivergence } from "../../reference/kl_divergence.ts";
import { matmulNt } from "../../reference/matmul.ts";
import { gatherRows } from "../../reference/rows.ts";
import { softcap } from "../../reference/softcap.ts";
import type { OpCase } from "../op_case.ts";

const [T, V, D] = [40, 37, 12];
const S = supervisedCapacity(T);

/** Rows with a label, the last first, every third left out. */
const LABELLED = Array.from({ length: T }, (_, t) => T - 1 - t).filter((t) => t % 3 !== 0);
const padded = (padding: number, of: (t: number) => number) => ({
  shape: [S],
  data: Array.from({ length: S }, (_, i) => i < LABELLED.length ? of(LABELLED[i]!) : padding),
});
const SUPERVISED: OpCase["given"] = {
  rows: { ...padded(0xffffffff, (t) => t), type: "u32" },
  label: { ...padded(0, (t) => t * 7 % V), type: "u32" },
  weight: { ...padded(0, (t) => (1 + t % 3) / T), scaled: false },
};

/** Logits of the supervised rows, [S, V]. */
function scoresOf(x: Float64Array, w: Float64Array, rows: Float64Array, cap: number) {
  const hidden = gatherRows(x, Uint32Array.from(rows), { T, D, N: S });
  return softcap(matmulNt(hidden, w, { M: S, N: V, K: D, SCALE: 1 }), cap);
}

function crossEntropyCase(cap: number): OpCase {
  return {
    name: `cross entropy${cap > 0 ? ", capped" : ""}`,
    given: {
      x: { shape: [T, D] },
      w: { shape: [V, D], layout: "blocks", scaled: false },
      ...SUPERVISED,
    },
    build(graph, { x, w, rows, label, weight }) {
      const supervision = { rows: rows!, label: label!, weight: weight! };
      return { loss: linearCrossEntropy(graph, x!, w!, supervision, cap > 0 ? { cap } : {}) };
    },
    twin({ x, w, rows, label, weight }) {
      const scores = scoresOf(x!, w!, rows!, cap);
      const sizes = { N: S, V, STRIDE: V };
      return { loss: crossEntropy(scores, Uint32Array.from(label!), weight!, sizes).loss };
    },
    gradient: { of: "loss", by: ["x", "w"], loss: true },
  };
}

function klCase(cap: number, beta = 0): OpCase {
  return {
    name: `divergence${cap > 0 ? ", capped" : ""}${beta > 0 ? `, beta ${beta}` : ""}`,
    given: {
      x: { shape: [T, D] },
      base: { shape: [T, D] },
      w: { shape: [V, D], layout: "blocks", scaled: false },
      ...SUPERVISED,
    },
    build(graph, { x, base, w, rows, label, weight }) {
      const supervision = { rows: rows!, label: label!, weight: weight! };
      const before = { hidden: base!, head: w!, ...(cap > 0 && { cap }) };
      const options = { ...(cap > 0 && { cap }), beta };
      return { ...linearKl(graph, x!, w!, before, supervision, options) };
    },
    twin({ x, base, w, rows, label, weight }) {
      const [now, then] = [scoresOf(x!, w!, rows!, cap), scoresOf(base!, w!, rows!, cap)];
      const labels = Uint32Array.from(label!);
      const sizes = { N: S, V, STRIDE: V };
      const { loss, stats } = klDivergence(now, then, labels, weight!, sizes, beta);
      return { loss, stats };
    },
    gradient: { of: "loss", by: ["x"], loss: true },
    magnitudes: cap > 0 ? [1, 2] : [1, 8], // beyond, tops tie at the cap
  };
}

function logitsCase(): OpCase {
  const stored = Math.ceil(V / 4) * 4;
  const rows = [7, 0, 0xffffffff, 3];
  return {
    name: "logits",
    given: {
      x: { shape: [8, D] },
      w: { shape: [V, D], layout: "blocks", scaled: false },
      rows: { shape: [4], type: "u32", data: rows },
    },
    build: (graph, { x, w, rows }) => ({ logits: logits(graph, x!, w!, rows!, { cap: 0.5 }) }),
    twin({ x, w, rows }) {
      const hidden = gatherRows(x!, Uint32Array.from(rows!), { T: 8, D, N: 4 });
      const all = new Float64Array(stored * D);
      all.set(w!);
      return { logits: softcap(matmulNt(hidden, all, { M: 4, N: stored, K: D, SCALE: 1 }), 0.5) };
    },
  };
}

/** All of them. */
export const heads: readonly OpCase[] = [
  crossEntropyCase(0),
  crossEntropyCase(1.5),
  klCase(0),
  klCase(1.5),
  klCase(0, 1),
  klCase(1.5, 0.3),
  logitsCase(),
];
