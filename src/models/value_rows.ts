/**
 * Scores of single rows of packed documents: the values before tokens that are supervised.
 *
 * @module
 */
import type { PackedRows } from "./loss_program.ts";
import type { ScoredRows } from "./score_program.ts";

/** A micro-batch whose supervised rows are scored, each for itself. */
export const rowsScored = (packed: PackedRows): ScoredRows => ({
  ...packed,
  documents: Array.from(packed.rows, (begin) => ({ begin, length: 1 })),
});
