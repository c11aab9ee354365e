/**
 * Attention, over packed documents and over a cache.
 *
 * @module
 */
import {
  add,
  attention,
  cachedAttention,
  cacheWrite,
  distanceBias,
  slidingWindow,
} from "../../ops/mod.ts";
import { attention as attentionTwin } from "../../reference/attention.ts";
import { attentionCached } from "../../reference/attention_cached.ts";
import { cacheWrite as cacheWriteTwin } from "../../reference/cache_write.ts";
import { distanceBias as distanceBiasTwin } from "../../reference/distance_bias.ts";
import { slidingWindow as slidingWindowTwin } from "../../reference/sliding_window.ts";
import { type OpCase, zeros } from "../op_case.ts";

/** Documents of these rows. */
const LENGTHS = [5, 11, 1, 7];
const T = 24;
const start = Uint32Array.from(
  LENGTHS.flatMap((length, i) => {
    const first = LENGTHS.slice(0, i).reduce((sum, before) => sum + before, 0);
    return Array<number>(length).fill(first);
  }),
);
const end = start.map((first) => start.lastIndexOf(first) + 1);
const DOCS = {
  start: { shape: [T], type: "u32" as const, data: start },
  end: { shape: [T], type: "u32" as const, data: end },
};

interface Heads {
  readonly H: number;
  readonly G: number;
  readonly D: number;
}

const qkv = ({ H, G, D }: Heads): OpCase["given"] => ({
  q: { shape: [T, H * D] },
  k: { shape: [T, G * D], scaled: false }, // both scaled, all softmax rows would be one-hot
  v: { shape: [T, G * D] },
});

function attentionCase(heads: Heads, cap?: number): OpCase {
  const { H, G, D } = heads;
  const scale = 1 / Math.sqrt(D);
  return {
    name: `attention of ${H} heads of ${D}${cap ? ", capped" : ""}`,
    given: { ...qkv(heads), ...DOCS },
    build(graph, { q, k, v, start, end }) {
      const settings = { heads: H, groups: G, headDim: D, scale, cap };
      return { y: attention(graph, q!, k!, v!, { start: start!, end: end! }, settings) };
    },
    twin({ q, k, v }) {
      const sizes = { T, H, G, D, SCALE: scale, CAP: cap ?? 0 };
      return { y: attentionTwin(q!, k!, v!, start, sizes) };
    },
    gradient: { of: "y", by: ["q", "k", "v"] },
    magnitudes: [1, 16],
  };
}

function windowCase(): OpCase {
  const heads = { H: 2, G: 1, D: 8 };
  const { H, G, D } = heads;
  const scale = 1 / Math.sqrt(D);
  return {
    name: "attention in a sliding window",
    given: { ...qkv(heads), ...DOCS },
    build(graph, { q, k, v, start, end }) {
      const docs = slidingWindow(graph, { start: start!, end: end! }, 4);
      return { y: attention(graph, q!, k!, v!, docs, { heads: H, groups: G, headDim: D, scale }) };
    },
    twin({ q, k, v }) {
      const { first } = slidingWindowTwin({ start, end }, 4);
      return { y: attentionTwin(q!, k!, v!, first, { T, H, G, D, SCALE: scale }) };
    },
    gradient: { of: "y", by: ["q", "k", "v"] },
  };
}

/** As encoders have it: each row sees all of its document, with a bias by distance. */
function biasedCase(): OpCase {
  const heads = { H: 3, G: 3, D: 8 };
  const { H, G, D } = heads;
  return {
    name: "attention with a bias by distance",
    given: { ...qkv(heads), ...DOCS, bias: { shape: [H, 2 * T], scaled: false } },
    build(graph, { q, k, v, start, end, bias }) {
      const docs = { start: start!, end: end!, span: { stop: end!, first: start! } };
      const settings = { heads: H, groups: G, headDim: D, scale: 1 };
      return { y: attention(graph, q!, k!, v!, docs, settings, bias) };
    },
    twin({ q, k, v, bias }) {
      const sizes = { T, H, G, D, SCALE: 1, CAP: 0, stop: end, bias: bias! };
      return { y: attentionTwin(q!, k!, v!, start, sizes) };
    },
    gradient: { of: "y", by: ["q", "k", "v"] },
    magnitudes: [1, 16],
  };
}

const [CONTEXT, SLOTS] = [24, 3];
const ROWS = {
  slot: { shape: [6], type: "u32" as const, data: [0, 2, 1, 2, 0, 1] },
  position: { shape: [6], type: "u32" as const, data: [0, 3, 8, 23, 15, 1] },
  count: { shape: [1], type: "u32" as const, data: [5] },
};
const rowsOf = ({ slot, position, count }: Record<string, Float64Array>) =>
  [Uint32Array.from(slot!), Uint32Array.from(position!), Uint32Array.from(count!)] as const;

const cached: OpCase[] = [
  {
    name: "write into a cache",
    given: {
      x: { shape: [6, 20] },
      ...ROWS,
      cache: { shape: [SLOTS, CONTEXT, 20] },
      zero: zeros(SLOTS, CONTEXT, 20),
    },
    build(graph, { x, cache, zero, slot, position, count }) {
      const copy = add(graph, cache!, zero!); // it is written over
      const places = { slot: slot!, position: position!, count: count! };
      return { written: cacheWrite(graph, x!, copy, places) };
    },
    twin({ x, cache, ...rows }) {
      const sizes = { T: 6, D: 20, CONTEXT, SLOTS };
      return { written: cacheWriteTwin(x!, ...rowsOf(rows), cache!, sizes) };
    },
  },
  {
    name: "attention over a cache",
    given: {
      q: { shape: [6, 32] },
      k: { shape: [SLOTS, CONTEXT, 16], scaled: false },
      v: { shape: [SLOTS, CONTEXT, 16] },
      ...ROWS,
    },
    build(graph, { q, k, v, slot, position, count }) {
      const heads = { heads: 4, groups: 2, headDim: 8, scale: 0.35 };
      const places = { slot: slot!, position: position!, count: count! };
      return { y: cachedAttention(graph, q!, k!, v!, places, heads, CONTEXT) };
    },
    twin({ q, k, v, ...rows }) {
      const sizes = { T: 6, H: 4, G: 2, D: 8, CONTEXT, SCALE: 0.35, WINDOW: CONTEXT, CAP: 0 };
      return { y: attentionCached(q!, k!, v!, ...rowsOf(rows), sizes) };
    },
  },
];

function distanceBiasCase(): OpCase {
  const bucket = Array.from({ length: 22 }, (_, i) => i * i % 5);
  return {
    name: "bias by distance",
    given: { table: { shape: [5, 3] }, bucket: { shape: [22], type: "u32", data: bucket } },
    build: (graph, { table, bucket }) => ({ bias: distanceBias(graph, table!, bucket!) }),
    twin: ({ table, bucket }) => ({
      bias: distanceBiasTwin(table!, Uint32Array.from(bucket!), 3),
    }),
  };
}

/** All of them. */
export const attentions: readonly OpCase[] = [
  attentionCase({ H: 6, G: 3, D: 8 }),
  attentionCase({ H: 4, G: 2, D: 8 }, 0.3),
  attentionCase({ H: 2, G: 1, D: 64 }), // without stored probabilities, on GPUs
  windowCase(),
  biasedCase(),
  distanceBiasCase(),
  ...cached,
];
