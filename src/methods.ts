/**
 * Every method that a run can be made of, a line each: what a run is about, and what is beside it.
 *
 * @module
 */
import type { Config } from "./config/mod.ts";
import { ConfigError } from "./errors.ts";
import { forgettingGuard } from "./forgetting/method.ts";
import { trainingSamples } from "./inference/samples.ts";
import { trainingTasks } from "./inference/tasks/meter.ts";
import type { MainMethod, SideMethod } from "./objectives/objective.ts";
import { keeping } from "./objectives/keep.ts";
import { preferences } from "./objectives/preferences.ts";
import { scoring } from "./objectives/scores.ts";
import { sft } from "./objectives/sft.ts";
import { distillation } from "./online/distillation/method.ts";
import { online } from "./online/online.ts";
import { unpaired } from "./objectives/unpaired.ts";

/** The objective that a run is about. */
function mainOf({ objective, data, eval: { data: measured } }: Config): MainMethod {
  switch (objective.kind) {
    case "sft":
      return sft;
    case "classify":
    case "reward":
      return scoring(objective);
    case "kto":
      return unpaired(objective);
    case "gkd":
      return distillation(objective);
    case "grpo":
    case "rloo":
    case "reinforce++":
    case "ppo":
      return online(objective, [...data, ...measured]);
    default:
      return preferences(objective);
  }
}

/** The methods of a configuration. */
export interface Methods {
  readonly main: MainMethod;
  readonly beside: readonly SideMethod[];
}

/**
 * What a configuration asks for.
 *
 * @throws {ConfigError} where a method does not fit what is trained.
 */
export function methodsOf(
  config: Config,
  trains: "adapter" | "pretrain" = "adapter",
): Methods {
  const { objective, guard, quantize, train, eval: evaluation } = config;
  if (trains === "pretrain" && guard) {
    throw new ConfigError("guard: a model from nothing has nothing to forget");
  }
  if (trains === "pretrain" && quantize) {
    throw new ConfigError(`quantize: found ${quantize}, but no weight of a new model is frozen`);
  }
  if (trains === "pretrain" && objective.kind !== "sft") {
    const wanted = "wanted sft: a model from nothing has no answers to choose from";
    throw new ConfigError(`objective.kind: found ${objective.kind}, ${wanted}`);
  }
  if (config.distributed !== undefined && "prompts" in objective) {
    const wanted = "wanted none: every rank would draw all answers";
    throw new ConfigError(
      `distributed: found ${config.distributed} beside objective.kind ${objective.kind}, ${wanted}`,
    );
  }
  if (guard && train.keep === "best") refuseApart(guard.every, train.eval_every);
  const { sample_every: every, samples: count, sample_tokens: tokens } = evaluation;
  return {
    main: mainOf(config),
    beside: [
      ...(guard ? [forgettingGuard(guard, train.keep === "best" ? train.metric : null)] : []),
      ...(evaluation.tasks.length > 0 ? [trainingTasks(evaluation.tasks)] : []),
      ...keepingOf(train, guard !== false),
      ...(every > 0 ? [trainingSamples({ every, count, tokens })] : []),
    ],
  };
}

/** Where there is a guard, it chooses the moment that is kept. */
function keepingOf(train: Config["train"], isGuarded: boolean): SideMethod[] {
  if (train.patience === undefined && (isGuarded || train.keep === "last")) return [];
  return [keeping(isGuarded ? { ...train, keep: "last" } : train)];
}

/** @throws {ConfigError} where hardly any moment is measured both by the guard and by the metric. */
function refuseApart(guarded: number, measured: number): void {
  const [least, most] = [Math.min(guarded, measured), Math.max(guarded, measured)];
  if (most % least === 0) return;
  throw new ConfigError(
    `train.eval_every: found ${measured} beside guard.every ${guarded} and train.keep best, wanted ` +
      "one a multiple of the other: moments are compared where both are measured",
  );
}
