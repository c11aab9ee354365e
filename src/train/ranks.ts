/**
 * A run among ranks: what they must have alike, what rank 0 hands to the others, and that none ends
 * without the others.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import project from "../../deno.json" with { type: "json" };
import { isComparedByContents, type ParsedConfig, valuesByKey } from "../config/mod.ts";
import { type Facts, requireAgreement } from "../distributed/agreement.ts";
import type { Communicator } from "../distributed/communicator.ts";
import { dealtTo } from "../distributed/dealing.ts";
import { ConfigError } from "../errors.ts";
import { readBytes, writeAll, writeFile } from "../io/files.ts";
import { makeFolder, namesIn } from "../io/folders.ts";
import { orStopped, stopUnderWay, unstoppable } from "../stop.ts";
import type { LoopResult } from "./loop.ts";
import type { Session } from "./session.ts";
import { type RecoveryOptions, trainThroughTrouble } from "./trouble/recovery.ts";

/**
 * Compares what ranks have been given, but for what is known by its contents.
 *
 * @throws {ConfigError} where it differs, or there are no ranks for a config that wants some.
 */
export async function requireSameConfig(
  ranks: Communicator | undefined,
  { config }: ParsedConfig,
): Promise<void> {
  if (!ranks) {
    if (config.distributed === undefined) return;
    throw new ConfigError(
      `distributed: found ${config.distributed} in a program that trains by itself, wanted one of the ` +
        "commands train and pretrain",
    );
  }
  const given = Object.entries(valuesByKey(config)).filter(([key]) => !isComparedByContents(key));
  const versions = { Graft: project.version, Deno: Deno.version.deno };
  const code = { "the code's hash": codeHash() };
  await requireAgreement(ranks, { ...versions, ...code, ...Object.fromEntries(given) });
}

/**
 * Compares what ranks have opened: sizes that each has chosen for itself, rows, base and retention text.
 *
 * @throws {ConfigError} where it differs.
 */
export async function requireSameSession(
  ranks: Communicator | undefined,
  { config: { train }, steps, trainedNumbers, replaysPerUpdate }: Session,
  sections: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (!ranks) return;
  const sizes = Object.entries(train).map(([key, value]) => [`train.${key}`, value]);
  const contents = Object.entries(sections).map(([name, state]) => [
    `the hash of ${name}`,
    hashOf([JSON.stringify(state)]),
  ]);
  await requireAgreement(
    ranks,
    {
      ...Object.fromEntries(sizes),
      "the number of updates": steps,
      "the number of trained numbers": trainedNumbers,
      "the number of micro-batches of an update": replaysPerUpdate,
      ...Object.fromEntries(contents),
    } satisfies Facts,
  );
}

/** Gives all ranks the files of a folder of rank 0, whether they see its disk or not. */
export async function shareFolder(ranks: Communicator | undefined, folder: string): Promise<void> {
  if (!ranks) return;
  const leads = ranks.rank === 0;
  const text = JSON.stringify(leads ? namesIn(folder) : null);
  const list = await ranks.fromFirst(leads ? new TextEncoder().encode(text) : null);
  if (!leads) makeFolder(folder);
  for (const name of JSON.parse(new TextDecoder().decode(list)) as string[]) {
    const path = join(folder, name);
    const bytes = await ranks.fromFirst(leads ? readBytes(path) : null);
    if (!leads) writeFile(path, (file) => writeAll(file, bytes));
  }
}

/** {@linkcode trainThroughTrouble}; ranks heed a stop only after an update that all end with. */
export function trainTogether(session: Session, options: RecoveryOptions): Promise<LoopResult> {
  if (!session.sharing) return trainThroughTrouble(session, options);
  const under = stopUnderWay();
  const stop = {
    get aborted() {
      return under.aborted || (options.stop?.aborted ?? false);
    },
  };
  return unstoppable(() => trainThroughTrouble(session, { ...options, stop }));
}

/** {@linkcode orStopped}; ranks end work that all of them do only together, between two measurements. */
export function orAllStopped<T>({ sharing }: Session, work: () => Promise<T>): Promise<T | null> {
  if (!sharing || sharing.ranks.size === 1) return orStopped(work);
  const stop = stopUnderWay();
  return orStopped(() => unstoppable(() => dealtTo(sharing.ranks, work, stop)));
}

/** A hash of every file that trains; of nothing where they come from a server. */
function codeHash(): string {
  if (!import.meta.url.startsWith("file:")) return "";
  const folders = ["../../src", "../../kernels"]
    .map((folder) => fileURLToPath(new URL(folder, import.meta.url)));
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
  );
  return hashOf(files.sort().map((path) => readBytes(path)));
}

function hashOf(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex").slice(0, 16);
}
