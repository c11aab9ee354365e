/**
 * What a config or a command line says of one task.
 *
 * @module
 */
import type { PromptSetting, TemplateSetting } from "../../data/mod.ts";

/** The most tokens of an answer. */
export const MAX_TOKENS = 64;

/** Rows that are answered and scored. */
export interface TaskEntry {
  /**
   * A file, a folder or a pattern of rows in any format of data that has answers, a task file of
   * Super-NaturalInstructions, a file of instruction-induction, or the YAML of a task of lm-eval; or
   * `builtin:refusal`.
   */
  readonly path: string;
  /** In tables and metrics; made of the path where absent. */
  readonly name?: string;
  /** The name of a format of rows; recognised where absent. */
  readonly format?: string;
  /** The column of the rows for each field of the format, as in `data`. */
  readonly columns?: Readonly<Record<string, string>>;
  /** The rows of a task of lm-eval, in place of those that its YAML names. */
  readonly rows?: string;
  /** Puts rows into words: each row is asked in the words of every one of them. */
  readonly prompts?: PromptSetting;
  /**
   * What stands around what is asked. Where absent, as in `data`: "alpaca" around instructions, the
   * model's own around chats, none around prompts that are complete.
   */
  readonly template?: TemplateSetting;
  /** The names of metrics; chosen by what the rows are where absent. */
  readonly metrics?: readonly string[];
  /** Answers to choose from, the same for all rows; those of each row where absent. */
  readonly choices?: readonly string[];
  /**
   * Exemplars before the question, from the same rows and never the question itself; of a task of
   * Super-NaturalInstructions its positive examples, 2 where absent, and 0 otherwise.
   */
  readonly shots?: number;
  /** A seeded sample of so many rows; all where absent. */
  readonly max_rows?: number;
  /** The most tokens of an answer, 64 where absent. */
  readonly max_tokens?: number;
  /** Texts that end an answer and are no part of it. */
  readonly stop?: readonly string[];
  /** Decides the sample and the exemplars, 0 where absent. */
  readonly seed?: number;
}
