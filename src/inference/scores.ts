/**
 * The scores of a model for every token of a text, and how far two such sets lie apart.
 *
 * @module
 */
import { Generator } from "./generator.ts";
import type { OpenModel } from "./open.ts";

/** Scores of the vocabulary after each token: [tokens][vocabulary]. */
export type Scores = readonly Float32Array[];

/** How far two sets of scores lie apart. */
export interface Distance {
  /** The largest difference of two scores; infinite where one of them is not a number. */
  readonly largest: number;
  /** The largest score of the reference, without its sign. */
  readonly size: number;
  /** Root mean square of the differences over that of the reference. */
  readonly relative: number;
}

/** Scores `ids`, as {@linkcode Generator.scores}. */
export async function scoresOf(open: OpenModel, ids: readonly number[]): Promise<Scores> {
  const { engine, model, adapt } = open;
  using generator = await Generator.open(engine, model, { context: ids.length, adapt });
  return await Array.fromAsync(generator.scores(ids));
}

/** Compares scores with those of a reference for the same tokens. */
export function distance(reference: Scores, scores: Scores): Distance {
  let largest = 0;
  let size = 0;
  let differences = 0;
  let squares = 0;
  for (const [token, expected] of reference.entries()) {
    for (const [id, x] of expected.entries()) {
      const difference = Math.abs(scores[token]![id]! - x);
      largest = Math.max(largest, Number.isNaN(difference) ? Infinity : difference);
      size = Math.max(size, Math.abs(x));
      differences += difference ** 2;
      squares += x ** 2;
    }
  }
  return { largest, size, relative: Math.sqrt(differences / squares) };
}
