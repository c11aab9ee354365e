/**
 * Rows that are read and wait on the disk until they are encoded.
 *
 * @module
 */

import { documentMaker, readContents } from "./contents.ts";
import type { DataEntry } from "../entry.ts";
import { DiskList } from "../store/disk_list.ts";
import type { LoadCounts } from "./examples.ts";
import { type PendingRow, RowBlock } from "./row_block.ts";

/** Rows of one source after the other; a byte of each is in memory. */
export class PendingRows implements Disposable {
  readonly #rows = new DiskList<PendingRow>();

  get length(): number {
    return this.#rows.length;
  }

  /**
   * Reads the rows of an entry and makes the document of each once, so that all errors show that are
   * not of tokens or of a chat template.
   *
   * @param counts where rows left out and variants are counted.
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
    for await (const sampled of readContents(entry, (what) => counts.noted[what]++)) {
      documentOf(sampled);
      this.#rows.push([source, sampled]);
      onRow();
    }
  }

  /** The rows that `next` gives until a block is full or it gives null. */
  blockOf(next: () => number | null): { readonly rows: number[]; readonly block: RowBlock } {
    const rows: number[] = [];
    const block = new RowBlock();
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
