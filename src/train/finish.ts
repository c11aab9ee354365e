/**
 * The end of a run: what it trained is saved and measured.
 *
 * @module
 */
import { join } from "node:path";
import type { PeftAdapter } from "../adapters/peft/folder.ts";
import type { Ending } from "../objectives/objective.ts";
import { leaveDocuments } from "./documents.ts";
import { leads } from "./updates/prepare.ts";
import type { TrainOptions } from "./options.ts";
import type { Session } from "./session.ts";

/** Where a run ends. */
export interface FinishOptions extends Required<Pick<TrainOptions, "kind">> {
  /** The folder of the run. */
  readonly out: string;
  /** Whether the folder outlives the run. */
  readonly isKept: boolean;
  readonly log: (line: string) => void;
}

/**
 * Saves and measures what was trained; a part that has its own end decides what that is. Ranks measure
 * together, and rank 0 saves.
 */
export async function finish(
  session: Session,
  { out, isKept, kind, log }: FinishOptions,
  done: { readonly step: number; readonly seconds: number },
): Promise<{ ending: Ending; adapter: PeftAdapter | null }> {
  const { trained, engine: { store }, parts } = session;
  let adapter: PeftAdapter | null = null;
  const save = async ({ scaling = 1, folder = trained.folder } = {}) => {
    if (!leads(session)) return;
    if (isKept) await trained.save(store, join(out, folder), scaling);
    else if (folder === trained.folder) adapter = await trained.read(store, scaling);
  };
  await session.rows.finished();
  if (isKept && kind === "adapter") leaveDocuments(session, out);
  const ender = parts.find((part) => part.end);
  if (ender) {
    const ending = await ender.end!({ ...done, measure: session.measure, save, log });
    return { ending, adapter };
  }
  await save();
  return { ending: { measured: await session.measure(), report: null }, adapter };
}
