/**
 * The settings of rewards, as `rewards` of a configuration has them.
 *
 * @module
 */

import type { TemplateSetting } from "../data/mod.ts";

/** What every reward has. */
export interface Weighed {
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

/** A function of the user's own file. */
export interface FunctionReward extends Weighed {
  /** Its name. */
  readonly kind: "function";
  /** The file, of TypeScript. */
  readonly path: string;
  /** Seconds that a call may take. */
  readonly timeout: number;
}

/** Whether an answer is JSON of a schema. */
export interface JsonSchemaReward extends Weighed {
  /** Its name. */
  readonly kind: "json_schema";
  /** The file of the schema. */
  readonly schema: string;
  /** The tag whose contents are judged, the last of them; the whole answer where absent. */
  readonly within?: string;
}

/** What a model that was trained on comparisons makes of an answer. */
export interface ModelReward extends Weighed {
  /** Its name. */
  readonly kind: "model";
  /** The folder of the adapter, or of its run. */
  readonly adapter: string;
  /** The folder of its base; the one that it names where absent. */
  readonly base?: string;
  /** What stands around prompt and answer; as in the rows of comparisons where absent. */
  readonly template?: TemplateSetting;
  /** Most tokens of prompt and answer. */
  readonly context: number;
}

/** What a model behind OpenAI's API makes of an answer. */
export interface JudgeReward extends Weighed {
  /** Its name. */
  readonly kind: "judge";
  /** The address up to /v1. */
  readonly endpoint: string;
  /** The name that it knows the model by. */
  readonly model: string;
  /** What it is asked, with {prompt}, {completion} and columns of the row in such braces. */
  readonly prompt: string;
  /** The worst and the best rating, which become 0 and 1. */
  readonly range: readonly [worst: number, best: number];
  /** The reward of an answer that is given no rating; such a run stops where absent. */
  readonly unrated?: number;
  /** Most tokens of what it says. */
  readonly max_tokens: number;
  /** Seconds that it may take to answer. */
  readonly timeout: number;
  /** Requests at a time. */
  readonly parallel: number;
}

/** One reward. */
export type RewardConfig =
  | MetricReward
  | RegexReward
  | FormatReward
  | LengthReward
  | FunctionReward
  | JsonSchemaReward
  | ModelReward
  | JudgeReward;

/** What a judge is asked by default. */
export const JUDGE_PROMPT = [
  "Rate how well the answer does what the prompt asks, from 1 (useless) to 10 (could not be better).",
  "Judge what it says, not how long it is. Give your reasons in a sentence, and then the rating in",
  "double brackets, such as [[7]].",
  "",
  "[Prompt]",
  "{prompt}",
  "[End of the prompt]",
  "",
  "[Answer]",
  "{completion}",
  "[End of the answer]",
].join("\n");
