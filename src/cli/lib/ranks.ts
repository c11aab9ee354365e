/**
 * Training as the config says: alone, or as one of the ranks that mpirun has started.
 *
 * @module
 */
import type { ParsedConfig } from "../../config/mod.ts";
import type { FreeResult, RunResult, TrainOptions } from "../../train/options.ts";
import { train, trainInRanks } from "../../train/run.ts";
import { runShown } from "./progress.ts";

/** Trains and shows how it goes; of several ranks only rank 0 has a folder, and shows it. */
export async function trainAsked(
  parsed: ParsedConfig,
  options: TrainOptions,
): Promise<RunResult | FreeResult> {
  const { distributed, rank_timeout: patience } = parsed.config;
  if (distributed === undefined) {
    return await train(parsed, { ...options, on: runShown() });
  }
  const { joinMpi } = await import("../../distributed/mpi/mod.ts");
  const ranks = joinMpi(patience);
  const leads = ranks.rank === 0;
  try {
    const result = await trainInRanks(parsed, ranks, {
      ...options,
      ...(leads && { on: runShown() }),
    });
    await ranks.close();
    return result;
  } catch (fault) {
    const error = fault as Error;
    await ranks.fail(error.message);
    if (!leads) error.message = `rank ${ranks.rank}: ${error.message}`;
    throw error;
  }
}
