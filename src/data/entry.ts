/**
 * What a config says of one source of data.
 *
 * @module
 */

import type { Pairs } from "../rows/formats/ranked.ts";
import type { PromptSetting } from "../rows/prompts/mod.ts";
import type { TemplateSetting } from "./templates/setting.ts";
import type { FewShotSettings } from "../rows/prompts/few_shot.ts";
import type { ChainOfThoughtSettings, FormSettings } from "../rows/prompts/forms.ts";

/** What to do with a row whose answer is empty. */
export type OnEmpty = "error" | "drop";
/** All of those, the default first. */
export const ON_EMPTY: readonly OnEmpty[] = ["error", "drop"];

/** Which of an assistant's turns are learnt: all, or only the last; never one of weight 0. */
export type TrainOn = "all" | "last";
/** All of those, the default first. */
export const TRAIN_ON: readonly TrainOn[] = ["all", "last"];

/** The names of the parts and the share of each; the shares add up to 1. */
export type Shares = Readonly<Record<string, number>>;

/** As Tk-Instruct trains. */
export const POSITIVE_EXAMPLES = 2;

/** One source of data. */
export interface DataEntry {
  /**
   * A file, a folder, or a pattern with `*` in its last part. Of several, each is read as an entry of
   * its own would be, `split` and what is sampled for its rows included.
   */
  readonly path: string | readonly string[];
  /** The name of a format; recognised from the first row of each file where absent. */
  readonly format?: string;
  /** The column of the files for each field of the format; those of that name where absent. */
  readonly columns?: Readonly<Record<string, string>>;
  /** Puts rows into words; one of them is sampled for each row. In place of `format`. */
  readonly prompts?: PromptSetting;
  /**
   * What stands around them, sampled for each row where there are several. Where absent, "alpaca"
   * around instructions, the model's own around chats.
   */
  readonly template?: TemplateSetting | readonly TemplateSetting[];
  /** Rows with exemplars before the question; none where absent. */
  readonly few_shot?: FewShotSettings;
  /** Rows that are asked for the way to their answer; none where absent. */
  readonly chain_of_thought?: ChainOfThoughtSettings;
  /** Rows that are asked the other way round; none where absent. */
  readonly inversion?: FormSettings;
  /** The day that chat templates are told, as `YYYY-MM-DD`; today where absent. */
  readonly date?: string;
  /** Decides what is sampled for a row, 0 where absent. */
  readonly seed?: number;
  /** Which turns of an assistant are learnt, all where absent. */
  readonly train_on?: TrainOn;
  /** What becomes of a row with nothing to learn in it, "error" where absent. */
  readonly on_empty?: OnEmpty;
  /** Makes a preference of the graded answers of a row, which stay a ranking where absent. */
  readonly pairs?: Pairs;
  /** How many positive examples of a Super-NaturalInstructions task are shown, 2 where absent. */
  readonly positive_examples?: number;
  /** The longest row in MiB, 64 where absent. */
  readonly max_row_mib?: number;
  /** Only this part of a random split of the documents. */
  readonly split?: { readonly part: string; readonly shares: Shares; readonly seed: number };
  /** Whether EOS follows a text document, no where absent. */
  readonly eos?: boolean;
  /** Whether special tokens written out in the fields of rows are read as such, no where absent. */
  readonly special_tokens?: boolean;
}

/** A path, or the first of several, for messages. */
export function describePath(path: DataEntry["path"]): string {
  if (typeof path === "string") return path;
  return path.length === 1 ? path[0]! : `${path[0]} and ${path.length - 1} more`;
}
