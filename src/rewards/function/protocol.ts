/**
 * What a reward's function and whoever asks it say to each other, across threads.
 *
 * @module
 */

/** What a worker begins with. */
export interface Begin {
  /** The text of the user's file. */
  readonly source: string;
  /** Its name, for messages. */
  readonly name: string;
  /** Milliseconds that one call may take. */
  readonly limit: number;
  /** A 32-bit number of calls that have returned. */
  readonly calls: SharedArrayBuffer;
}

/** Answers to be scored: each a prompt, a completion and a row, as JSON. */
export interface Ask {
  readonly answers: readonly string[];
}

/** Something that went wrong, and at which answer; null where that has nothing to do with it. */
export interface Fault {
  readonly fault: string;
  readonly at: number | null;
}

/** Numbers for answers, as many as the function gave; none at the beginning. */
export interface Scores {
  readonly scores: readonly number[];
}
