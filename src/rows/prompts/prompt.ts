/**
 * What every way to put a row into words has in common.
 *
 * @module
 */

import type { RowRng } from "../row_rng.ts";
import { type Content, instructionContent, type Judged } from "../content.ts";
import type { Row } from "../sources/row.ts";

/** One way to put a row into words. */
export interface Prompt {
  /** As messages name it. */
  readonly name: string;
  /** The content of a row, null where the prompt says nothing of it. */
  read(row: Row, rng: RowRng): Content | null;
}

/** A complete prompt with what follows it; null where one of the two is blank. */
export function completed(
  { origin }: Row,
  prompt: string,
  target: string,
  judged: Judged = {},
): Content | null {
  if (prompt.trim() === "" || target.trim() === "") return null;
  const field = "target";
  return instructionContent(origin, { instruction: prompt, answer: target, field, ...judged });
}
