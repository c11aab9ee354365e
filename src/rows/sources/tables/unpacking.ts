/**
 * What threads that unpack tables have in common.
 *
 * @module
 */
import { once } from "node:events";
import { parentPort, workerData } from "node:worker_threads";
import { FileError } from "../../../errors.ts";
import type { UnpackSaid, UnpackTask } from "./mod.ts";

/** The most MiB that are unpacked together: values are objects before they are rows. */
export const MAX_MIB = 2048;
/** The most rows that are unpacked together; those of writers have at most 2^20. */
export const MAX_ROWS = 2 ** 24;
/** Rows that are handed on together. */
const TOGETHER = 256;

/** Says something to whoever has begun this thread. */
export const say = (said: UnpackSaid): void => parentPort!.postMessage(said);

/** Hands rows on, each as JSON, some at a time as they are asked for; `first` is the number of the first. */
export async function handOn(
  rows: readonly Record<string, unknown>[],
  toJson: (row: Record<string, unknown>) => string,
  first: number,
): Promise<void> {
  for (let at = 0; at < rows.length; at += TOGETHER) {
    say({ kind: "rows", first: first + at, json: rows.slice(at, at + TOGETHER).map(toJson) });
    await once(parentPort!, "message");
  }
}

/** Whatever a library finds wrong, as one sentence. */
export async function reading<T>(
  origin: string,
  kind: string,
  read: () => T | Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const reason = error instanceof Error ? error.message.split("\n")[0] : String(error);
    throw new FileError(`${origin}: cannot be read as ${kind} (${reason})`);
  }
}

/** Unpacks the file that this thread was begun with. */
export async function unpack(read: (path: string) => Promise<void>): Promise<void> {
  try {
    await read((workerData as UnpackTask).path);
    say({ kind: "end" });
  } catch (fault) {
    say({ kind: "fault", message: (fault as Error).message });
  }
}
