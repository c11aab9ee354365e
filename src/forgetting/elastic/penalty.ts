/**
 * Elastic weight consolidation: a guard without rows, which holds each weight to the base as hard as
 * it matters there.
 *
 * @module
 */
import { compile, type Compiled, type Engine, targetOf } from "../../graph/compile.ts";
import { Graph, type Value } from "../../graph/graph.ts";
import { ownBytes } from "../../graph/footprint.ts";
import { Planned } from "../../graph/planned.ts";
import { LossProgram } from "../../models/loss_program.ts";
import type { Model } from "../../models/model.ts";
import type { Adapt } from "../../models/layers/adapt.ts";
import { elastic, sum } from "../../ops/mod.ts";
import type { Replay } from "../../objectives/objective.ts";
import type { RetentionTerm } from "../control/parts.ts";
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
 * @throws {ConfigError} where the adapter updates no linear layer, or the head.
 */
export function penaltyGraph(engine: Engine, model: Model, adapt: Adapt) {
  const graph = new Graph(engine.device.kernelSet);
  const weight = graph.input("weight", [1], "f32");
  const modules = new Map<string, readonly [number, number]>();
  let loss: Value | undefined;
  for (const [module, shape] of watchable(engine, model)) {
    const update = adapt.lowRank(graph, module, shape);
    if (!update) continue;
    const fisher = fisherOf(graph, module, shape);
    const { da, db, ...more } = elastic(graph, update, { fisher, weight, before: loss });
    graph.placeGradient(update.a, da);
    graph.placeGradient(update.b, db);
    loss = more.loss;
    modules.set(module, shape);
  }
  if (!loss) throw refuse("nothing that it can hold");
  graph.output("losses", sum(graph, loss));
  return { graph, modules };
}

function refuseOthers(graph: Graph, params: readonly string[]): void {
  const reached = new Set([...graph.gradients.keys()].map(({ name }) => name));
  for (const name of params) if (!reached.has(name)) throw refuse(name);
}

/** A penalty that takes no memory yet. */
export interface PlannedElastic {
  /** Bytes beside those of training: what is kept, and what lives only while a program replays. */
  readonly footprint: { readonly fisher: number; readonly penalty: number; readonly pass: number };
  /**
   * Takes the information of the base and records the penalty. The params must be in the store.
   *
   * @throws {ConfigError} where a trained param is of no low-rank update of a linear layer.
   */
  open(options: ElasticOptions): Promise<{ readonly term: PenaltyTerm; readonly tokens: number }>;
}

export interface ElasticSizes {
  readonly adapt: Adapt;
  /** Tokens of the longest document that the information is taken from, at most. */
  readonly T: number;
  readonly recompute: boolean;
}

export interface ElasticOptions extends Omit<FisherOptions, "modules" | "recompute" | "resources"> {
  readonly say: (line: string) => void;
}

/**
 * Plans the penalty of an adapter and the pass that the information is taken in.
 *
 * @throws {ConfigError} as {@link penaltyGraph}.
 */
export function planElastic(
  engine: Engine,
  model: Model,
  { adapt, T, recompute }: ElasticSizes,
): PlannedElastic {
  const { graph, modules } = penaltyGraph(engine, model, adapt);
  const penalty = Planned.of(graph, targetOf(engine.device), (plan, resources) => {
    return compile(engine, graph, { plan, resources });
  });
  const pass = LossProgram.plan(engine, model, { T, recompute, ...fisherPass(modules).graph });
  return {
    footprint: {
      fisher: penalty.footprint.states,
      penalty: ownBytes(penalty.footprint),
      pass: ownBytes(pass.footprint),
    },
    open: async ({ say, ...options }) => {
      refuseOthers(graph, engine.store.paramNames);
      const compiled = await penalty.open();
      const { resources } = compiled; // the penalty's own, which the pass fills
      const { documents, tokens } = await addFisher(engine, model, {
        ...{ modules, recompute, resources },
        ...options,
      });
      say(`Fisher information: ${documents} documents of ${tokens} tokens`);
      return { term: new PenaltyTerm(compiled), tokens };
    },
  };
}

/** One penalty over all domains: it reads no rows. */
export class PenaltyTerm implements RetentionTerm {
  readonly capacity = 1;

  constructor(readonly compiled: Compiled) {}

  plan(_step: number, lambdasOf: Parameters<RetentionTerm["plan"]>[1]) {
    const { compiled } = this;
    const lambdas = lambdasOf([0]);
    const replay: Replay = {
      tokens: 0,
      supervised: 0,
      losses: compiled.output("losses"),
      run(_draw, after) {
        compiled.write("weight", Float32Array.from(lambdas));
        compiled.program.replay(after && { after });
      },
    };
    return Promise.resolve({ replays: [replay], lambdas });
  }

  sums(_step: number, [loss]: readonly Float32Array[]): number[] {
    return [loss![0]!];
  }

  close(): void {
    this.compiled.destroy();
  }
}
