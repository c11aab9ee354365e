/**
 * Rows that are read and wait on the disk until they are encoded.
 *
 * @module
 */

import { documentMaker, readContents } from "./contents.ts";
import type { DataEntry } from "../entry.ts";
import { DiskList } from "../store/disk_list.ts";
import type { LoadCounts } from "./examples.ts";
import { Block, type WaitingRow } from "./block.ts";

/** Rows of one source after the other; a byte of each is in memory. */
export class Backlog implements Disposable {
  readonly #rows = new DiskList<WaitingRow>();

  /** How many there are. */
  get length(): number {
    return this.#rows.length;
  }

  /**
   * Reads the rows of an entry and makes the document of each once, so that all errors show that are
   * not of tokens or of a chat template.
   *
   * @param counts what is left out, and what is a variant, is counted there.
   * @param source the number of the entry, for the worker.
   * @throws {ConfigError} {FileError} as `readDocuments`.
   */
  async read(
    entry: DataEntry,
    source: number,
    counts: LoadCounts,
    onRow: () => void,
  ): Promise<void> {
    const documentOf = documentMaker(entry);
    for await (const drawn of readContents(entry, (what) => counts.noted[what]++)) {
      documentOf(drawn);
      this.#rows.push([source, drawn]);
      onRow();
    }
  }

  /** The rows that `next` gives until there are enough for a block, or null. */
  blockOf(next: () => number | null): { readonly rows: number[]; readonly block: Block } {
    const rows: number[] = [];
    const block = new Block();
    while (!block.isFull) {
      const row = next();
      if (row === null) break;
      rows.push(row);
      block.push(this.#rows.line(row));
    }
    return { rows, block };
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    this.#rows[Symbol.dispose]();
  }
}
