/**
 * Products of matrices, and what lies between them.
 *
 * @module
 */
import { FORMAT_NAMES, FORMATS } from "../../formats/mod.ts";
import type { NumberType } from "../../graph/graph.ts";
import { matmul, type Transposition } from "../../ops/matmul.ts";
import {
  activate,
  add,
  bias,
  doraRatio,
  DRAW,
  dropout,
  elastic,
  glu,
  linear,
  noise as addNoise,
  scale,
  scaleColumns,
  split,
  sum,
} from "../../ops/mod.ts";
import { activate as activateTwin } from "../../reference/activate.ts";
import { bias as biasTwin } from "../../reference/bias.ts";
import { columns } from "../../reference/columns.ts";
import { adaptedNorms } from "../../reference/dora.ts";
import { dropout as dropoutTwin } from "../../reference/dropout.ts";
import { noise as noiseTwin } from "../../reference/noise.ts";
import { elastic as elasticTwin } from "../../reference/elastic.ts";
import { glu as gluTwin } from "../../reference/glu.ts";
import { linear as linearTwin } from "../../reference/linear.ts";
import { matmulNn, matmulNt, matmulTn } from "../../reference/matmul.ts";
import { ownColumns as ownColumnsTwin } from "../../reference/own_columns.ts";
import { scaleColumns as scaleColumnsTwin } from "../../reference/scale_columns.ts";
import { pack } from "../layout.ts";
import { noise, type OpCase, zeros } from "../op_case.ts";

const TWINS = { nt: matmulNt, nn: matmulNn, tn: matmulTn };

function matmulCase(kind: Transposition): OpCase {
  const [M, N, K] = [36, 20, 12];
  return {
    name: `matmul ${kind}`,
    given: {
      a: { shape: kind === "tn" ? [K, M] : [M, K] },
      b: { shape: kind === "nt" ? [N, K] : [K, N], scaled: false },
    },
    build: (graph, { a, b }) => ({ c: matmul(graph, kind, a!, b!, { scale: 0.5 }) }),
    twin: ({ a, b }) => ({ c: TWINS[kind](a!, b!, { M, N, K, SCALE: 0.5 }) }),
  };
}

/** A linear layer with its adapter, of a format of weights; both ways. */
function linearCase(type: NumberType): OpCase {
  const group = type === "u32" ? 1 : FORMATS[type].group;
  const [M, N, R] = group > 64 ? [4, 12, 4] : [12, 44, 8]; // central differences of all stay quick
  const [K, factor] = [Math.max(20, group), 1.5];
  return {
    name: `linear ${type}`,
    given: {
      x: { shape: [M, K] },
      w: { shape: [N, K], type, layout: "blocks", scaled: false },
      residual: { shape: [M, N] },
      a: { shape: [R, K] },
      b: { shape: [N, R], scaled: false },
    },
    build(graph, { x, w, a, b, residual }) {
      return { y: linear(graph, x!, w!, { adapter: { a: a!, b: b!, scale: factor }, residual }) };
    },
    twin: ({ x, w, a, b, residual }) => ({
      y: linearTwin(x!, w!, a, b, residual, { M, N, K, R, scale: factor }),
    }),
    gradient: { of: "y", by: ["x", "residual", "a", "b"] },
  };
}

/** A linear layer with the ranks of two adapters, and rows of either or none. */
function ownedCase(): OpCase {
  const [M, N, K, R] = [12, 8, 12, 8];
  return {
    name: "linear of two adapters",
    given: {
      x: { shape: [M, K] },
      w: { shape: [N, K], layout: "blocks", scaled: false },
      a: { shape: [R, K] },
      b: { shape: [N, R], scaled: false },
      scales: { shape: [R], scaled: false },
      owner: { shape: [R], data: [0, 0, 0, 0, 1, 1, 1, 1], scaled: false },
      of: { shape: [M], type: "u32", data: [0, 1, 9, 0, 1, 9, 0, 1, 9, 0, 1, 9] },
    },
    build(graph, { x, w, a, b, scales, owner, of }) {
      const owners = { scales: scales!, owner: owner!, of: of! };
      return { y: linear(graph, x!, w!, { adapter: { a: a!, b: b!, scale: 1, owners } }) };
    },
    twin({ x, w, a, b, scales, owner, of }) {
      const ranks = matmulNt(x!, a!, { M, N: R, K, SCALE: 1 });
      const u = ownColumnsTwin(ranks, scales!, owner!, of!);
      const update = matmulNt(u, b!, { M, N, K: R, SCALE: 1 });
      return { y: matmulNt(x!, w!, { M, N, K, SCALE: 1 }).map((y, i) => y + update[i]!) };
    },
    gradient: { of: "y", by: ["x", "a", "b"] },
  };
}

const [T, D] = [37, 36];
const LINES = Array.from({ length: T }, (_, t) => t);
const NOISE = { alpha: 5, seed: 0x9747b28c };
const KEYS = { rate: 0.3, seed: 0x9747b28c, layer: 5 };

const between: OpCase[] = [
  {
    name: "add",
    given: { a: { shape: [T, D] }, b: { shape: [T, D] } },
    build: (graph, { a, b }) => ({ y: add(graph, a!, b!) }),
    twin: ({ a, b }) => ({ y: a!.map((x, i) => x + b![i]!) }),
    gradient: { of: "y", by: ["a", "b"] },
  },
  {
    name: "scale",
    given: { x: { shape: [T, D] } },
    build: (graph, { x }) => ({ y: scale(graph, x!, 0.5) }),
    twin: ({ x }) => ({ y: x!.map((number) => number / 2) }),
    gradient: { of: "y", by: ["x"] },
  },
  {
    name: "scale columns",
    given: { z: { shape: [T, D] }, s: { shape: [D], scaled: false } },
    build: (graph, { z, s }) => ({ y: scaleColumns(graph, z!, s!) }),
    twin: ({ z, s }) => ({ y: scaleColumnsTwin(z!, s!) }),
    gradient: { of: "y", by: ["z", "s"] },
  },
  {
    name: "bias",
    given: { x: { shape: [T, D] }, b: { shape: [D] }, zero: zeros(T, D) },
    build: (graph, { x, b, zero }) => ({ y: bias(graph, add(graph, x!, zero!), b!) }), // in place
    twin: ({ x, b }) => ({ y: biasTwin(x!, b!) }),
    gradient: { of: "y", by: ["x", "b"] },
  },
  {
    name: "split",
    given: { x: { shape: [T, D] } },
    build: (graph, { x }) => ({ y: split(graph, x!, [12, 24])[1]! }),
    twin: ({ x }) => ({ y: columns(x!, { stride: D, from: 12, width: 24 }) }),
  },
  {
    name: "dropout",
    given: { x: { shape: [T, D] }, [DRAW]: { shape: [1], type: "u32", data: [0xfffffff1] } },
    build: (graph, { x }) => ({ y: dropout(graph, x!, KEYS) }),
    twin: ({ x }) => ({ y: dropoutTwin(x!, { ...KEYS, draw: 0xfffffff1 }) }),
    gradient: { of: "y", by: ["x"] },
  },
  {
    name: "noise",
    given: {
      x: { shape: [T, D], scaled: false },
      start: { shape: [T], type: "u32", data: LINES.map((t) => t - t % 5) },
      end: { shape: [T], type: "u32", data: LINES.map((t) => Math.min(T, t - t % 5 + 5)) },
      [DRAW]: { shape: [1], type: "u32", data: [0xfffffff1] },
    },
    build: (graph, { x, start, end }) => ({
      y: addNoise(graph, x!, { start: start!, end: end! }, NOISE),
    }),
    twin({ x, start, end }) {
      const lengths = end!.map((end, t) => end - start![t]!);
      return { y: noiseTwin(x!, lengths, { D, ...NOISE, draw: 0xfffffff1 }) };
    },
  },
  ...(["silu", "gelu", "gelu_erf", "relu", "tanh"] as const).map((activation): OpCase => ({
    name: `activate by ${activation}`,
    given: { x: { shape: [T, D], data: noise(T * D, 1).map((x) => 4 * x) } },
    build: (graph, { x }) => ({ y: activate(graph, x!, activation) }),
    twin: ({ x }) => ({ y: activateTwin(x!, activation) }),
    gradient: { of: "y", by: ["x"] },
    magnitudes: [0.1, 1, 8],
  })),
  {
    name: "gated activation, of two parts",
    given: { x: { shape: [19, 16] } },
    build(graph, { x }) {
      const [gate, up] = split(graph, x!, [8, 8]);
      return { y: glu(graph, gate!, up!, "silu") };
    },
    twin({ x }) {
      const part = (from: number) => columns(x!, { stride: 16, from, width: 8 });
      return { y: gluTwin(part(0), part(8), "silu") };
    },
    gradient: { of: "y", by: ["x"] },
  },
];

function doraCase(): OpCase {
  const [N, K, R, factor] = [20, 12, 4, 1.5];
  const w = pack(noise(N * K, 3), [N, K], "f32", "blocks").rounded;
  const norms = Array.from({ length: N }, (_, i) => Math.hypot(...w.subarray(i * K, (i + 1) * K)));
  return {
    name: "ratio of DoRA",
    given: {
      w: { shape: [N, K], layout: "blocks", data: w, scaled: false },
      norms: { shape: [N], data: norms, scaled: false },
      a: { shape: [R, K] },
      b: { shape: [N, R], scaled: false },
      magnitude: { shape: [N], scaled: false },
    },
    build: (graph, { w, norms, a, b, magnitude }) => ({
      ratio: doraRatio(graph, {
        ...{ w: w!, norms: norms!, a: a!, b: b!, magnitude: magnitude!, scale: factor },
      }),
    }),
    twin({ w, a, b, magnitude }) {
      const n = adaptedNorms(w!, a!, b!, { N, K, R, scale: factor });
      return { ratio: magnitude!.map((m, row) => m / n[row]!) };
    },
    gradient: { of: "ratio", by: ["magnitude"] },
  };
}

function elasticCase(): OpCase {
  const [out, inner, rank, factor] = [12, 20, 8, 0.5];
  return {
    name: "elastic penalty",
    given: {
      a: { shape: [rank, inner] },
      b: { shape: [out, rank] },
      f: { shape: [out, inner], scaled: false },
      weight: { shape: [1], data: [0.7], scaled: false },
    },
    build(graph, { a, b, f, weight }) {
      const update = { a: a!, b: b!, scale: factor };
      const { loss, da, db } = elastic(graph, update, { fisher: f!, weight: weight! });
      return { loss: sum(graph, loss), da, db };
    },
    twin({ a, b, f, weight }) {
      const x = matmulNn(b!, a!, { M: out, N: inner, K: rank, SCALE: factor });
      const { loss, dx } = elasticTwin(x, f!, weight![0]!);
      return {
        loss: Float64Array.of(loss),
        da: matmulTn(b!, dx, { M: rank, N: inner, K: out, SCALE: factor }),
        db: matmulNt(dx, a!, { M: out, N: rank, K: inner, SCALE: factor }),
      };
    },
  };
}

/** All of them. */
export const products: readonly OpCase[] = [
  ...(["nt", "nn", "tn"] as const).map(matmulCase),
  ...FORMAT_NAMES.map(linearCase),
  ownedCase(),
  ...between,
  doraCase(),
  elasticCase(),
];
