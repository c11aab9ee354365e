/**
 * Updates, and what comes of gradients before them.
 *
 * @module
 */
import {
  accumulate,
  adafactor,
  adamw,
  adamw8bit,
  add,
  type Group,
  halt,
  lion,
  muon,
  sgd,
  sum,
  sumSquares,
  type UpdateRule,
} from "../../ops/mod.ts";
import { ADD_SQUARES } from "../../ops/square_gradient.ts";
import { accumulate as accumulateTwin } from "../../reference/accumulate.ts";
import { adafactor as adafactorTwin } from "../../reference/adafactor.ts";
import { adamw as adamwTwin } from "../../reference/adamw.ts";
import { adamw8bit as adamw8bitTwin } from "../../reference/adamw_8bit.ts";
import { addSquares } from "../../reference/add_squares.ts";
import { halt as haltTwin } from "../../reference/halt.ts";
import { lion as lionTwin } from "../../reference/lion.ts";
import { muon as muonTwin } from "../../reference/muon.ts";
import { sgd as sgdTwin } from "../../reference/sgd.ts";
import { sumSquares as sumSquaresTwin } from "../../reference/sum_squares.ts";
import { total } from "../../reference/total.ts";
import type { Value } from "../../graph/graph.ts";
import { type Arrays, type OpCase, zeros } from "../op_case.ts";

const N = 1000;
const SETTINGS = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clip: 0.5 };
const DECAY = 0.1;
const RATE = 0.01;
const MOMENTUM = { momentum: 0.9, nesterov: true, clip: 0.5 };

/** The settings of two updates. */
const STEPS = Object.fromEntries([1, 2].map((t) => {
  const data = adamw8bit(SETTINGS).step(RATE, t);
  return [`step${t}`, { shape: [data.length], data, scaled: false }];
}));

/** A wide matrix and a tall one; what follows them is none. */
const MATRICES = [{ from: 0, rows: 8, columns: 24 }, { from: 192, rows: 80, columns: 4 }].map(
  ({ from, rows, columns }) => {
    const matrix = { rows, columns, used: { rows, columns }, layout: "rows" as const };
    return { from, numbers: rows * columns, rate: 1, decay: DECAY, matrix };
  },
);

/** What moments of a name hold before the update. */
const held = (name: string, numbers: number) => ({
  shape: [numbers],
  ...(name === "v" && { data: new Float32Array(numbers).fill(BEFORE) }),
  scaled: false,
});
const BEFORE = 0.01;

/** The params after updates of matrices one by one; `twin` makes one of parts of what is given. */
const byMatrix = (
  given: Arrays,
  twin: (
    part: (name: string) => Float64Array,
    sizes: { rows: number; columns: number },
  ) => { p: Float64Array },
) => ({
  p: MATRICES.reduce((p, { from, matrix: { rows, columns } }) => {
    const part = (name: string) => given[name]!.subarray(from, from + rows * columns);
    p.set(twin(part, { rows, columns }).p, from);
    return p;
  }, given["p"]!.slice()),
});

/** One update by an optimiser, and the sign that it may be made. */
function updateCase(
  name: string,
  rule: UpdateRule,
  twin: (given: Arrays, norm: number) => { p: Float64Array },
  groups: readonly Group[] = [{ from: 0, numbers: N, rate: 1, decay: DECAY }],
): OpCase {
  const moments = rule.moments(groups);
  return {
    name: `update of ${name}`,
    given: {
      p: { shape: [N], scaled: false },
      gradients: { shape: [N] },
      ...Object.fromEntries(moments.map(({ name, numbers }) => [name, held(name, numbers)])),
      zero: zeros(N),
      ...Object.fromEntries(moments.map(({ name, numbers }) => [`no ${name}`, zeros(numbers)])),
      step: { shape: [rule.stepSize], data: rule.step(RATE, 3), scaled: false },
    },
    build(graph, { p, gradients, zero, step, ...given }) {
      const kept = moments.map(({ name }) =>
        [name, add(graph, given[name]!, given[`no ${name}`]!)] as const // each is written over
      );
      const norm = sumSquares(graph, gradients!);
      const halted = halt(graph, norm, graph.state("halted", [1], "u32"));
      const state = { gradients: gradients!, step: step!, norm, halted };
      const copies = { params: add(graph, p!, zero!), moments: Object.fromEntries(kept) };
      return { p: rule.update(graph, { ...state, ...copies }, groups), halts: halted };
    },
    twin(given) {
      const [norm] = sumSquaresTwin(given["gradients"]!, { N, PARTS: 1 });
      return { p: twin(given, norm!).p, halts: Float64Array.of(haltTwin(norm!, 0)) };
    },
  };
}

/** All of them. */
export const updates: readonly OpCase[] = [
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
  {
    name: "two updates of AdamW in eight bits",
    given: {
      p: { shape: [N], scaled: false },
      gradients: { shape: [N] },
      zero: zeros(N),
      ...STEPS,
    },
    build(graph, { p, gradients, zero, step1, step2 }) {
      const rule = adamw8bit(SETTINGS);
      const groups = [{ from: 0, numbers: N, rate: 1, decay: DECAY }];
      const [codes, scales] = rule.moments(groups);
      const norm = sumSquares(graph, gradients!);
      const halted = halt(graph, norm, graph.state("halted", [1], "u32"));
      const state = { gradients: gradients!, norm, halted };
      const moments = {
        codes: graph.state("kept codes", [codes!.numbers], "u32"),
        scales: graph.state("kept scales", [scales!.numbers]),
      };
      const params = add(graph, p!, zero!); // it is written over
      rule.update(graph, { ...state, params, moments, step: step1! }, groups);
      const { p: once, newCodes, newScales } = graph.calls.at(-1)!.outs as Record<string, Value>;
      const after = { codes: newCodes!, scales: newScales! };
      const later = { ...state, params: once!, moments: after, step: step2! };
      return { p: rule.update(graph, later, groups) };
    },
    twin({ p, gradients }) {
      const [norm] = sumSquaresTwin(gradients!, { N, PARTS: 1 });
      const none = () => new Float64Array(Math.ceil(N / 256));
      const [m, v] = [new Uint8Array(N), new Uint8Array(N)];
      const step = { ...SETTINGS, decay: DECAY, rate: RATE };
      const zero = { m, v, scales: { m: none(), v: none() } };
      const once = adamw8bitTwin(p!, gradients!, zero, { ...step, t: 1 }, norm!);
      return { p: adamw8bitTwin(once.p, gradients!, once.kept, { ...step, t: 2 }, norm!).p };
    },
    magnitudes: [1], // what is kept is zero at first
    tolerance: 1e-3, // of a code, where a number lies between two
  },
  updateCase("Muon", muon(MOMENTUM), (given, norm) =>
    byMatrix(given, (part, sizes) => {
      const step = { ...MOMENTUM, decay: DECAY, rate: RATE, ...sizes };
      return muonTwin(part("p"), part("gradients"), part("m"), step, norm);
    }), MATRICES),
  updateCase(
    "Adafactor",
    adafactor({ epsilon: 1e-30, clip: 0.5 }),
    (given, norm) =>
      byMatrix(given, (part, sizes) => {
        const step = { epsilon: 1e-30, clip: 0.5, decay: DECAY, rate: RATE, t: 3, ...sizes };
        const [rows, columns] = [sizes.rows, sizes.columns].map((n) =>
          new Float64Array(n).fill(BEFORE)
        );
        return adafactorTwin(part("p"), part("gradients"), rows!, columns!, step, norm);
      }),
    MATRICES,
  ),
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
