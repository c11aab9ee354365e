/**
 * What a config says of one source of data.
 *
 * @module
 */

import type { TemplateSetting, TrainOn } from "./documents.ts";
import type { PromptSetting } from "./prompts/mod.ts";
import type { Shares } from "./split.ts";

/** What to do with a row whose answer is empty. */
export const ON_EMPTY = ["error", "drop"] as const;
/** One of those. */
export type OnEmpty = typeof ON_EMPTY[number];

/** As Tk-Instruct trains. */
export const POSITIVE_EXAMPLES = 2;

/** One source of data. */
export interface DataEntry {
  /** A file, a folder, or a pattern with `*` in its last part. */
  readonly path: string;
  /** The name of a format; recognised from the first row of each file where absent. */
  readonly format?: string;
  /** Puts rows into words; one of them is drawn for each row. In place of `format`. */
  readonly prompts?: PromptSetting;
  /**
   * What stands around them, drawn for each row where there are several. Where absent, "alpaca"
   * around instructions, the model's own around chats.
   */
  readonly template?: TemplateSetting | readonly TemplateSetting[];
  /** Decides what is drawn for a row, 0 where absent. */
  readonly seed?: number;
  /** Which turns of an assistant are learnt, all where absent. */
  readonly train_on?: TrainOn;
  /** What becomes of a row with nothing to learn in it, "error" where absent. */
  readonly on_empty?: OnEmpty;
  /** How many positive examples of a Super-NaturalInstructions task are shown, 2 where absent. */
  readonly positive_examples?: number;
  /** Only this part of a random split of the documents. */
  readonly split?: { readonly part: string; readonly shares: Shares; readonly seed: number };
  /** Whether EOS follows a text document, no where absent. */
  readonly eos?: boolean;
}
