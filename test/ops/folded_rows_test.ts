/** Kernels with a row an invocation, on folded grids: more than 524,280 rows of all heads. */
import type { Call, Launch, Op, Target } from "../../src/graph/graph.ts";
import { ATTENTION, ATTENTION_BACKWARD } from "../../src/ops/attention.ts";
import { add } from "../../src/ops/mod.ts";
import { ROPE } from "../../src/ops/rope.ts";
import { testOp } from "../harness.ts";
import { attention, attentionBackward } from "../../src/reference/attention.ts";
import * as reference from "../../src/reference/rope.ts";

const BY_ROW = ["rope", "rope_by_one", "attention_softmax", "attention_delta"];

/** The op with its kernels of a row an invocation on grids of two columns. */
function folded<O extends Op>(op: O): O {
  const fold = (launch: Launch): Launch => {
    if (!BY_ROW.includes(launch.kernel.name)) return launch;
    return { ...launch, groups: [2, Math.ceil(launch.groups[0] / 2)] };
  };
  return { ...op, launches: (call: Call, target: Target) => op.launches(call, target).map(fold) };
}

const [T, H, G, D] = [16, 3, 1, 8];
const position = Array.from({ length: T }, (_, t) => t);

for (const ROTARY of [8, 4]) {
  const angles = position.flatMap((t) =>
    Array.from({ length: ROTARY }, (_, k) => (k < ROTARY / 2 ? Math.cos : Math.sin)(t * 0.7 ** k))
  );
  testOp({
    name: `ROPE of ${ROTARY} of ${D} on a folded grid`,
    given: {
      x: { shape: [T, H * D] },
      position: { shape: [T], type: "u32", data: position },
      angles: { shape: [T, ROTARY], data: angles, scaled: false },
    },
    build(graph, { x, position, angles }) {
      const ins = { x: add(graph, x!, x!), position: position!, angles: angles! };
      return graph.call(folded(ROPE), ins, { y: { shape: [T, H * D] } }, { headDim: D, sign: 1 });
    },
    twin({ x, position, angles }) {
      const sizes = { T, H, D, ROTARY, SIGN: 1 } as const;
      const twice = x!.map((number) => 2 * number);
      return { y: reference.rope(twice, Uint32Array.from(position!), angles!, sizes) };
    },
  });
}

const SCALE = 1 / Math.sqrt(D);
const wide = { shape: [T, H * D] };
const narrow = { shape: [T, G * D] };
testOp({
  name: "ATTENTION and ATTENTION_BACKWARD on folded grids",
  given: {
    q: wide,
    k: { ...narrow, scaled: false },
    v: narrow,
    dy: wide,
    start: { shape: [T], type: "u32", data: position.map(() => 0) },
    end: { shape: [T], type: "u32", data: position.map(() => T) },
  },
  build(graph, { q, k, v, dy, start, end }) {
    const ins = { q: q!, k: k!, v: v!, start: start!, end: end! };
    const heads = { heads: H, groups: G, headDim: D, scale: SCALE };
    const square = { shape: [H, T, T] };
    const { y, p } = graph.call(folded(ATTENTION), ins, { y: wide, p: square }, heads);
    const outs = { dq: wide, dk: narrow, dv: narrow, ds: square, delta: { shape: [T, H] } };
    const saved = { ...ins, p, y, dy: dy! };
    const { dq, dk, dv } = graph.call(folded(ATTENTION_BACKWARD), saved, outs, heads);
    return { y, dq, dk, dv };
  },
  twin({ q, k, v, dy, start }) {
    const [first, sizes] = [Uint32Array.from(start!), { T, H, G, D, SCALE }];
    const { dq, dk, dv } = attentionBackward(q!, k!, v!, first, dy!, sizes);
    return { y: attention(q!, k!, v!, first, sizes), dq, dk, dv };
  },
  magnitudes: [1, 16],
});
