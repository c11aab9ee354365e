/**
 * What a metric is.
 *
 * @module
 */

/** Judges the text of an answer. */
export interface TextMetric {
  readonly kind: "text";
  /** In scores, tables and metrics of runs. */
  readonly name: string;
  /** What it measures, in a line. */
  readonly help: string;
  /** How right an answer is beside one reference, 0 to 1. */
  readonly score: (output: string, reference: string) => number;
}

/** What a model makes of one of the choices of a row. */
export interface ChoiceLikelihood {
  /** Nats: the sum over the tokens of the log-likelihoods after the prompt. */
  readonly sum: number;
  readonly tokens: number;
  /** Bytes of its text in UTF-8. */
  readonly bytes: number;
  /** The same sum where nothing but BOS is before it; null where no metric asks for it. */
  readonly alone: number | null;
}

/** Judges which of the choices of a row is the likeliest. */
export interface ChoiceMetric {
  readonly kind: "choices";
  readonly name: string;
  readonly help: string;
  /** Whether it needs {@link ChoiceLikelihood.alone}. */
  readonly needsAlone: boolean;
  /** By what choices are ranked: the largest is the answer. */
  readonly rank: (likelihood: ChoiceLikelihood) => number;
}

/** One way to score the answer to a row. */
export type Metric = TextMetric | ChoiceMetric;

/** How right an answer is beside the best of several references, 0 to 1. */
export const bestScore = (
  { score }: TextMetric,
  output: string,
  references: readonly string[],
): number => Math.max(...references.map((reference) => score(output, reference)));
