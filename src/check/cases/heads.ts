/**
 * Output heads with their losses, and updates.
 *
 * @module
 */
import {
  accumulate,
  adamw,
  add,
  type Group,
  halt,
  linearCrossEntropy,
  linearKl,
  lion,
  logits,
  muon,
  sgd,
  sum,
  sumSquares,
  supervisedCapacity,
  type UpdateRule,
} from "../../ops/mod.ts";
import { ADD_SQUARES } from "../../ops/square_gradient.ts";
import { accumulate as accumulateTwin } from "../../reference/accumulate.ts";
import { adamw as adamwTwin } from "../../reference/adamw.ts";
import { addSquares } from "../../reference/add_squares.ts";
import { crossEntropy } from "../../reference/cross_entropy.ts";
import { halt as haltTwin } from "../../reference/halt.ts";
import { klDivergence } from "../../reference/kl_divergence.ts";
import { lion as lionTwin } from "../../reference/lion.ts";
import { matmulNt } from "../../reference/matmul.ts";
import { gatherRows } from "../../reference/rows.ts";
import { muon as muonTwin } from "../../reference/muon.ts";
import { sgd as sgdTwin } from "../../reference/sgd.ts";
import { softcap } from "../../reference/softcap.ts";
import { sumSquares as sumSquaresTwin } from "../../reference/sum_squares.ts";
import { total } from "../../reference/total.ts";
import { type Arrays, type OpCase, zeros } from "../op_case.ts";

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

const N = 1000;
const SETTINGS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 0.5 };
const DECAY = 0.1;
const RATE = 0.01;
const MOMENTUM = { momentum: 0.9, nesterov: true, clip: 0.5 };

/** A wide matrix and a tall one; what follows them is none. */
const MATRICES = [
  { from: 0, numbers: 192, rate: 1, decay: DECAY, matrix: { rows: 8, columns: 24, rank: 8 } },
  { from: 192, numbers: 320, rate: 1, decay: DECAY, matrix: { rows: 80, columns: 4, rank: 4 } },
];

/** One update by an optimiser, and the sign that it may be made. */
function updateCase(
  name: string,
  rule: UpdateRule,
  twin: (given: Arrays, norm: number) => { p: Float64Array },
  groups: readonly Group[] = [{ from: 0, numbers: N, rate: 1, decay: DECAY }],
): OpCase {
  return {
    name: `update of ${name}`,
    given: {
      p: { shape: [N], scaled: false },
      gradients: { shape: [N] },
      m: { shape: [N], scaled: false },
      v: { shape: [N], data: new Float32Array(N).fill(0.01), scaled: false },
      zero: zeros(N),
      step: { shape: [rule.stepSize], data: rule.step(RATE, 3), scaled: false },
    },
    build(graph, { p, gradients, m, v, zero, step }) {
      const copy = (value: typeof p) => add(graph, value!, zero!); // each is written over
      const norm = sumSquares(graph, gradients!);
      const halted = halt(graph, norm, graph.state("halted", [1], "u32"));
      const state = { gradients: gradients!, step: step!, norm, halted };
      const copies = { params: copy(p), m: copy(m), v: copy(v) };
      return { p: rule.update(graph, { ...state, ...copies }, groups), halts: halted };
    },
    twin(given) {
      const [norm] = sumSquaresTwin(given["gradients"]!, { N, PARTS: 1 });
      return { p: twin(given, norm!).p, halts: Float64Array.of(haltTwin(norm!, 0)) };
    },
  };
}

const updates: OpCase[] = [
  {
    name: "sums",
    given: { x: { shape: [N] } },
    build: (graph, { x }) => ({ squares: sumSquares(graph, x!), all: sum(graph, x!) }),
    twin: ({ x }) => ({
      squares: sumSquaresTwin(x!, { N, PARTS: 1 }),
      all: Float64Array.of(total(x!)),
    }),
    tolerance: 1e-5, // of all, which is small beside what it is the sum of
  },
  {
    name: "sum of gradients",
    given: {
      grad: { shape: [N] },
      before: { shape: [N] },
      zero: zeros(N),
      first: { shape: [1], type: "u32", data: [0] },
    },
    build: (graph, { grad, before, zero, first }) => ({
      sum: accumulate(graph, grad!, add(graph, before!, zero!), first!),
    }),
    twin: ({ grad, before, first }) => ({
      sum: accumulateTwin(grad!, Uint32Array.from(first!), before!),
    }),
  },
  {
    name: "sum of squared gradients",
    given: { x: { shape: [37, 36] }, before: { shape: [37, 36] }, zero: zeros(37, 36) },
    build(graph, { x, before, zero }) {
      const squares = add(graph, before!, zero!); // it is written over
      const out = { sum: { shape: [37, 36] } };
      return { sum: graph.call(ADD_SQUARES, { x: x!, squares }, out, {}).sum };
    },
    twin: ({ x, before }) => ({ sum: addSquares(x!, before!) }),
  },
  updateCase(
    "AdamW",
    adamw(SETTINGS),
    ({ p, gradients, m, v }, norm) =>
      adamwTwin(p!, gradients!, m!, v!, { ...SETTINGS, decay: DECAY, rate: RATE, t: 3 }, norm),
  ),
  updateCase("Muon", muon(MOMENTUM), (given, norm) => ({
    p: MATRICES.reduce((p, { from, matrix: { rows, columns } }) => {
      const [part, grad, m] = ["p", "gradients", "m"].map((name) =>
        given[name]!.subarray(from, from + rows * columns)
      );
      const step = { ...MOMENTUM, decay: DECAY, rate: RATE, rows, columns };
      p.set(muonTwin(part!, grad!, m!, step, norm).p, from);
      return p;
    }, given["p"]!.slice()),
  }), MATRICES),
  updateCase(
    "Lion",
    lion(SETTINGS),
    ({ p, gradients, m }, norm) =>
      lionTwin(p!, gradients!, m!, { ...SETTINGS, decay: DECAY, rate: RATE }, norm),
  ),
  ...[false, true].map((nesterov) => {
    const settings = { ...MOMENTUM, nesterov };
    return updateCase(
      `SGD${nesterov ? ", looking ahead" : ""}`,
      sgd(settings),
      (given, norm) =>
        sgdTwin(given["p"]!, given["gradients"]!, given["m"]!, {
          ...settings,
          decay: DECAY,
          rate: RATE,
        }, norm),
    );
  }),
];

/** All of them. */
export const heads: readonly OpCase[] = [
  crossEntropyCase(0),
  crossEntropyCase(1.5),
  klCase(0),
  klCase(1.5),
  klCase(0, 1),
  klCase(1.5, 0.3),
  logitsCase(),
  ...updates,
];
