/** A small Llama-like net of three blocks with adapters, for tests of the graph as a whole. */
import { Store } from "../../src/graph/store.ts";
import type { Engine } from "../../src/graph/compile.ts";
import { Graph, type Value } from "../../src/graph/graph.ts";
import { upload } from "../../src/gpu/buffer.ts";
import {
  attention,
  differentiate,
  glu,
  linear,
  linearCrossEntropy,
  rmsNorm,
  supervisedCapacity,
} from "../../src/ops/mod.ts";
import { noise } from "../harness.ts";

const [T, D, HIDDEN, RANK, V] = [16, 16, 24, 4, 20];
const heads = { heads: 2, groups: 1, headDim: 8, scale: 0.35 };

export interface NetOptions {
  recompute?: boolean;
  /** The first block with adapters. */
  firstTrained?: number;
}

/** The graph of the net with its backward; the outputs are `loss` and the inputs those of `data`. */
export function buildNet({ recompute = false, firstTrained = 0 }: NetOptions = {}): Graph {
  const graph = new Graph();
  let x = graph.input("x", [T, D], "f32");
  for (let block = 0; block < 3; block++) {
    x = graph.block(() => buildBlock(graph, x, block, block >= firstTrained));
  }
  const head = graph.weight("head", [V, D], "f32", "blocks");
  const S = [supervisedCapacity(T)];
  const loss = linearCrossEntropy(graph, rmsNorm(graph, x, normWeight(graph, "norm"), 1e-5), head, {
    rows: graph.input("rows", S),
    label: graph.input("label", S),
    weight: graph.input("weight", S, "f32"),
  });
  graph.output("loss", loss);
  differentiate(graph, loss, { recompute });
  return graph;
}

const normWeight = (graph: Graph, name: string) => graph.weight(name, [D], "f32", "rows");

function buildBlock(graph: Graph, x: Value, block: number, trained: boolean): Value {
  const project = (name: string, input: Value, out: number, residual?: Value) => {
    const inner = input.shape[1]!;
    const w = graph.weight(`${block}.${name}`, [out, inner], "f32", "blocks");
    const param = (part: string, shape: number[]) =>
      graph.param(`${block}.${name}.${part}`, shape, "rows");
    const adapter = trained
      ? { a: param("a", [RANK, inner]), b: param("b", [out, RANK]), scale: 2 }
      : undefined;
    return linear(graph, input, w, { adapter, residual });
  };
  const docs = { start: graph.input("start", [T]), end: graph.input("end", [T]) };
  const h = rmsNorm(graph, x, normWeight(graph, `${block}.norm1`), 1e-5);
  const [q, k, v] = [project("q", h, D), project("k", h, D / 2), project("v", h, D / 2)];
  const middle = project("o", attention(graph, q, k, v, docs, heads), D, x);
  const m = rmsNorm(graph, middle, normWeight(graph, `${block}.norm2`), 1e-5);
  const inner = glu(graph, project("gate", m, HIDDEN), project("up", m, HIDDEN), "silu");
  return project("down", inner, D, middle);
}

/** What to write to the net's inputs: two documents of eight tokens, five of them supervised. */
export function data(): Record<string, Uint32Array | Float32Array> {
  const S = supervisedCapacity(T);
  const rows = [1, 2, 5, 9, 14];
  return {
    x: noise(T * D, 1),
    start: Uint32Array.from({ length: T }, (_, i) => i < 8 ? 0 : 8),
    end: Uint32Array.from({ length: T }, (_, i) => i < 8 ? 8 : 16),
    rows: Uint32Array.from({ length: S }, (_, s) => rows[s] ?? 0xffffffff),
    label: Uint32Array.from({ length: S }, (_, s) => s < rows.length ? s * 3 : 0),
    weight: Float32Array.from({ length: S }, (_, s) => s < rows.length ? 0.2 : 0),
  };
}

/** The engine with a store of its own that holds what the net needs, filled with noise. */
export function storeFor(engine: Engine, graph: Graph): Engine {
  const store = new Store(engine.device);
  for (const weight of graph.values.filter(({ kind }) => kind === "weight")) {
    const numbers = noise(weight.shape.reduce((n, size) => n * size, 1), weight.id + 1);
    upload(engine.device, store.addWeight(weight), numbers);
  }
  store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  for (const [i, name] of store.paramNames.entries()) {
    const length = store.param(name).size / 4;
    store.writeParam(name, noise(length, 1000 + i).map((x) => x / 4));
  }
  return { ...engine, store };
}
