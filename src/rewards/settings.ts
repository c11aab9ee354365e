/**
 * The settings of rewards, as `rewards` of a configuration has them.
 *
 * @module
 */

/** What every reward has. */
interface Weighed {
  /** What it counts in the sum of several. */
  readonly weight: number;
}

/** A metric of answers, as `eval.tasks` knows it, beside a column of the row. */
export interface MetricReward extends Weighed {
  /** Its name. */
  readonly kind: "metric";
  /** The name of the metric, one that judges texts. */
  readonly metric: string;
  /** The column with the wanted answer, or a list of such of which the best counts. */
  readonly column: string;
  /** The tag whose contents are judged, the last of them; the whole answer where absent. */
  readonly within?: string;
}

/** Whether a regular expression matches somewhere. */
export interface RegexReward extends Weighed {
  /** Its name. */
  readonly kind: "regex";
  /** As JavaScript has it. */
  readonly pattern: string;
}

/** Whether an answer is made of tags, in their order. */
export interface FormatReward extends Weighed {
  /** Its name. */
  readonly kind: "format";
  /** The tags, such as think and answer. */
  readonly tags: readonly string[];
  /** Whether text may follow the last. */
  readonly text_after: boolean;
}

/** What an answer costs that has too few words or too many. */
export interface LengthReward extends Weighed {
  /** Its name. */
  readonly kind: "length";
  /** Fewest words that cost nothing. */
  readonly least: number;
  /** Most words that cost nothing; no bound where absent. */
  readonly most?: number;
  /** Words beyond the bounds after which an answer costs 1; one where absent. */
  readonly margin: number;
}

/** One reward. */
export type RewardConfig = MetricReward | RegexReward | FormatReward | LengthReward;
