/**
 * The part of the table that says how processes train together.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { count, positive } from "./kinds.ts";

/** How processes train together. */
export interface RanksConfig {
  /** What the processes find each other by; one trains alone where absent. */
  readonly distributed?: "mpi";
  /** Seconds that another rank is waited for before all end. */
  readonly rank_timeout: number;
}

/** Keys at the top. */
export const ranks = {
  distributed: z.enum(["mpi"]).exactOptional().describe(
    "what processes that train together find each other by: mpi, started by mpirun or srun; one " +
      "trains alone when absent",
  ),
  rank_timeout: positive.default(120)
    .describe("seconds that another rank is waited for in an update before all end"),
};

/** How an update's gradient is summed. */
export interface SumsConfig {
  /** Partial sums, which ranks share; as many as ranks where absent. */
  readonly partial_sums?: number;
  /** Updates that each rank makes by itself between two averages; none where absent. */
  readonly local_updates?: number;
  /** What the way from where a round began to the mean of the ranks is multiplied by. */
  readonly outer_lr: number;
  /** The momentum of that, by Nesterov. */
  readonly outer_momentum: number;
}

/** Keys of the section `train`. */
export const sums = {
  partial_sums: count.exactOptional().describe(
    "partial sums of an update's gradient: every number of ranks that can share them makes the same " +
      "bits; as many as ranks when absent",
  ),
  local_updates: count.exactOptional().describe(
    "updates that each rank makes by itself before all are averaged, for slow links; when absent " +
      "gradients are summed in every update",
  ),
  outer_lr: positive.default(1).describe(
    "what the way from the beginning of local updates to the mean of the ranks is multiplied by; 0.7 in DiLoCo",
  ),
  outer_momentum: z.number().min(0).lt(1).default(0).describe(
    "Nesterov's momentum of that way, from mean to mean; 0.9 in DiLoCo",
  ),
};
