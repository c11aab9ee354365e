/**
 * Rows that are encoded together, in whichever thread.
 *
 * @module
 */

import type { SampledContent } from "./contents.ts";
import type { DataEntry } from "../entry.ts";
import type { RowTokenizer } from "../example.ts";
import {
  type EncodeRow,
  type LoadCounts,
  type LoadOptions,
  noCounts,
  rowEncoder,
} from "./examples.ts";
import { linesIn, valueOf } from "../../io/store/disk_list.ts";
import { GrowableArray } from "../../io/store/growable_array.ts";
import { recordOf } from "../store/record.ts";

/** A row to encode and which entry of the config it is from; it travels as a line of JSON. */
export type PendingRow = readonly [source: number, sampled: SampledContent];

/** The most rows of a block, and the bytes from which on it is full. */
const ROWS = 256;
const BYTES = 1 << 20;

/** Lines of rows (see `PendingRow`), one after the other. */
export class RowBlock {
  #bytes = new Uint8Array(1 << 16);
  #filled = 0;
  #length = 0;

  /** Adds a copy of a line. */
  push(line: Uint8Array): void {
    const end = this.#filled + line.length;
    if (end > this.#bytes.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.#bytes.subarray(0, this.#filled));
      this.#bytes = larger;
    }
    this.#bytes.set(line, this.#filled);
    this.#filled = end;
    this.#length++;
  }

  get isFull(): boolean {
    return this.#length >= ROWS || this.#filled >= BYTES;
  }

  /** A copy of all lines. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#filled);
  }
}

/** What came of the rows of a block, up to the first that cannot be used. */
export interface EncodedBlock {
  /** The records of the examples, one after the other: 32-bit words. */
  readonly words: ArrayBuffer;
  /** How many examples each row came to. */
  readonly examples: readonly number[];
  /** Of each entry. */
  readonly counts: readonly LoadCounts[];
  /** What is wrong with the row after those. */
  readonly fault?: Error;
}

/** Encodes blocks of the rows of some entries. */
export class BlockEncoder {
  // In one piece of memory: many small ones would fill it with holes.
  readonly #words = new GrowableArray(Uint32Array);
  readonly #entries: readonly DataEntry[];
  #encoders: readonly EncodeRow[] | null = null;

  /** @param tokenizer asked for at the first block, whose error it is if there can be none. */
  constructor(
    entries: readonly DataEntry[],
    private readonly options: LoadOptions,
    private readonly tokenizer: () => RowTokenizer,
  ) {
    this.#entries = entries;
  }

  /** What becomes of a block; an error is part of it. */
  encode(block: Uint8Array): EncodedBlock {
    const counts = this.#entries.map(() => noCounts());
    const examples: number[] = [];
    this.#words.clear();
    const encoded = () => ({ words: this.#words.copy().buffer, examples, counts });
    try {
      this.#encoders ??= this.#open();
      for (const line of linesIn(block)) {
        const [source, sampled] = valueOf<PendingRow>(line);
        const found = this.#encoders[source]!(sampled, counts[source]!);
        for (const example of found) this.#words.append(recordOf(example));
        examples.push(found.length);
      }
    } catch (fault) {
      return { ...encoded(), fault: fault as Error };
    }
    return encoded();
  }

  #open(): EncodeRow[] {
    const tokenizer = this.tokenizer();
    return this.#entries.map((entry) => rowEncoder(entry, tokenizer, this.options));
  }
}
