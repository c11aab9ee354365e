/**
 * What a reward is: a number for an answer to a prompt, the higher the better.
 *
 * @module
 */
import { FileError } from "../errors.ts";

/** A prompt, what was answered, and the columns of its row (answer, labels, ...). */
export interface Answered {
  /** What was asked, without the template around it. */
  readonly prompt: string;
  /** What was answered, without the token that ended it. */
  readonly completion: string;
  /** The columns of the row by their names. */
  readonly row: Readonly<Record<string, unknown>>;
  /** Where the row stands, for messages, such as `rows.jsonl:12`; its prompt is quoted where absent. */
  readonly origin?: string;
}

/** Scores completions. */
export interface Reward {
  /** In metrics and messages. */
  readonly name: string;
  /**
   * A finite number for each answer, in their order.
   *
   * @throws {FileError} where one cannot be had, in a sentence with its row.
   */
  score(answers: readonly Answered[]): Promise<readonly number[]>;
  /** Frees what it holds. */
  close(): void | Promise<void>;
}

/** Characters of a prompt that messages quote. */
const QUOTED = 60;

/** What messages call an answer: the row that it belongs to. */
export function rowOf({ origin, prompt }: Answered): string {
  if (origin !== undefined) return origin;
  const line = prompt.replace(/\s+/g, " ").trim();
  const text = line.length > QUOTED ? `${line.slice(0, QUOTED)}…` : line;
  return `the row with the prompt ${JSON.stringify(text)}`;
}

/** A reward whose numbers are had one by one and at once. */
export const plainReward = (name: string, scoreOf: (answer: Answered) => number): Reward => ({
  name,
  score: (answers) => Promise.resolve().then(() => answers.map(scoreOf)),
  close() {},
});

/**
 * The texts of a column: one, or any of a list. Numbers and truth values count as they are written.
 *
 * @throws {FileError} where the row has none.
 */
export function textsIn(answer: Answered, column: string, reward: string): readonly string[] {
  const value = answer.row[column];
  const texts = (Array.isArray(value) ? value : [value])
    .filter((one) => ["string", "number", "boolean", "bigint"].includes(typeof one)).map(String);
  if (texts.length > 0) return texts;
  const found = value === undefined
    ? `no column ${column} among ${Object.keys(answer.row).join(", ") || "none"}`
    : `${JSON.stringify(value)} in its column ${column}`;
  throw new FileError(
    `${rowOf(answer)}: found ${found}, wanted a text or a list of texts for the reward ${reward}`,
  );
}
