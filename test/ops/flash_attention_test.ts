/** Attention without stored probabilities: its forward and its gradients, against the f64 twin. */
import { Device } from "../../src/gpu/device.ts";
import { compile, openEngine } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { attention } from "../../src/ops/mod.ts";
import type { Heads } from "../../src/ops/heads.ts";
import {
  FLASH_ATTENTION,
  FLASH_ATTENTION_BACKWARD,
  flashGradients,
} from "../../src/ops/flash_attention.ts";
import { type OpCase, testOp } from "../harness.ts";
import * as reference from "../../src/reference/attention.ts";

interface Sizes {
  H: number;
  G: number;
  D: number;
  /** Lengths of the documents. */
  lengths: number[];
  cap?: number;
}

function setting({ H, G, D, lengths, cap }: Sizes) {
  const T = lengths.reduce((sum, length) => sum + length, 0);
  const start = lengths.flatMap((length, i) => {
    const first = lengths.slice(0, i).reduce((sum, before) => sum + before, 0);
    return Array<number>(length).fill(first);
  });
  const end = start.map((first) => start.lastIndexOf(first) + 1);
  const SCALE = 1 / Math.sqrt(D);
  const given: OpCase["given"] = {
    q: { shape: [T, H * D] },
    k: { shape: [T, G * D], scaled: false },
    v: { shape: [T, G * D] },
    start: { shape: [T], type: "u32", data: start },
    end: { shape: [T], type: "u32", data: end },
  };
  const heads: Heads = { heads: H, groups: G, headDim: D, scale: SCALE, cap };
  return { T, given, heads, sizes: { T, H, G, D, SCALE, CAP: cap ?? 0 } };
}

const name = ({ H, G, D, lengths, cap }: Sizes) =>
  `${H} heads of ${D} in ${G} groups over documents of ${lengths}, cap ${cap ?? "none"}`;

/** The builder, with gradients by central difference: for small sizes. */
function builderCase(of: Sizes): OpCase {
  const { given, heads, sizes } = setting(of);
  return {
    name: `attention() of ${name(of)}`,
    given,
    build: (graph, { q, k, v, start, end }) => ({
      y: attention(graph, q!, k!, v!, { start: start!, end: end! }, heads),
    }),
    twin: ({ q, k, v, start }) => ({
      y: reference.attention(q!, k!, v!, Uint32Array.from(start!), sizes),
    }),
    gradient: { of: "y", by: ["q", "k", "v"] },
  };
}

/** Forward and backward ops, against the closed form. */
function opsCase(of: Sizes): OpCase {
  const { T, given, heads, sizes } = setting(of);
  const { H, D } = of;
  const wide = { shape: [T, H * D] };
  return {
    name: `flash attention of ${name(of)}`,
    given: { ...given, dy: wide },
    build(graph, { q, k, v, start, end, dy }) {
      const ins = { q: q!, k: k!, v: v!, start: start!, end: end! };
      const { y, logSum } = graph.call(FLASH_ATTENTION, ins, {
        y: wide,
        logSum: { shape: [H, T] },
      }, heads);
      const saved = { ...ins, y, logSum, dy: dy! };
      const outs = flashGradients(saved, heads);
      const { dq, dk, dv } = graph.call(FLASH_ATTENTION_BACKWARD, saved, outs, heads);
      return { y, dq: dq!, dk: dk!, dv: dv! };
    },
    twin({ q, k, v, start, dy }) {
      const first = Uint32Array.from(start!);
      const { dq, dk, dv } = reference.attentionBackward(q!, k!, v!, first, dy!, sizes);
      return { y: reference.attention(q!, k!, v!, first, sizes), dq, dk, dv };
    },
    magnitudes: [1, 16], // beyond, the rounding of the scores alone comes to the tolerance
  };
}

// One chunk of columns: races that longer heads hide. Kernels unrolled in the text take their time
// to compile: both cases share them, and central differences of short documents take less.
const SHORT_HEADS = { H: 2, G: 1, D: 32, lengths: [13, 59], cap: 3 };
testOp(builderCase({ ...SHORT_HEADS, lengths: [2, 10, 10, 10, 10, 10, 10, 10] }), ["shared"]);

const OPS_CASES = [
  SHORT_HEADS,
  { H: 6, G: 2, D: 96, lengths: [5, 60, 1, 38] },
  { H: 3, G: 1, D: 256, lengths: [13, 27], cap: 5 }, // two parts of 128 columns
].map(opsCase);
for (const opsCase of OPS_CASES) testOp(opsCase, ["shared"]);

Deno.test("the kernels of flash attention keep to WebGPU's default limits", async () => {
  const adapter = await navigator.gpu.requestAdapter();
  using device = new Device(await adapter!.requestDevice(), "default limits", true, "shared");
  const graph = new Graph("shared");
  const { given, build } = OPS_CASES[0]!;
  const inputs = Object.entries(given).map(([name, { shape, type = "f32" }]) =>
    [name, graph.input(name, shape, type)] as const
  );
  for (const [name, value] of Object.entries(build(graph, Object.fromEntries(inputs)))) {
    graph.output(name, value);
  }
  (await compile(openEngine(device), graph)).destroy();
});
