/**
 * What a run takes on the device, known from its settings and the shapes of its model: neither
 * weights nor rows are read, and nothing is allocated.
 *
 * @module
 */
import type { SizedConfig } from "../../config/mod.ts";
import type { Engine } from "../../graph/compile.ts";
import { ownBytes } from "../../graph/footprint.ts";
import type { Planned } from "../../graph/planned.ts";
import { flatBytes, placesOf } from "../../graph/store.ts";
import type { Methods } from "../../methods.ts";
import { LossProgram } from "../../models/loss_program.ts";
import type { Model } from "../../models/model.ts";
import type { MainPlan, PlanContext, SidePlan } from "../../objectives/objective.ts";
import type { MemoryParts } from "../../runs/events.ts";
import { groupsOf } from "../groups.ts";
import { momentsOf, ruleOf } from "../optimizers.ts";
import { Optimizer } from "../optimizer.ts";
import type { Trainable } from "../trainable.ts";
import { sumOf } from "./memory.ts";

/** What a run is planned from. */
export interface RunShape {
  readonly engine: Engine;
  readonly model: Model;
  readonly trained: Trainable;
  readonly methods: Methods;
}

/** A run that takes no memory yet. */
export interface RunPlan {
  readonly config: SizedConfig;
  readonly context: PlanContext;
  readonly main: MainPlan;
  readonly beside: readonly SidePlan[];
  /** The forward that measures the model as it is, shared by all that measure. */
  readonly measuring: Planned<LossProgram>;
  readonly memory: MemoryParts;
}

/** Plans every program of a run. */
export async function planRun(
  { engine, model, trained, methods }: RunShape,
  config: SizedConfig,
): Promise<RunPlan> {
  const { train } = config;
  const { micro_batch_tokens: T, recompute } = train;
  const context: PlanContext = {
    ...{ engine, model, train },
    graph: { T, ...trained.graph, recompute },
    maxTokens: longest(model, train),
    hasEval: config.eval.data.length > 0,
  };
  const main = methods.main.plan(context);
  const beside = await Promise.all(methods.beside.map((method) => method.plan(context)));
  const measuring = LossProgram.plan(engine, model, context.graph);
  const measures = [main, ...beside].some(({ measures }) => measures);
  const rule = ruleOf(train);
  const groups = groupsOf(placesOf(main.params), train, rule.goesBy);
  const memory = sumOf([
    {
      weights: main.memory["weights"] ?? 0,
      [STATE]: flatBytes(main.params, momentsOf(train, main.params)),
    },
    { ...main.memory, weights: 0 },
    measures ? { "to measure": ownBytes(measuring.footprint) } : {},
    ...beside.map(({ memory }) => memory),
    { optimizer: Optimizer.bytes(engine, rule, main.params, replaysOf({ main, beside }), groups) },
  ]);
  return { config, context, main, beside, measuring, memory };
}

/** The most replays of an update. */
export const replaysOf = ({ main, beside }: Pick<RunPlan, "main" | "beside">): number =>
  [main, ...beside].reduce((sum, { count }) => sum + count, 0);

/** The most tokens of a document: what fits into a micro-batch, and what the model was made for. */
export const longest = (
  { config }: Pick<Model, "config">,
  { micro_batch_tokens: T }: SizedConfig["train"],
): number => Math.min(T, config.context);

/** What the trained parameters take. */
const STATE = "params with gradients and moments";
