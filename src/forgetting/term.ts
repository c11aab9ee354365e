/**
 * What the guard adds to the loss of an update, planned: its size is known before it is opened.
 *
 * @module
 */
import { ownBytes } from "../graph/footprint.ts";
import { LossProgram } from "../models/loss_program.ts";
import type { PlanContext, TrainSettings } from "../objectives/objective.ts";
import { planElastic } from "./elastic/penalty.ts";
import type { GuardConfig } from "./settings.ts";
import type { RetentionTerm } from "./control/parts.ts";
import type { Domain } from "./text/retention.ts";
import { RetentionRows, RowsTerm } from "./text/rows.ts";

/** The retention rows of an update: how many replays of how many tokens at most. */
interface RowSizes {
  readonly T: number;
  readonly micros: number;
}

/**
 * As few micro-batches as hold `share` of an update's tokens, none larger than a task's; one penalty
 * without rows for `ewc`; none where they would count nothing.
 */
export function rowSizes(train: TrainSettings, settings: GuardConfig): RowSizes {
  const { micro_batch_tokens: most, tokens_per_batch: all } = train;
  if (settings.weight === 0) return { T: most, micros: 0 };
  if (settings.loss === "ewc") return { T: most, micros: 1 };
  const tokens = settings.share * all;
  const micros = Math.ceil(tokens / most);
  return { T: Math.max(8, Math.round(tokens / micros / 8) * 8), micros };
}

/** A term that takes no memory yet. */
export interface PlannedTerm {
  /** Bytes beside training, where the program that measures both models takes `both`. */
  memory(both: number): Readonly<Record<string, number>>;
  /** The term, null where it would count nothing, and the tokens that it takes in so many updates. */
  open(
    domains: readonly Domain[],
    steps: number,
    say: (line: string) => void,
  ): Promise<{ readonly term: RetentionTerm | null; readonly tokens: number }>;
}

/** Plans what the guard adds to the loss. */
export function planTerm(context: PlanContext, settings: GuardConfig): PlannedTerm {
  const { T, micros } = rowSizes(context.train, settings);
  if (micros === 0) {
    return {
      memory: (both) => ({ "to guard": both }),
      open: () => Promise.resolve({ term: null, tokens: 0 }),
    };
  }
  return settings.loss === "ewc"
    ? planPenalty(context, settings)
    : planRows(context, settings, { T, micros });
}

function planPenalty(context: PlanContext, settings: GuardConfig): PlannedTerm {
  const { engine, model, graph, train } = context;
  const { seed, recompute, micro_batch_tokens: T } = train;
  const elastic = planElastic(engine, model, { adapt: graph.adapt!, T, recompute });
  const { pass, penalty, fisher } = elastic.footprint;
  const { fisher_documents: documents } = settings;
  return {
    // The pass that takes the information is over before the rest is opened.
    memory: (both) => ({
      "to guard": Math.max(pass, penalty + both),
      "Fisher information": fisher,
    }),
    open: (domains, _steps, say) => elastic.open({ domains, documents, seed, say }),
  };
}

function planRows(
  { engine, model, graph, train: { seed } }: PlanContext,
  settings: GuardConfig,
  { T, micros }: RowSizes,
): PlannedTerm {
  const loss = settings.loss === "kl" ? "kl" : "nll";
  const program = LossProgram.plan(engine, model, { ...graph, T, loss, train: true });
  return {
    memory: (both) => ({ "to guard": ownBytes(program.footprint) + both }),
    open: async (domains, steps) => {
      const rows = new RetentionRows(domains, { T, micros, seed });
      const term = new RowsTerm(await program.open(), rows, domains.length);
      return { term, tokens: T * micros * steps };
    },
  };
}
