/**
 * LoRA: a linear module y = x W^T becomes y = x W^T + scale (x A^T) B^T (Hu et al., 2021, arXiv
 * 2106.09685), and row i of a table E becomes E[i] + scale B A[:, i].
 *
 * @module
 */
import type { Graph } from "../../graph/graph.ts";
import { linear, type LowRank } from "../../ops/mod.ts";
import { normal, random } from "../../random.ts";
import { asStored } from "../as_stored.ts";
import type { LoraWeights } from "../peft/adapter.ts";
import { keepA, keepB, peftA, peftB, storeShapes } from "./factors.ts";
import type { AdapterMethod, InGraph } from "./method.ts";

const lowRank = (_graph: Graph, { params: { a, b }, scale }: InGraph): LowRank => ({
  a: a!,
  b: b!,
  scale,
});

export const LORA: AdapterMethod & Required<Pick<AdapterMethod, "merge">> = {
  name: "lora",
  linearNames: { a: "lora_A.weight", b: "lora_B.weight" },
  tableNames: { a: "lora_embedding_A", b: "lora_embedding_B" },

  kept(key, sizes) {
    const { a, usedA, b, usedB, layout } = storeShapes(sizes);
    return key === "a"
      ? {
        shape: a,
        used: usedA,
        layout,
        keep: (x) => keepA(x, sizes),
        peft: (x) => peftA(x, sizes),
      }
      : {
        shape: b,
        used: usedB,
        layout,
        keep: (x) => keepB(x, sizes),
        peft: (x) => peftB(x, sizes),
      };
  },

  /**
   * As PEFT does, by (seed, module, index): A uniform in ±1 / sqrt(in) (Kaiming's with a = sqrt 5)
   * and B zero, or of a table A zero and B normal.
   */
  fresh({ index, isTable, rank, inFeatures, outFeatures }, seed) {
    const [a, b] = [new Float32Array(rank * inFeatures), new Float32Array(outFeatures * rank)];
    const bound = 1 / Math.sqrt(inFeatures);
    if (isTable) { for (let i = 0; i < b.length; i++) b[i] = normal(seed, index, i); }
    else for (let i = 0; i < a.length; i++) a[i] = bound * (2 * random(seed, index, i) - 1);
    return { a, b };
  },

  linear(graph, { x, w, residual }, module) {
    const adapter = { ...lowRank(graph, module), dropout: module.dropout };
    return linear(graph, x, w, { adapter, residual });
  },

  lowRank,

  /** One of the two factors makes the update nothing. */
  atBase: (key, { outFeatures, rank }) =>
    key === "b" ? new Float32Array(outFeatures * rank) : undefined,

  atScaling: (weights, scaling) => ({
    ...weights,
    alpha: weights.alpha * scaling,
    scale: weights.scale * scaling,
  }),

  merge(weights, base) {
    const stored = asStored(base, weights);
    return (values, firstRow) => addDelta(values, firstRow, stored);
  },
};

/** Adds the rows of scale B A from `firstRow` on to `values`, each summed in f64. */
export function addDelta(values: Float32Array, firstRow: number, weights: LoraWeights): void {
  const { a, b, rank, inFeatures, scale } = weights;
  const sum = new Float64Array(inFeatures);
  for (let begin = 0; begin < values.length; begin += inFeatures) {
    const row = firstRow + begin / inFeatures;
    sum.fill(0);
    for (let r = 0; r < rank; r++) {
      const factor = b[row * rank + r]!;
      const aRow = r * inFeatures;
      for (let i = 0; i < inFeatures; i++) sum[i]! += factor * a[aRow + i]!;
    }
    for (let i = 0; i < inFeatures; i++) values[begin + i]! += scale * sum[i]!;
  }
}
