/**
 * The kernels one by one, at the sizes that models give them.
 *
 * @module
 */
import type { Compiled, Engine } from "../graph/compile.ts";
import { FORMAT_NAMES } from "../formats/mod.ts";
import { Graph, type Op, type Value } from "../graph/graph.ts";
import { LINEAR_BACKWARD } from "../ops/linear.ts";
import { matmul, type Transposition } from "../ops/matmul.ts";
import {
  activate,
  add,
  attention,
  differentiate,
  embed,
  glu,
  layerNorm,
  linear,
  linearCrossEntropy,
  rmsNorm,
} from "../ops/mod.ts";
import { randomDocuments } from "./documents.ts";
import { compileFilled } from "./fill.ts";
import type { Work } from "./measure.ts";

const T = 512;
const VOCABULARY = 2048;

/** A benchmark that is only built when it is asked for. */
export interface Bench {
  readonly name: string;
  open(engine: Engine): Promise<Work>;
}

/** What to build; the results become outputs. */
type Build = (graph: Graph) => Value[];

/** Small kernels are recorded up to this often: one submit costs as much as several of them. */
const TIMES = 16;

/** Products are recorded until they come to this many operations. */
const FLOPS = 5e8;

interface Options {
  flops?: number;
  /** Fills inputs that are no random numbers. */
  feed?: (compiled: Compiled) => void;
  times?: number;
}

const timesOf = (flops: number): number => Math.min(TIMES, Math.ceil(FLOPS / flops));

function bench(name: string, build: Build, { flops, feed, times = 1 }: Options = {}): Bench {
  return {
    name,
    async open(engine) {
      const graph = new Graph(engine.device.kernelSet);
      const results = Array.from({ length: times }, () => build(graph)).flat();
      for (const [i, value] of results.entries()) graph.output(`${i}`, value);
      const compiled = await compileFilled(engine, graph);
      feed?.(compiled);
      const replay = () => compiled.program.replay();
      return { name, replay, times, ...(flops === undefined ? {} : { flops }) };
    },
  };
}

/** All kernels. */
export function kernelBenches(): Bench[] {
  const layers: [number, number][] = [[768, 768], [256, 256], [1024, 256], [256, 1024]];
  return [
    ...layers.flatMap(([out, inner]) => layerBenches(out, inner)),
    ...thinBenches(1024, 256, 8),
    ...attentionBenches({ heads: 8, headDim: 64, documents: 1 }),
    ...attentionBenches({ heads: 4, headDim: 64, documents: 2 }),
    ...rowBenches(256),
    ...rowBenches(1024),
    ...headBenches(256),
  ];
}

/** The products of a linear layer [out, inner] over T rows. */
function layerBenches(out: number, inner: number): Bench[] {
  const flops = 2 * T * out * inner;
  const times = timesOf(flops);
  const types = FORMAT_NAMES;
  return [
    product("nt", T, out, inner),
    product("tn", out, inner, T),
    ...types.map((type) =>
      bench(`linear ${type} ${T}x${out}x${inner}`, (graph) => {
        const w = graph.weight("w", [out, inner], type, "blocks");
        return [linear(graph, graph.input("x", [T, inner], "f32"), w)];
      }, { flops, times })
    ),
    ...types.map((type) =>
      bench(`linear_backward ${type} ${T}x${inner}x${out}`, (graph) => {
        const w = graph.weight("w", [out, inner], type, "blocks");
        const dy = graph.input("dy", [T, out], "f32");
        const ins = { dy, w, v: undefined, a: undefined, before: undefined };
        return [graph.call(LINEAR_BACKWARD, ins, { dx: { shape: [T, inner] } }, {}).dx];
      }, { flops, times })
    ),
  ];
}

/** The products of an adapter of a linear layer [out, inner]: u, v, da, db. */
const thinBenches = (out: number, inner: number, rank: number): Bench[] => [
  product("nt", T, rank, inner),
  product("nn", T, rank, out),
  product("tn", rank, inner, T),
  product("tn", out, rank, T),
];

/** c [m, n] of two f32 matrices, over k. */
function product(kind: Transposition, m: number, n: number, k: number): Bench {
  const flops = 2 * m * n * k;
  return bench(`matmul_${kind} f32 ${m}x${n}x${k}`, (graph) => {
    const a = graph.input("a", kind === "tn" ? [k, m] : [m, k], "f32");
    const b = graph.input("b", kind === "nt" ? [n, k] : [k, n], "f32");
    return [matmul(graph, kind, a, b)];
  }, { flops, times: timesOf(flops) });
}

interface AttentionSizes {
  readonly heads: number;
  readonly headDim: number;
  readonly documents: number;
}

function attentionBenches({ heads, headDim, documents }: AttentionSizes): Bench[] {
  const length = T / documents;
  const { start, end } = randomDocuments(documents, length, VOCABULARY);
  const name = `attention H${heads} D${headDim} T${documents}x${length}`;
  const flops = 2 * T * (length + 1) * heads * headDim; // q k^T and p v, below the diagonal
  const build = (graph: Graph, matrix: Matrix): Value => {
    const [q, k, v] = ["q", "k", "v"].map((name) => matrix(name, [T, heads * headDim]));
    const docs = { start: graph.input("start", [T]), end: graph.input("end", [T]) };
    const scale = 1 / Math.sqrt(headDim);
    return attention(graph, q!, k!, v!, docs, { heads, groups: heads, headDim, scale });
  };
  const feed = (compiled: Compiled) => {
    compiled.write("start", start);
    compiled.write("end", end);
  };
  return [
    bench(`${name} forward`, forward(build), { flops, feed }),
    bench(`${name} forward+backward`, backward(build), { flops: 3 * flops, feed }),
  ];
}

/** The row-wise and elementwise kernels over T rows of `width`. */
function rowBenches(width: number): Bench[] {
  const rows = [T, width];
  const vector = (graph: Graph, name: string) => graph.weight(name, [width], "f32", "rows");
  const norms: [string, (graph: Graph, matrix: Matrix) => Value][] = [
    ["rms_norm", (graph, matrix) => rmsNorm(graph, matrix("x", rows), vector(graph, "w"), 1e-5)],
    [
      "layer_norm",
      (graph, matrix) =>
        layerNorm(graph, matrix("x", rows), vector(graph, "w"), vector(graph, "b"), 1e-5),
    ],
  ];
  const { tokens } = randomDocuments(1, T, VOCABULARY);
  const lookUp = (graph: Graph) => {
    const table = graph.weight("table", [VOCABULARY, width], "bf16", "blocks");
    return [embed(graph, graph.input("token", [T]), table)];
  };
  const simple: [string, (graph: Graph, matrix: Matrix) => Value][] = [
    ["add", (graph, matrix) => add(graph, matrix("a", rows), matrix("b", rows))],
    ["gelu", (graph, matrix) => activate(graph, matrix("x", rows), "gelu")],
    [
      "swiglu",
      (graph, matrix) => glu(graph, matrix("gate", rows), matrix("up", rows), "silu"),
    ],
  ];
  return [
    ...norms.flatMap(([op, build]) => [
      bench(`${op} ${T}x${width} forward`, forward(build), { times: TIMES }),
      bench(`${op} ${T}x${width} forward+backward`, backward(build)),
    ]),
    ...simple.map(([op, build]) => bench(`${op} ${T}x${width}`, forward(build), { times: TIMES })),
    bench(`embed bf16 ${T}x${width}`, lookUp, {
      feed: (compiled) => compiled.write("token", tokens),
      times: TIMES,
    }),
  ];
}

/** The head and the loss over T supervised rows. */
function headBenches(width: number): Bench[] {
  const name = `linear_cross_entropy bf16 ${T}x${VOCABULARY}x${width}`;
  const flops = 2 * T * VOCABULARY * width;
  const { rows, targets } = randomDocuments(1, T, VOCABULARY);
  const losses = (graph: Graph, matrix: Matrix) => {
    const w = graph.weight("w", [VOCABULARY, width], "bf16", "blocks");
    return linearCrossEntropy(graph, matrix("x", [T, width]), w, {
      rows: graph.input("rows", [T]),
      label: graph.input("label", [T]),
      weight: graph.input("weight", [T], "f32"),
    });
  };
  const feed = (compiled: Compiled) => {
    compiled.write("rows", rows);
    compiled.write("label", targets);
  };
  const train: Build = (graph) => {
    const loss = losses(graph, (name, shape) => graph.param(name, shape, "rows"));
    differentiate(graph, loss);
    return [loss];
  };
  return [
    bench(`${name} forward`, forward(losses), { flops, feed }),
    bench(`${name} forward+backward`, train, { flops: 2 * flops, feed }),
  ];
}

/** A matrix of numbers: an input, or a param where its gradient is wanted. */
type Matrix = (name: string, shape: number[]) => Value;

const forward = (build: (graph: Graph, matrix: Matrix) => Value): Build => (graph) => [
  build(graph, (name, shape) => graph.input(name, shape, "f32")),
];

/** The op, then its backward from random gradients of its result. */
const backward = (build: (graph: Graph, matrix: Matrix) => Value): Build => (graph) => {
  const y = build(graph, (name, shape) => graph.param(name, shape, "rows"));
  const dy = graph.input("dy", y.shape, "f32");
  differentiate(graph, graph.call(SEED, { y, dy }, { loss: { shape: [1] } }, {}).loss);
  return [y];
};

/** A loss whose gradient is `dy`; it is never computed. */
const SEED: Op<{ y: Value; dy: Value }, { loss: Value }> = {
  name: "seed",
  launches: () => [],
  backward: (_graph, { ins: { y, dy } }, gradients) => gradients.set(y, dy),
};
