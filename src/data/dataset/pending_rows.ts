/**
 * Rows that are read and wait on the disk until they are encoded.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { documentMaker, readContents } from "./contents.ts";
import type { DataEntry } from "../entry.ts";
import { DiskList, valueOf } from "../../io/store/disk_list.ts";
import type { LoadCounts } from "./examples.ts";
import { type PendingRow, RowBlock } from "./row_block.ts";

/** A line of JSON without the places that its row came from: a file may be moved. */
const withoutPlaces = (line: Uint8Array): string =>
  new TextDecoder().decode(line).replaceAll(/"origin":"(?:[^"\\]|\\.)*"/g, "");

/** Rows of one source after the other; a byte of each is in memory. */
export class PendingRows implements Disposable {
  readonly #rows = new DiskList<PendingRow>();
  /** Rows that are waited for, the next one last. */
  readonly #wanted: number[] = [];
  #order: Uint32Array = new Uint32Array();
  /** Rows of the order that have been looked at. */
  #passed = 0;

  readonly #hash = createHash("sha256");
  #contents: string | null = null;

  /** A hash of what all rows say, wherever they lie, once they are read. */
  get contents(): string {
    return this.#contents ??= this.#hash.digest("hex");
  }

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
    const documentOf = documentMaker(entry, false);
    for await (const sampled of readContents(entry, (what) => counts.noted[what]++, counts)) {
      documentOf(sampled);
      this.#hash.update(withoutPlaces(this.#rows.push([source, sampled])));
      onRow();
    }
  }

  /** A row, and the bytes of its line. */
  at(row: number): { readonly row: PendingRow; readonly length: number } {
    const line = this.#rows.line(row);
    return { row: valueOf(line), length: line.length };
  }

  /** Puts some rows before all others. */
  want(rows: readonly number[]): void {
    for (const row of rows.toReversed()) this.#wanted.push(row);
  }

  /** The order in which those follow that nobody has put before them. */
  foresee(order: Uint32Array): void {
    this.#order = order;
    this.#passed = 0;
  }

  /** The next rows that `take` does not refuse, until they fill a block or nobody wants more. */
  nextBlock(take: (row: number) => boolean): { readonly rows: number[]; readonly block: RowBlock } {
    const rows: number[] = [];
    const block = new RowBlock();
    for (let row = this.#next(); row !== undefined; row = block.isFull ? undefined : this.#next()) {
      if (!take(row)) continue;
      rows.push(row);
      block.push(this.#rows.line(row));
    }
    return { rows, block };
  }

  /** Removes the file. */
  [Symbol.dispose](): void {
    this.#rows[Symbol.dispose]();
  }

  #next(): number | undefined {
    return this.#wanted.pop() ?? this.#order[this.#passed++];
  }
}
