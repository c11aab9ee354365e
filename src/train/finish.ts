/**
 * The end of a run: what is shipped, how it measures, and what is written.
 *
 * @module
 */
import { join } from "node:path";
import type { ForgettingReport } from "../forgetting/report/format.ts";
import { readMetrics } from "./metrics.ts";
import { runFiles, writeReport } from "./run_folder.ts";
import type { Say } from "./rows.ts";
import type { Session } from "./setup.ts";

/** Where an adapter goes that the guard did not certify at any strength. */
export const UNCERTIFIED = "uncertified";

/** What a run came to. */
export interface Finish {
  readonly measured: Readonly<Record<string, number>>;
  readonly report: ForgettingReport | null;
}

/**
 * Selects and certifies where there is a guard, measures, and writes the adapter or model. Where only
 * the base is certain, the adapter is written at strength 0, and what was trained beside it.
 */
export async function finish(
  session: Session,
  step: number,
  seconds: number,
  say: Say,
): Promise<Finish> {
  const { config, trained, guarding, engine: { store } } = session;
  const folder = join(config.out, trained.folder);
  await session.rows.finished();
  if (!guarding) {
    await trained.save(store, folder);
    return { measured: await evaluated(session), report: null };
  }
  await guarding.guard.finish(step);
  say("guard: selecting and certifying");
  const { shipment, report } = await guarding.ship(seconds);
  guarding.put(shipment.step, shipment.strength);
  const { shifts, strength } = shipment;
  const entry = { step: shipment.step, shifts, task: shipment.task!.tuned };
  const measured = { ...guarding.guard.fields(entry), ...await evaluated(session) };
  guarding.put(shipment.step, 1);
  await trained.save(store, folder, strength);
  if (strength === 0) {
    await trained.save(store, join(config.out, UNCERTIFIED), shipment.selection.chosen?.strength);
  }
  writeReport(config.out, report, readMetrics(runFiles(config.out).metrics));
  return { measured, report };
}

async function evaluated({ evaluate }: Session): Promise<Record<string, number>> {
  if (!evaluate) return {};
  const { nll } = await (await evaluate()).result;
  return { eval_loss: nll };
}
