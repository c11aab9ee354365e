/**
 * What an adapter can change of a model.
 *
 * @module
 */
import type { Engine } from "../graph/compile.ts";
import type { Graph } from "../graph/graph.ts";
import type { Modules } from "./graphs.ts";
import type { Adapt, Matrix } from "./layers/adapt.ts";
import type { Model } from "./model.ts";
import { SCORE } from "./score_head.ts";

/** All of it, in the order of the forward. */
export function modulesOf(engine: Engine, model: Model): Modules {
  const linear = new Map<string, Matrix>();
  const tables = new Map<string, Matrix>();
  const tensors = new Map<string, readonly number[]>();
  const noting = <S>(found: Map<string, S>) => (_: Graph, name: string, shape: S) => {
    found.set(name, shape);
    return undefined;
  };
  let hidden = 0;
  const keyWidths: number[] = [];
  const adapt: Adapt = {
    virtual: {
      count: model.virtualTokens,
      embeddings: (_, width) => (hidden = width, undefined),
      attended: (_, layer, _part, width) => (keyWidths[layer] = width, undefined),
    },
    linear: (_, { module, w }) => (linear.set(module, w.shape as Matrix), undefined),
    lowRank: noting(linear),
    table: noting(tables),
    tensor: noting(tensors),
  };
  model.lossGraph(engine, { T: 8, adapt });
  if (model.scores > 0) tensors.set(SCORE, model.tensors.get(SCORE).shape);
  if (model.hasEncoder) {
    // The gradient of a table that encoder and decoder share is not built.
    for (const table of tables.keys()) tensors.delete(`${table}.weight`);
    tables.clear();
  }
  return { linear, tables, tensors, hidden, keyWidths };
}
