/**
 * `forgetting_report.json`: what was allowed, what was done about it, what came of it, and what that
 * does not say.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { type Example, UNSUPERVISED } from "../../data/mod.ts";
import type { TaskScores } from "../../eval/tasks/report.ts";
import type { HistoryPoint } from "../control/parts.ts";
import type { ModelComparison } from "../select/comparison.ts";
import { HELD, type HeldPart } from "../text/parts.ts";
import type { Domain } from "../text/retention.ts";
import type { Bound } from "../select/certify.ts";
import {
  type AttemptReport,
  type BoundReport,
  type Comparison,
  type DomainReport,
  type ForgettingReport,
  REPORT_VERSION,
} from "./format.ts";
import { statement } from "./statement.ts";
import { SAMPLES } from "../text/samples.ts";
import type { AttemptedCertificate, GuardResult } from "../select/result.ts";

/** Documents that are shown token by token. */
const WORST = 10;

/** Who trained an adapter: the run that certifies it, one that left its documents, or anyone; nobody a base. */
export type TrainedBy = "this run" | "a run" | "another from elsewhere" | "nobody known" | "nobody";

/** What the report knows beside the result. */
export interface ReportFacts {
  readonly budget: string;
  readonly domains: readonly Domain[];
  readonly result: GuardResult;
  readonly delta: number;
  readonly strict: boolean;
  /** Files of retention text; none where the base wrote it. */
  readonly text: readonly string[];
  /** Where the task's sample comes from. */
  readonly taskFrom: string;
  /** What the task's loss is measured in. */
  readonly taskUnit: string;
  readonly task: readonly Example[];
  /** Measurements of the run; empty for an adapter from elsewhere. */
  readonly history: readonly HistoryPoint[];
  readonly rollbacks: number;
  /** Who trained the adapter: what it was trained on is known of a run's alone. */
  readonly trainedBy: TrainedBy;
  /** Tokens that the task and the guard trained on, and the seconds of training. */
  readonly cost?: {
    readonly task_tokens: number;
    readonly guard_tokens: number;
    readonly seconds: number;
  };
  readonly decode: (ids: number[]) => string;
  /** What base and result answered; none where nothing was asked. */
  readonly tasks?: readonly TaskScores[];
}

/** Puts the report together. Losses and shifts are in nats a token. */
export function forgettingReport(facts: ReportFacts): ForgettingReport {
  const { budget, domains, result, delta, strict, history, rollbacks, cost } = facts;
  const { step, strength, certificate, selection } = result;
  const certified = strength > 0;
  return {
    version: REPORT_VERSION,
    statement: statement(facts),
    certified,
    budget,
    delta,
    strict,
    attempt: certificate && attemptReport(certificate),
    independent: facts.trainedBy === "this run" || facts.trainedBy === "a run",
    chosen: { step, strength },
    domains: domains.map((slice, i) => domainReport(slice, i, facts)),
    task: result.task && {
      rows: facts.task.length,
      from: facts.taskFrom,
      unit: facts.taskUnit,
      base_loss: result.task.base,
      tuned_loss: result.task.tuned,
      ...inShort(result.task.comparison),
    },
    ...(result.metric && { metric: result.metric }),
    ...(facts.tasks && facts.tasks.length > 0 && { tasks: facts.tasks }),
    retention_text: facts.text.length > 0 ? facts.text.map((path) => basename(path)) : SAMPLES,
    marginal_gain: result.marginalGain,
    history: history.map(({ step, task, shifts, lambdas, value }) => ({
      step,
      task_loss: task,
      shifts,
      lambdas,
      ...(value !== undefined && { value }),
    })),
    points: selection.points,
    trials: certificate?.trials ?? [],
    more_documents: certificate?.more ?? null,
    rollbacks,
    ...(cost && { cost }),
    not_covered: "Bounded is the rise over all tokens of text drawn like the retention text: no " +
      "single document, nothing beyond a document's limit, no other text, no other ability, no " +
      "safety. Documents longer than a replay are read in blocks, each afresh.",
  };
}

function domainReport(
  domain: Domain,
  index: number,
  { result, decode }: ReportFacts,
): DomainReport {
  const { name, budget, probe, repeated, inTask, trained, nearlyTrained } = domain;
  const { shifts, baseNll, comparisons, certificate, strength } = result;
  const comparison = comparisons[index]!;
  const { mean, se, net, nll } = shifts[index]!;
  const blocks = probe.flat();
  return {
    name,
    metric: budget.metric,
    budget: budget.text,
    epsilon: budget.epsilon,
    documents: {
      train: domain.train.length,
      ...ofParts((part) => domain[part].length),
      repeated,
      in_task: inTask,
      trained_before: trained,
      nearly_trained_before: nearlyTrained,
    },
    sha256: ofParts((part) => hashOf(domain[part].flat())),
    base_perplexity: Math.exp(baseNll[index]!),
    tuned_perplexity: Math.exp(nll),
    control: { shift: mean, se, net },
    certificate: boundOf(certificate?.trials.find((t) => t.strength === strength)?.bounds[index]),
    probe: inShort(comparison),
    worst: comparison.documents.slice(0, WORST).map(({ document, shift, base, tuned }) => ({
      shift,
      text: decode([...ownIds(blocks[document]!)]),
      tokens: tokensOf(blocks[document]!, decode).map((piece, i) =>
        [piece, base[i]!, tuned[i]!] as const
      ),
    })),
  };
}

/** Null where attempts are not counted. */
export function attemptReport({ attempt, level }: AttemptedCertificate): AttemptReport {
  return { number: attempt?.number ?? null, failed_before: attempt?.failed ?? null, level };
}

export const ofParts = <T>(of: (part: HeldPart) => T): Record<HeldPart, T> =>
  Object.fromEntries(HELD.map((part) => [part, of(part)])) as Record<HeldPart, T>;

export function boundOf(bound: Bound | undefined): BoundReport | null {
  if (!bound) return null;
  const { mean, se, net, upper, limit, beyond, documents } = bound;
  return { shift: mean, se, net, upper, limit, beyond, documents };
}

const inShort = ({ tokens, base, tuned, kl, agreement, flips }: ModelComparison): Comparison => ({
  tokens,
  base_nll: base,
  tuned_nll: tuned,
  kl,
  top1_agreement: agreement,
  flips,
});

export function hashOf(examples: readonly Example[]): string {
  const hash = createHash("sha256");
  for (const example of examples) hash.update(`${ownIds(example).join(" ")}\n`);
  return hash.digest("hex");
}

/** Without the virtual tokens of an adapter, of which nobody else knows. */
const ownIds = ({ ids, virtual = 0 }: Example): Uint32Array => ids.subarray(virtual);

/** The supervised tokens of an example as text. */
function tokensOf({ ids, labels }: Example, decode: ReportFacts["decode"]): string[] {
  return [...ids].flatMap((id, i) => i > 0 && labels[i] !== UNSUPERVISED ? [decode([id])] : []);
}
