/**
 * Elastic weight consolidation: a guard without rows, which holds each weight to the base as hard as
 * it matters there.
 *
 * @module
 */
import { batch } from "../../data/mod.ts";
import { compile, type Engine } from "../../graph/compile.ts";
import { Graph, type Value } from "../../graph/graph.ts";
import { footprint, plan } from "../../graph/plan.ts";
import type { Model } from "../../models/model.ts";
import type { Adapt } from "../../models/layers/adapt.ts";
import { elastic, sum } from "../../ops/mod.ts";
import type { GuardProgram, GuardTerm } from "../steer/parts.ts";
import {
  addFisher,
  fisherOf,
  type FisherOptions,
  fisherPass,
  refuse,
  watchable,
} from "./fisher.ts";

/**
 * weight / 2 * sum over adapted weights of F (scale B A)^2, and its gradients. Input: weight [1];
 * output: `losses` [1].
 *
 * @throws {ConfigError} where a trained param is of no low-rank update of a linear layer.
 */
export function penaltyGraph(engine: Engine, model: Model, adapt: Adapt) {
  const graph = new Graph(engine.device.kernelSet);
  const weight = graph.input("weight", [1], "f32");
  const modules = new Map<string, readonly [number, number]>();
  let loss: Value | undefined;
  for (const [module, shape] of watchable(engine, model)) {
    const update = adapt.linear(graph, module, shape);
    if (!update) continue;
    const fisher = fisherOf(graph, module, shape);
    const { da, db, ...more } = elastic(graph, update, { fisher, weight, before: loss });
    graph.placeGradient(update.a, da);
    graph.placeGradient(update.b, db);
    loss = more.loss;
    modules.set(module, shape);
  }
  refuseOthers(graph, engine.store.paramNames);
  if (!loss) throw refuse("nothing but a head or a table");
  graph.output("losses", sum(graph, loss));
  return { graph, modules };
}

function refuseOthers(graph: Graph, params: readonly string[]): void {
  const reached = new Set([...graph.gradients.keys()].map(({ name }) => name));
  for (const name of params) if (!reached.has(name)) throw refuse(name);
}

export interface ElasticOptions extends Omit<FisherOptions, "modules"> {
  readonly adapt: Adapt;
  readonly say: (line: string) => void;
}

/**
 * Takes the information of the base and records the penalty. The params must be in the store.
 *
 * @throws {ConfigError} as {@link penaltyGraph}.
 */
export async function openElastic(
  engine: Engine,
  model: Model,
  { adapt, say, ...options }: ElasticOptions,
): Promise<GuardTerm> {
  const { graph, modules } = penaltyGraph(engine, model, adapt);
  const { documents, tokens } = await addFisher(engine, model, { modules, ...options });
  say(`Fisher information: ${documents} documents of ${tokens} tokens`);
  const compiled = await compile(engine, graph);
  const program: GuardProgram = {
    compiled,
    capacity: 1,
    feed: (_, weight) => compiled.write("weight", weight!),
    run: (after) => compiled.program.replay(after && { after }),
  };
  return { program, rows: NO_ROWS, tokens };
}

const EMPTY = batch([], 8);

/** One penalty over all slices, in place of rows of each. */
const NO_ROWS: GuardTerm["rows"] = {
  update: (_, lambdasOf) => {
    const lambdas = lambdasOf([0]);
    return { micros: [{ batch: EMPTY, weights: Float32Array.from(lambdas) }], lambdas };
  },
  addLosses: (_, losses, sums) => {
    sums[0]! += losses[0]!;
  },
};

/** Bytes beside those of training: what is kept, and what lives only while a program replays. */
export function elasticFootprint(
  engine: Engine,
  model: Model,
  { adapt, T, recompute }: { adapt: Adapt; T: number; recompute: boolean },
): { fisher: number; penalty: number; pass: number } {
  const { graph, modules } = penaltyGraph(engine, model, adapt);
  const { states, temporary } = footprint(graph, plan(graph));
  const pass = model.lossGraph(engine, { T, recompute, ...fisherPass(modules).graph }).graph;
  return { fisher: states, penalty: temporary, pass: footprint(pass, plan(pass)).temporary };
}
