/**
 * The format of `forgetting_report.json`. Losses and shifts are in nats a token, but for
 * the task's, which says its own unit.
 *
 * @module
 */

import type { TaskScores } from "../../eval/tasks/report.ts";

/** Of this format: one more where a field goes or means something else; new fields leave it. */
export const REPORT_VERSION = 3;

/** What was allowed to be forgotten, what was done about it, and what came of it. */
export interface ForgettingReport {
  /** {@linkcode REPORT_VERSION} of who wrote it. */
  readonly version: typeof REPORT_VERSION;
  /** The result in a sentence or two. */
  readonly statement: string;
  /** Whether more than the base itself was certified. */
  readonly certified: boolean;
  /** The budget as it was written. */
  readonly budget: string;
  /**
   * The probability that any attempt on the same documents chooses an adapter that forgets more than
   * its budget.
   */
  readonly delta: number;
  /** Whether a document counts up to one nat a token, instead of what others suggest. */
  readonly strict: boolean;
  /** Which attempt on its documents the certificate is; null where none was tested. */
  readonly attempt: AttemptReport | null;
  /** Whether it is known that the adapter was not trained on the certificate's documents. */
  readonly independent: boolean;
  /** Updates done by the moment that was chosen, and what its update is multiplied by. */
  readonly chosen: { readonly step: number; readonly strength: number };
  /** Each domain of the retention text. */
  readonly domains: readonly DomainReport[];
  /** The task's sample, by which choices were compared; null where the strongest was chosen. */
  readonly task: TaskReport | null;
  /** The metric by which choices were compared in place of the task's loss, where one was. */
  readonly metric?: MetricReport;
  /** Tasks that base and result answered row by row, as `scores.json` of `eval` has them. */
  readonly tasks?: readonly TaskScores[];
  /** Files of retention text, or that the base wrote it. */
  readonly retention_text: readonly string[] | string;
  /** What a tenth more of the budget would buy of the task's loss; null where nobody can say. */
  readonly marginal_gain: number | null;
  /** Measurements during the run. */
  readonly history: readonly HistoryReport[];
  /** Moments and strengths that were tried; `task` is null where the budget was not kept. */
  readonly points: readonly PointReport[];
  /** Strengths under the certificate's test, in its order. */
  readonly trials: readonly TrialReport[];
  /** About how many more documents would let the wanted strength pass; null where none would. */
  readonly more_documents: number | null;
  /** How often the run went back. */
  readonly rollbacks: number;
  /** Tokens that task and guard trained on, and the seconds of training. */
  readonly cost?: {
    readonly task_tokens: number;
    readonly guard_tokens: number;
    readonly seconds: number;
  };
  /** What none of this says. */
  readonly not_covered: string;
}

/** A metric of the run: `train.metric` beside `train.keep` best. */
export interface MetricReport {
  /** Its field in the metrics. */
  readonly field: string;
  /** Which of two values is the better one. */
  readonly better: "lower" | "higher";
  /** Of the base. */
  readonly base: number;
  /** Of what was chosen. */
  readonly tuned: number;
}

/** A test among those on the same documents. */
export interface AttemptReport {
  /** Counted from 1; null where attempts are not counted. */
  readonly number: number | null;
  /** How many before it have failed; null where attempts are not counted. */
  readonly failed_before: number | null;
  /** The probability that it passes wrongly is at most that: a part of `delta`. */
  readonly level: number;
}

/** The rise over some documents, weighted by token. */
export interface ShiftReport {
  /** Of the positions that have risen: gains elsewhere do not pay for them. */
  readonly shift: number;
  /** Its standard error, over documents. */
  readonly se: number;
  /** Gains and losses together: the logarithm of the ratio of perplexities. */
  readonly net: number;
}

/** A bound of a rise. */
export interface BoundReport extends ShiftReport {
  /** The upper bound, where no document counts more than the limit. */
  readonly upper: number;
  /** The most nats that a document counts. */
  readonly limit: number;
  /** The upper bound of the share of documents that rise by more than that. */
  readonly beyond: number;
  /** How many documents it rests on. */
  readonly documents: number;
}

/** Both models side by side. */
export interface Comparison {
  /** Tokens that were predicted. */
  readonly tokens: number;
  /** Of the base, weighted by token. */
  readonly base_nll: number;
  /** Of the tuned model, weighted by token. */
  readonly tuned_nll: number;
  /** Mean divergence of the tuned predictions from the base's. */
  readonly kl: number;
  /** Share of tokens at which both models' first choice is the same. */
  readonly top1_agreement: number;
  /**
   * First choices that were right and are wrong now, and the other way round; McNemar's exact p of
   * the documents that lost more than they won against those that won more.
   */
  readonly flips: { readonly lost: number; readonly won: number; readonly p: number };
}

/** The task's sample. */
export interface TaskReport extends Comparison {
  /** How many rows it has. */
  readonly rows: number;
  /** Where they come from. */
  readonly from: string;
  /** What its loss is measured in: `nats a token`. */
  readonly unit: string;
  /** Of the base. */
  readonly base_loss: number;
  /** Of what was chosen. */
  readonly tuned_loss: number;
}

/** One domain of the retention text. */
export interface DomainReport {
  /** The name that the budget calls it. */
  readonly name: string;
  /** `ppl` or `kl`. */
  readonly metric: "ppl" | "kl";
  /** Its budget as it was written. */
  readonly budget: string;
  /** Its budget. */
  readonly epsilon: number;
  /** How many documents each part has, and how many were left out or trained on before. */
  readonly documents: Readonly<
    Record<
      | "train"
      | "control"
      | "certificate"
      | "probe"
      | "repeated"
      | "in_task"
      | "trained_before"
      | "nearly_trained_before",
      number
    >
  >;
  /** A hash of the token ids of each held-back part. */
  readonly sha256: Readonly<Record<"control" | "certificate" | "probe", string>>;
  /** Of the base on the control part, weighted by token. */
  readonly base_perplexity: number;
  /** Of what was chosen on the control part, weighted by token. */
  readonly tuned_perplexity: number;
  /** What was chosen, on the control part. */
  readonly control: ShiftReport;
  /** What was chosen, on the certificate's part; null where it is the base. */
  readonly certificate: BoundReport | null;
  /** What was chosen, on the probe part. */
  readonly probe: Comparison;
  /** The probe documents that have shifted most. */
  readonly worst: readonly DocumentReport[];
}

/** One document, token by token. */
export interface DocumentReport {
  /** Its mean shift. */
  readonly shift: number;
  /** Its text. */
  readonly text: string;
  /** Each token with its negative log-likelihood under the base and under the tuned model. */
  readonly tokens: readonly (readonly [piece: string, base: number, tuned: number])[];
}

/** The rise of a domain when it was measured. */
export interface MeasuredReport {
  /** Of the positions that have risen, weighted by token. */
  readonly mean: number;
  /** Its standard error, over documents. */
  readonly se: number;
  /** Gains and losses together. */
  readonly net: number;
  /** Of the tuned model, weighted by token. */
  readonly nll: number;
}

/** A measurement during the run. */
export interface HistoryReport {
  /** Updates done by then. */
  readonly step: number;
  /** On the task's sample. */
  readonly task_loss: number;
  /** Of each domain, on the control part. */
  readonly shifts: readonly MeasuredReport[];
  /** The weight of each domain. */
  readonly lambdas: readonly number[];
  /** Of the metric that choices were compared by, where it was measured. */
  readonly value?: number;
}

/** A moment at a strength. */
export interface PointReport {
  /** Updates done by then. */
  readonly step: number;
  /** What its update was multiplied by. */
  readonly strength: number;
  /** Of each domain, on the control part. */
  readonly shifts: readonly MeasuredReport[];
  /** On the task's sample; null where the budget was not kept. */
  readonly task: number | null;
  /** Of the metric that choices were compared by, where there was one and the budget was kept. */
  readonly value?: number;
}

/** A strength under the certificate's test. */
export interface TrialReport {
  /** The strength. */
  readonly strength: number;
  /** Of each domain. */
  readonly bounds: readonly {
    readonly mean: number;
    readonly se: number;
    readonly net: number;
    readonly upper: number;
    readonly limit: number;
    readonly beyond: number;
    readonly epsilon: number;
    readonly documents: number;
  }[];
  /** Whether every bound is within its budget. */
  readonly passed: boolean;
}
