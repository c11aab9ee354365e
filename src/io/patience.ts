/**
 * Patience with a disk that refuses: whoever starts work says what becomes of a write that fails, and
 * all writes below ask it. What was to be written is still in memory, so a write can be done again.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { FileError } from "../errors.ts";

/** What becomes of files that cannot be written where they are to lie. */
export interface Patience {
  /** Where a path lies by now. */
  placed(path: string): string;
  /**
   * Where it is to be written.
   *
   * @throws {FileError} where that is known to be of no use.
   */
  target(path: string): string;
  /** Told of each write that was made. */
  written(): void;
  /**
   * Returns once it is worth to write `path` again, by then perhaps elsewhere.
   *
   * @throws {FileError} the fault, where it never will be.
   */
  refused(path: string, fault: FileError): void;
}

const all = new AsyncLocalStorage<Patience | null>();

/** Runs `work`, and all that it begins, with patience. */
export const withPatience = <T>(patience: Patience, work: () => T): T => all.run(patience, work);

/** Where a path lies by now. */
export const placed = (path: string): string => all.getStore()?.placed(path) ?? path;

/**
 * Writes `path` through `write`, as often as the patience of the work under way has it. Inside of
 * `write` there is none: a part that fails lets the whole fail.
 *
 * @throws {FileError} where the disk refuses.
 */
export function patiently<T>(path: string, write: (path: string) => T): T {
  const patience = all.getStore();
  if (!patience) return write(path);
  for (;;) {
    try {
      const written = all.run(null, () => write(patience.target(path)));
      all.run(null, () => patience.written());
      return written;
    } catch (fault) {
      if (!isRefusal(fault)) throw fault;
      all.run(null, () => patience.refused(path, fault));
    }
  }
}

/** Whether it was the disk that failed, not what was to be written. */
const isRefusal = (fault: unknown): fault is FileError =>
  fault instanceof FileError && fault.cause instanceof Error && "code" in fault.cause;
