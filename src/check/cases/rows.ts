/**
 * Rows: norms, positions and embeddings.
 *
 * @module
 */
import { FORMAT_NAMES, FORMATS } from "../../formats/mod.ts";
import type { NumberType } from "../../graph/graph.ts";
import {
  add,
  columnSquares,
  documentScales,
  embed,
  layerNorm,
  longContextAngles,
  replaceRows,
  rmsNorm,
  rope,
  scale,
  scaleRows,
} from "../../ops/mod.ts";
import { columnSquares as columnSquaresTwin } from "../../reference/column_squares.ts";
import { documentScales as documentScalesTwin } from "../../reference/document_scales.ts";
import { embed as embedTwin } from "../../reference/embed.ts";
import { layerNorm as layerNormTwin } from "../../reference/layer_norm.ts";
import { longContextAngles as longTwin } from "../../reference/long_context_angles.ts";
import { replaceRows as replaceRowsTwin } from "../../reference/replace_rows.ts";
import { rmsNorm as rmsNormTwin } from "../../reference/rms_norm.ts";
import { rope as ropeTwin } from "../../reference/rope.ts";
import { scaleRows as scaleRowsTwin } from "../../reference/scale_rows.ts";
import { type OpCase, zeros } from "../op_case.ts";

const EPS = 1e-5;

function rmsNormCase(T: number, D: number): OpCase {
  return {
    name: `rms norm of ${D}`,
    given: { x: { shape: [T, D] }, weight: { shape: [D], scaled: false } },
    build: (graph, { x, weight }) => ({ y: rmsNorm(graph, x!, weight!, EPS, 0) }),
    twin: ({ x, weight }) => ({ y: rmsNormTwin(x!, weight!, { T, D, EPS, UNIT: 0 }).y }),
    gradient: { of: "y", by: ["x", "weight"] },
  };
}

function layerNormCase(T: number, D: number): OpCase {
  return {
    name: `layer norm of ${D}`,
    given: {
      x: { shape: [T, D] },
      weight: { shape: [D], scaled: false },
      bias: { shape: [D], scaled: false },
    },
    build: (graph, { x, weight, bias }) => ({ y: layerNorm(graph, x!, weight!, bias!, EPS) }),
    twin: ({ x, weight, bias }) => ({ y: layerNormTwin(x!, weight!, bias!, { T, D, EPS }).y }),
    gradient: { of: "y", by: ["x", "weight", "bias"] },
  };
}

function columnSquaresCase(T: number, D: number, used: number): OpCase {
  return {
    name: "column squares",
    given: {
      x: { shape: [T, D] },
      before: { shape: [D] },
      zero: zeros(D),
      used: { shape: [1], type: "u32", data: [used] },
    },
    build: (graph, { x, before, zero, used }) => ({
      // What it writes over must be its own.
      sum: columnSquares(graph, x!, used!, add(graph, before!, zero!)),
    }),
    twin: ({ x, before }) => ({ sum: columnSquaresTwin(x!, used, before!) }),
  };
}

function documentScalesCase(D: number): OpCase {
  const [start, end] = [[0, 0, 0, 3, 3, 5], [3, 3, 3, 5, 5, 6]].map((rows) =>
    Uint32Array.from(rows)
  );
  const T = start!.length;
  return {
    name: "rows by the size of their documents",
    given: {
      x: { shape: [T, D] },
      counted: { shape: [T], data: [1, 1, 1, 1, 1, 0], scaled: false },
      start: { shape: [T], type: "u32", data: start! },
      end: { shape: [T], type: "u32", data: end! },
    },
    build(graph, { x, counted, start, end }) {
      const by = documentScales(graph, x!, counted!, { start: start!, end: end! });
      return { y: scaleRows(graph, x!, by) };
    },
    twin({ x, counted }) {
      const by = documentScalesTwin(x!, counted!, { start: start!, end: end! });
      return { y: scaleRowsTwin(x!, by) };
    },
  };
}

/** Cosines, then sines, of each position. */
const anglesOf = (positions: number, rotated: number) =>
  Array.from({ length: positions * rotated }, (_, i) => {
    const [position, k] = [Math.floor(i / rotated), i % rotated];
    const angle = position * 0.7 ** (k % (rotated / 2));
    return k < rotated / 2 ? Math.cos(angle) : Math.sin(angle);
  });

function ropeCase(D: number, ROTARY: number): OpCase {
  const [H, position] = [3, [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6, 0]];
  const T = position.length;
  return {
    name: `rope of ${ROTARY} of ${D}`,
    given: {
      x: { shape: [T, H * D] },
      zero: zeros(T, H * D),
      position: { shape: [T], type: "u32", data: position },
      angles: { shape: [7, ROTARY], data: anglesOf(7, ROTARY), scaled: false },
    },
    build(graph, { x, zero, position, angles }) {
      return { y: rope(graph, add(graph, x!, zero!), position!, angles!, D) }; // in place
    },
    twin: ({ x, position, angles }) => ({
      y: ropeTwin(x!, Uint32Array.from(position!), angles!, { T, H, D, ROTARY, SIGN: 1 }),
    }),
    gradient: { of: "y", by: ["x"] },
  };
}

function longContextCase(): OpCase {
  const [T, H, D, positions, than] = [9, 2, 8, 6, 5];
  const start = Uint32Array.from({ length: T }, (_, t) => t < 6 ? 0 : 6);
  const end = start.map((first) => first === 0 ? 6 : T);
  const position = start.map((first, t) => t - first);
  const rows = { shape: [T], type: "u32" as const };
  return {
    name: "rope by the length of documents",
    given: {
      x: { shape: [T, H * D] },
      zero: zeros(T, H * D),
      start: { ...rows, data: start },
      end: { ...rows, data: end },
      position: { ...rows, data: position },
      angles: { shape: [2 * positions, D], data: anglesOf(2 * positions, D), scaled: false },
    },
    build(graph, { x, zero, start, end, position, angles }) {
      const attrs = { than, offset: positions };
      const row = longContextAngles(graph, { start: start!, end: end! }, position!, attrs);
      return { y: rope(graph, add(graph, x!, zero!), row, angles!, D) };
    },
    twin({ x, angles }) {
      const row = longTwin({ start, end, position }, { THAN: than, OFFSET: positions });
      return { y: ropeTwin(x!, row, angles!, { T, H, D, ROTARY: D, SIGN: 1 }) };
    },
  };
}

const TOKENS = [3, 0, 36, 3, 3, 17, 5, 0, 35, 17];
const V = 37;

function embedCase(type: NumberType): OpCase {
  const D = type === "u32" ? 12 : Math.max(12, FORMATS[type].group);
  return {
    name: `embed ${type}`,
    given: {
      token: { shape: [TOKENS.length], type: "u32", data: TOKENS },
      table: { shape: [V, D], type, layout: "blocks" },
    },
    build: (graph, { token, table }) => ({ x: embed(graph, token!, table!, { scale: 1.5 }) }),
    twin({ token, table }) {
      const x = new Float64Array(token!.length * D);
      const sizes = { D, ROW0: 0, ROWS: V, SCALE: 1.5 };
      return { x: embedTwin(Uint32Array.from(token!), x, table!, sizes) };
    },
  };
}

function trainedEmbedCase(): OpCase {
  const frozen = embedCase("f32");
  const order = TOKENS.map((_, t) => t).sort((a, b) => TOKENS[a]! - TOKENS[b]!);
  const first = Array.from(
    { length: V + 1 },
    (_, id) => TOKENS.filter((other) => other < id).length,
  );
  return {
    ...frozen,
    name: "embed, trained",
    given: {
      ...frozen.given,
      order: { shape: [order.length], type: "u32", data: order },
      first: { shape: [V + 1], type: "u32", data: first },
    },
    build(graph, { token, table, order, first }) {
      const sorted = { order: order!, first: first! };
      return { x: embed(graph, token!, table!, { scale: 1.5, sorted }) };
    },
    gradient: { of: "x", by: ["table"] },
  };
}

function replaceRowsCase(): OpCase {
  const [ids, D] = [[3, 36, 44, 0], 12];
  return {
    name: "replace_rows",
    given: {
      x: { shape: [TOKENS.length, D] },
      rows: { shape: [ids.length, D] },
      token: { shape: [TOKENS.length], type: "u32", data: TOKENS },
      ids: { shape: [ids.length], type: "u32", data: ids },
    },
    build: (graph, { x, rows, token, ids }) => {
      const places = { token: token!, ids: ids! };
      return { y: replaceRows(graph, scale(graph, x!, 2), rows!, places, 1.5) };
    },
    twin: ({ x, rows }) => ({
      y: replaceRowsTwin(x!.map((x) => 2 * x), rows!, { token: TOKENS, ids, D, SCALE: 1.5 }),
    }),
    gradient: { of: "y", by: ["rows", "x"] },
  };
}

/** All of them. */
export const rows: readonly OpCase[] = [
  rmsNormCase(12, 20),
  columnSquaresCase(11, 36, 9),
  documentScalesCase(20),
  layerNormCase(12, 20),
  ropeCase(16, 16),
  ropeCase(12, 6), // pairs that no four holds
  longContextCase(),
  ...FORMAT_NAMES.map(embedCase),
  trainedEmbedCase(),
  replaceRowsCase(),
];
