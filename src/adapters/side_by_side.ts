/**
 * Several LoRA adapters of one base in one graph, each row through one of them or through none: their
 * ranks lie side by side, and a row sees those of its own.
 *
 * @module
 */
import type { Graph } from "../graph/graph.ts";
import type { Store } from "../graph/store.ts";
import type { Adapt, LinearLayer } from "../models/layers/adapt.ts";
import { bias as addBias, linear, type LowRank } from "../ops/mod.ts";
import { keepA, keepB, pad, storeShapes } from "./methods/factors.ts";
import { LORA, methodOf } from "./methods/mod.ts";
import type { LoraWeights, PeftAdapter } from "./peft/adapter.ts";

/** The input of graphs that says the adapter of each row by its number; others for the base. */
export const ADAPTER_OF_ROW = "adapter"; // [T]

/** A module's update by one of the adapters. */
interface Part {
  readonly number: number;
  readonly weights: LoraWeights;
}

/** Names of a module's params in the store. */
const paramsOf = (module: string) => ({
  a: `${module}.a of all`,
  b: `${module}.b of all`,
  scales: `${module}.scales`,
  owner: `${module}.owner`,
});

/**
 * Whether an adapter is all low-rank updates of linear layers.
 *
 * @param layers The linear layers of the model whose outputs an adapter may stand for.
 */
export const goesSideBySide = (
  { config, modules, whole = [], tokens = [], prompt }: PeftAdapter,
  layers: ReadonlySet<string>,
): boolean =>
  methodOf(config) === LORA && !prompt && whole.length + tokens.length === 0 &&
  modules.every(({ module, isTable = false }) => !isTable && layers.has(module));

/** The ranks that an adapter takes of the widest module, as they are padded. */
export const widthOf = ({ modules }: PeftAdapter): number =>
  modules.reduce((most, { rank }) => Math.max(most, pad(rank)), 0);

/** Adapters by their numbers, for graphs of one model. */
export class SideBySide {
  readonly #parts = new Map<string, Part[]>(); // by module

  /** @param adapters Those that fit the model and go side by side. */
  constructor(adapters: readonly PeftAdapter[]) {
    for (const [number, { modules }] of adapters.entries()) {
      for (const weights of modules) {
        const parts = this.#parts.get(weights.module) ?? [];
        this.#parts.set(weights.module, [...parts, { number, weights }]);
      }
    }
  }

  /** Puts the update of each row's adapter into a graph that is built. */
  readonly adapt: Adapt = {
    linear: (graph, layer) => {
      const parts = this.#parts.get(layer.module);
      if (!parts) return undefined;
      const { x, w, residual } = layer;
      const y = linear(graph, x, w, { adapter: lowRank(graph, layer, parts), residual });
      const bias = layer.bias();
      return bias ? addBias(graph, y, bias) : y;
    },
    lowRank: () => undefined,
    table: () => undefined,
    tensor: () => undefined,
  };

  /** Fills the store. */
  load(store: Store): void {
    for (const [module, parts] of this.#parts) {
      const names = paramsOf(module);
      const all = parts.map(({ weights }) => ({ ...weights, isTable: false }));
      store.writeParam(names.a, below(all.map((weights) => keepA(weights.a, weights))));
      const widths = all.map((weights) => storeShapes(weights).b[1]);
      store.writeParam(names.b, beside(all.map((weights) => keepB(weights.b, weights)), widths));
      store.writeParam(names.scales, perRank(parts, ({ weights }) => weights.scale));
      store.writeParam(names.owner, perRank(parts, ({ number }) => number));
    }
  }
}

/** The update of a layer by all of its adapters. */
function lowRank(graph: Graph, { module, x, w }: LinearLayer, parts: readonly Part[]): LowRank {
  const [rows = 0, inFeatures = 0] = x.shape;
  const names = paramsOf(module);
  const ranks = parts.reduce((sum, { weights }) => sum + pad(weights.rank), 0);
  const held = (name: string, ...shape: number[]) => graph.held(name, shape, "rows");
  return {
    a: held(names.a, ranks, inFeatures),
    b: held(names.b, pad(w.shape[0]!), ranks),
    scale: 1,
    owners: {
      scales: held(names.scales, ranks),
      owner: held(names.owner, ranks),
      of: graph.input(ADAPTER_OF_ROW, [rows]),
    },
  };
}

/** A number for each rank of each part. */
const perRank = (parts: readonly Part[], of: (part: Part) => number): Float32Array =>
  below(parts.map((part) => new Float32Array(pad(part.weights.rank)).fill(of(part))));

/** Matrices with their rows under each other. */
function below(matrices: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(matrices.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const matrix of matrices) {
    all.set(matrix, at);
    at += matrix.length;
  }
  return all;
}

/** Matrices of those widths with their columns beside each other. */
function beside(matrices: readonly Float32Array[], widths: readonly number[]): Float32Array {
  const rows = matrices[0]!.length / widths[0]!;
  const parts = Array.from(
    { length: rows },
    (_, row) =>
      matrices.map((matrix, i) => matrix.subarray(row * widths[i]!, (row + 1) * widths[i]!)),
  );
  return below(parts.flat());
}
