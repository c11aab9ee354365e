/**
 * A LoRA step of a plain decoder, the one that other trainers are timed on: learned positions, no
 * grouped heads, GELU, a tied head; adapters on all six linear layers of a block.
 *
 * @module
 */
import { readFloats, upload } from "../gpu/buffer.ts";
import { compile, type Engine, graphFor } from "../graph/compile.ts";
import type { Graph, NumberType, Value } from "../graph/graph.ts";
import {
  activate,
  adamw,
  type AdamwSettings,
  add,
  attention,
  differentiate,
  type Documents,
  embed,
  linear,
  linearCrossEntropy,
  rmsNorm,
  sum,
} from "../ops/mod.ts";
import { Optimizer } from "../train/optimizer.ts";
import { randomDocuments } from "./documents.ts";
import { fillWeight, noise, withOwnStore } from "./fill.ts";
import type { Work } from "./measure.ts";

const LAYERS = 4;
const HIDDEN = 256;
const HEADS = 4;
const INNER = 1024;
const VOCABULARY = 2048;
const DOCUMENTS = 2;
const LENGTH = 256;
const T = DOCUMENTS * LENGTH;
const RANK = 8;
const SCALE = 2;
const EPS = 1e-5;
/** Of fresh matrices. */
const DEVIATION = 0.02;

const RATE = 1e-3;
const SETTINGS: AdamwSettings = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, clip: 0 };

/** Forward, backward and update over frozen weights stored as `type`; nothing is waited for. */
export async function loraDecoder(engine: Engine, name: string, type: NumberType) {
  const own = withOwnStore(engine);
  const graph = buildGraph(engine, type);
  fillStore(own, graph);
  const compiled = await compile(own, graph);
  const { tokens, positions, start, end, rows, targets } = randomDocuments(
    DOCUMENTS,
    LENGTH,
    VOCABULARY,
  );
  const inputs = { token: tokens, position: positions, start, end, rows, label: targets };
  for (const [name, data] of Object.entries(inputs)) compiled.write(name, data);
  compiled.write("weight", new Float32Array(T).fill(1 / T));
  const optimizer = await Optimizer.open(own, adamw(SETTINGS), 1);
  let t = 0;
  const work: Work = {
    name,
    tokens: T,
    replay() {
      compiled.program.replay();
      optimizer.step(RATE, ++t, () => {});
    },
    async note() {
      const [loss] = await readFloats(own.device, compiled.output("loss"));
      return `loss ${loss!.toFixed(4)} after ${t} steps`;
    },
  };
  return { work, program: compiled.program };
}

function buildGraph({ device }: Engine, type: NumberType): Graph {
  const graph = graphFor(device);
  const input = (name: string) => graph.input(name, [T]);
  const matrix = (name: string, rows: number, columns: number) =>
    graph.weight(name, [rows, columns], type, "blocks");
  const table = matrix("table", VOCABULARY, HIDDEN);
  const docs = { start: input("start"), end: input("end") };
  let x = add(
    graph,
    embed(graph, input("token"), table),
    embed(graph, input("position"), matrix("places", LENGTH, HIDDEN)),
  );
  for (let layer = 0; layer < LAYERS; layer++) {
    x = graph.block(() => block(graph, `${layer}`, x, docs, type));
  }
  const losses = linearCrossEntropy(graph, norm(graph, x, "norm"), table, {
    rows: input("rows"),
    label: input("label"),
    weight: graph.input("weight", [T], "f32"),
  });
  differentiate(graph, losses);
  graph.output("loss", sum(graph, losses));
  return graph;
}

function block(
  graph: Graph,
  name: string,
  x: Value, // [T, hidden]
  docs: Documents,
  type: NumberType,
): Value {
  const project = (x: Value, module: string, out: number, residual?: Value) => {
    const inner = x.shape[1]!;
    const w = graph.weight(`${name}.${module}`, [out, inner], type, "blocks");
    const a = graph.param(`${name}.${module}.a`, [RANK, inner], "rows");
    const b = graph.param(`${name}.${module}.b`, [out, RANK], "rows");
    return linear(graph, x, w, { adapter: { a, b, scale: SCALE }, residual });
  };
  const headDim = HIDDEN / HEADS;
  const heads = { heads: HEADS, groups: HEADS, headDim, scale: 1 / Math.sqrt(headDim) };
  const h = norm(graph, x, `${name}.norm1`);
  const [q, k, v] = ["q", "k", "v"].map((module) => project(h, module, HIDDEN));
  const mixed = project(attention(graph, q!, k!, v!, docs, heads), "o", HIDDEN, x);
  const g = norm(graph, mixed, `${name}.norm2`);
  return project(activate(graph, project(g, "w1", INNER), "gelu"), "w2", HIDDEN, mixed);
}

const norm = (graph: Graph, x: Value, name: string): Value =>
  rmsNorm(graph, x, graph.weight(name, [HIDDEN], "f32", "rows"), EPS);

/** Matrices are uniform, norms one and the b of every adapter zero. */
function fillStore(engine: Engine, graph: Graph): void {
  const { device, store } = engine;
  const width = DEVIATION * Math.sqrt(3);
  store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  for (const value of graph.values) {
    const isVector = value.shape.length === 1;
    if (value.kind === "weight" && isVector) {
      upload(device, store.addWeight(value), new Float32Array(value.shape[0]!).fill(1));
    } else if (value.kind === "weight") {
      fillWeight(engine, value, width);
    } else if (value.kind === "param" && value.name.endsWith(".a")) {
      store.writeParam(value.name, noise(value, width));
    }
  }
}
