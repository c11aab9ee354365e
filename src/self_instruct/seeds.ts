/**
 * The tasks of people that self-instruct begins with.
 *
 * @module
 */
import { own, text } from "../rows/sources/row.ts";
import { readRows } from "../rows/sources/read.ts";
import { FileError } from "../errors.ts";

/** Instructions that a prompt shows. */
export const SHOWN = 8;

/**
 * Reads the instructions of seed tasks, or of any rows that have an `instruction`, each once.
 *
 * @throws {FileError} for a row without one, or fewer instructions than a prompt shows.
 */
export async function readSeeds(path: string): Promise<string[]> {
  const found = new Set<string>();
  for await (const row of readRows(path)) {
    const instruction = text(row, "instruction").trim();
    if (instruction === "") {
      const named = own(row.fields, "id");
      const which = typeof named === "string" ? ` of ${named}` : "";
      throw new FileError(`${row.origin}: found an empty instruction${which}, wanted a text`);
    }
    found.add(instruction);
  }
  if (found.size >= SHOWN) return [...found];
  throw new FileError(
    `${path}: found ${found.size} instructions, wanted ${SHOWN} at least, for a prompt shows as many`,
  );
}
