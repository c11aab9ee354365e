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
}

/** Keys of the section `train`. */
export const sums = {
  partial_sums: count.exactOptional().describe(
    "partial sums of an update's gradient: every number of ranks that can share them makes the same " +
      "bits; as many as ranks when absent",
  ),
};
