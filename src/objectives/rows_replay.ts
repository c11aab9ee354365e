/**
 * Replays of packed rows.
 *
 * @module
 */
import type { Batch } from "../data/mod.ts";
import type { LossProgram, PackedRows } from "../models/loss_program.ts";
import type { Replay } from "./objective.ts";

/** A replay of packed rows, each supervised token times its weight. */
export function rowsReplay(
  program: LossProgram,
  batch: PackedRows & Pick<Batch, "used" | "supervised"> & Partial<Pick<Batch, "documents">>,
  weights: Float32Array, // [supervised]
): Replay {
  return {
    tokens: batch.used,
    supervised: batch.supervised,
    losses: program.compiled.output("losses"),
    run(draw, after) {
      program.feed(batch, weights, draw);
      program.run(after);
    },
    evidence: {
      examples: [...new Set(batch.documents?.map(({ example }) => example))],
      firstNonFinite(draw) {
        program.feed(batch, weights, draw);
        return program.firstNonFinite();
      },
    },
  };
}
