/**
 * The forgetting guard as a method of a run: it reads its text and knows its size before anything is
 * allocated.
 *
 * @module
 */
import { ownBytes } from "../graph/footprint.ts";
import { refuseEncoder } from "../models/layers/source_rows.ts";
import { LossProgram } from "../models/loss_program.ts";
import { comparedRows } from "../objectives/documents.ts";
import type {
  MethodPlan,
  Part,
  PlanContext,
  Prepared,
  RunContext,
  SideMethod,
} from "../objectives/objective.ts";
import { parseBudget } from "./budget.ts";
import { GuardPart, type GuardPlans, type Opening } from "./part.ts";
import type { GuardConfig } from "./settings.ts";
import { describeFailed, requireDocuments } from "./select/certify.ts";
import { planTerm, rowSizes } from "./term.ts";
import { describeDomain, type Domain, splitRetention } from "./text/retention.ts";
import { retentionText } from "./text/samples.ts";

/**
 * What forgetting is held back with, as the settings say.
 *
 * @param metric the field that moments are compared by; null for the loss of the task.
 */
export const forgettingGuard = (
  settings: GuardConfig,
  metric: string | null = null,
): SideMethod => ({
  plan: (context) => Promise.resolve(plan(context, settings, metric)),
});

function plan(
  context: PlanContext,
  settings: GuardConfig,
  metric: string | null,
): MethodPlan<Prepared<Part, Opening>> {
  const { engine, model, graph, train } = context;
  refuseEncoder(model, "for the guard, which measures plain text");
  const term = planTerm(context, settings);
  const both = LossProgram.plan(engine, model, { ...graph, loss: "kl" });
  return {
    count: rowSizes(train, settings).micros,
    measures: true,
    memory: term.memory(ownBytes(both.footprint)),
    prepare: (context) => prepare(context, settings, { term, both, metric }),
  };
}

async function prepare(
  context: RunContext,
  settings: GuardConfig,
  programs: Pick<GuardPlans, "term" | "both" | "metric">,
): Promise<Prepared<Part, Opening>> {
  const domains = await loadDomains(context, settings);
  for (const domain of domains) context.log(describeDomain(domain));
  const certifying = domains.flatMap(({ hashes }) => hashes.certificate);
  requireDocuments(domains, settings);
  const failed = context.attempts?.failed(certifying) ?? 0;
  for (const line of describeFailed(domains, settings, failed)) context.log(line);
  return {
    compares: programs.metric !== null,
    retention: domains.flatMap(({ train }) => train.flat()),
    open: (run) => GuardPart.open({ context, settings, domains, ...programs }, run),
  };
}

/** Reads the retention text, or lets the base write it, and splits it. */
async function loadDomains(context: RunContext, settings: GuardConfig): Promise<readonly Domain[]> {
  const { engine, model, tokenizer, rows: { examples }, maxTokens, seen, log } = context;
  const { seed } = context.train;
  const budgets = parseBudget(settings.budget);
  const { text, samples: count } = settings;
  await examples.arrived?.(comparedRows(examples, seed));
  return splitRetention(tokenizer, {
    documents: await retentionText(engine, model, {
      text,
      budgets,
      count,
      maxTokens,
      seed,
      say: log,
    }),
    budgets,
    held: settings.documents,
    seed,
    trainTokens: Math.min(maxTokens, rowSizes(context.train, settings).T),
    maxTokens,
    vocabSize: model.config.vocabSize,
    seen,
    task: examples,
  });
}
