/**
 * The rows of several sources, encoded by several cores: all before training, or while it runs.
 *
 * @module
 */

import type { DataEntry } from "../entry.ts";
import type { Example, Examples } from "../example.ts";
import { ExampleStore } from "../store/example_store.ts";
import { examplesIn } from "../store/record.ts";
import {
  addCounts,
  areLarge,
  type LoadCounts,
  type LoadOptions,
  noCounts,
  requireRows,
} from "./examples.ts";
import { PendingRows } from "./pending_rows.ts";
import { type LengthLimits, rowLengths, type SourceLengths, type WaitingRows } from "./lengths.ts";
import { EncodingPool, type TokenizerSource } from "./pool.ts";
import type { EncodedBlock } from "./row_block.ts";
import { Signal } from "./signal.ts";
import { tell } from "../../progress.ts";
import { heeding } from "../../stop.ts";

/** In place of where an example is kept: it was left out, is with a worker, or waits. */
const LEFT_OUT = 0xfffffffd;
const UNDER_WAY = 0xfffffffe;
const PENDING = 0xffffffff;
const NO_TOKENS: Example = { ids: new Uint32Array(), labels: new Int32Array(), origin: "left out" };
/** The most workers before training and beside it, where one more would take 40 MiB for nothing. */
const WORKERS = { before: 3, beside: 2 };

/** One entry and what came of its rows. */
interface ReadSource extends WaitingRows {
  readonly counts: LoadCounts;
}

/** Limits that the model sets, and who hears of rows. */
export interface DatasetOptions extends LoadOptions {
  /** Called for each row that was read. */
  readonly onRow?: (source: number) => void;
  /** Called with what came of each entry; what it throws is a fault of the rows. */
  readonly onEncoded?: (counts: readonly LoadCounts[]) => void;
  /** Threads that encode beside this one; as is useful for the size of the data where absent. */
  readonly workers?: number;
}

/**
 * All rows are read before there is a dataset. Then either {@link all} encodes them, or each is an
 * example, without tokens where it was left out, and those are encoded first that are waited for,
 * then the others in the order that is foreseen. 8 bytes of each are in memory.
 *
 * The first error of a row in the order of encoding is thrown at whoever waits next, for whatever.
 */
export class Dataset implements Examples, AsyncDisposable {
  readonly #store = new ExampleStore();
  /** Where the store has the first example of each row. */
  readonly #places: Uint32Array;
  readonly #more = new Signal();
  readonly #progress = new Signal();
  #pool: EncodingPool | null = null;
  #encoded = 0;
  #fault: unknown = null;
  #closed = false;

  private constructor(
    private readonly pending: PendingRows,
    private readonly sources: readonly ReadSource[],
    private readonly from: TokenizerSource,
    private options: DatasetOptions,
    private readonly isLarge: boolean,
  ) {
    this.#places = new Uint32Array(pending.length).fill(PENDING);
  }

  /**
   * Reads the rows of some entries.
   *
   * @throws {ConfigError} {FileError} as `readDocuments`.
   */
  static async read(
    entries: readonly DataEntry[],
    from: TokenizerSource,
    options: DatasetOptions,
  ): Promise<Dataset> {
    const pending = new PendingRows();
    try {
      const isLarge = await areLarge(entries);
      const sources: ReadSource[] = [];
      for (const [i, entry] of entries.entries()) {
        const counts = noCounts();
        const before = pending.length;
        await pending.read(entry, i, counts, () => options.onRow?.(i));
        sources.push({ entry, counts, first: before, rows: pending.length - before });
        if (pending.length === before) requireRows(entry, counts, options);
      }
      return new Dataset(pending, sources, from, options, isLarge);
    } catch (fault) {
      pending[Symbol.dispose]();
      throw fault;
    }
  }

  /** The lengths of the rows of each entry. */
  lengths(): SourceLengths[] {
    return rowLengths(this.pending, this.sources, this.from.tokenizer, this.options);
  }

  /** Sets how long rows may be, before any is encoded. */
  limit(limits: LengthLimits): void {
    this.options = { ...this.options, ...limits };
  }

  /** Whether a row can be more than one example. */
  get canSplit(): boolean {
    const { onTooLong, splitsTexts = false } = this.options;
    const hasTexts = this.sources.some(({ counts }) => Object.hasOwn(counts.formats, "text"));
    return onTooLong === "split" || (splitsTexts && hasTexts);
  }

  /** A hash of all rows as they were read. */
  get contents(): string {
    return this.pending.contents;
  }

  /** How many rows were read. */
  get length(): number {
    return this.pending.length;
  }

  /** How many of them are encoded. */
  get encoded(): number {
    return this.#encoded;
  }

  /** Whether all are. */
  get isFinished(): boolean {
    return this.#encoded === this.length;
  }

  /** The error at which it stopped, null while there is none. */
  get fault(): unknown {
    return this.#fault;
  }

  /** A row that has arrived. */
  at(row: number): Example | undefined {
    const place = this.#places[row];
    if (place === undefined) return undefined;
    if (place === LEFT_OUT) return NO_TOKENS;
    const example = this.#store.at(place);
    if (example) return example;
    throw new RangeError(`Found row ${row} not yet encoded, wanted one that was waited for`);
  }

  /**
   * Waits until some rows are encoded.
   *
   * @throws {ConfigError} {FileError} if any row so far cannot be used.
   */
  async arrived(rows: Iterable<number>): Promise<void> {
    if (this.#fault) throw this.#fault;
    this.#begin(WORKERS.beside);
    let missing = this.#missing(rows);
    if (missing.length === 0) return;
    this.pending.want(missing);
    this.#more.raise();
    for (; missing.length > 0; missing = this.#missing(missing)) await this.#next();
  }

  /**
   * Tells the order in which all rows will be wanted: they are encoded ahead.
   *
   * @throws {RangeError} under the policy "split", by which a row can be more than one example.
   */
  foresee(order: Uint32Array): void {
    if (this.canSplit) throw new RangeError("Found pieces, wanted whole rows");
    this.#foresee(order, WORKERS.beside);
  }

  /**
   * Waits until all rows are encoded, which must have been foreseen.
   *
   * @returns what came of each entry.
   * @throws {ConfigError} {FileError} if any row cannot be used, or no example of an entry is left.
   */
  async finished(): Promise<readonly LoadCounts[]> {
    if (this.#fault) throw this.#fault;
    while (!this.isFinished) await this.#next();
    return this.sources.map(({ counts }) => counts);
  }

  /**
   * Encodes all rows, in their order.
   *
   * @returns the examples, which live as long as the dataset: none of a row that was left out, each
   * piece of one that was split.
   * @throws {ConfigError} {FileError} as {@link finished}.
   */
  async all(): Promise<Examples> {
    this.#foresee(Uint32Array.from(this.#places.keys()), WORKERS.before);
    await this.finished();
    return this.#store;
  }

  /** Ends the workers and removes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#more.raise();
    if (!this.isFinished) await this.#release();
    this.#store[Symbol.dispose]();
  }

  /** Lets go of what only encoding needs. */
  async #release(): Promise<void> {
    this.pending[Symbol.dispose]();
    await this.#pool?.[Symbol.asyncDispose]();
  }

  #missing(rows: Iterable<number>): number[] {
    return Array.from(rows).filter((row) => this.#places[row]! >= UNDER_WAY);
  }

  async #next(): Promise<void> {
    await heeding(this.#progress.raised);
    if (this.#fault) throw this.#fault;
  }

  #foresee(order: Uint32Array, mostWorkers: number): void {
    this.pending.foresee(order);
    this.#begin(mostWorkers);
    this.#more.raise();
  }

  #begin(mostWorkers: number): void {
    if (this.#pool) return;
    const useful = this.isLarge ? Math.min(navigator.hardwareConcurrency, mostWorkers) : 0;
    const { workers = useful, onRow: _row, onEncoded: _encoded, ...options } = this.options;
    const entries = this.sources.map(({ entry }) => entry);
    this.#pool = new EncodingPool(entries, this.from, options, workers);
    this.#encode(this.#pool).catch((fault) => this.#stop(fault));
  }

  /** Keeps the workers busy until all rows are encoded; takes what they give in the same order. */
  async #encode(pool: EncodingPool): Promise<void> {
    const underWay: { readonly rows: readonly number[]; encoded: Promise<EncodedBlock> }[] = [];
    while (!this.isFinished && !this.#closed) {
      while (underWay.length < pool.capacity) {
        const { rows, block } = this.pending.nextBlock((row) => this.#hand(row));
        if (rows.length === 0) break;
        const encoded = pool.encode(block.bytes());
        encoded.catch(() => {/* seen where it is taken */});
        underWay.push({ rows, encoded });
      }
      const first = underWay.shift();
      if (first) this.#take(first.rows, await first.encoded);
      else await this.#more.raised;
    }
    if (this.isFinished) await this.#release();
  }

  /** Marks a row that goes to a worker; false where it was there before. */
  #hand(row: number): boolean {
    if (this.#places[row] !== PENDING) return false;
    this.#places[row] = UNDER_WAY;
    return true;
  }

  #take(rows: readonly number[], { words, examples, counts, fault }: EncodedBlock): void {
    if (this.#closed) return;
    const found = examplesIn(new Uint32Array(words));
    for (const [i, count] of examples.entries()) {
      this.#places[rows[i]!] = count === 0 ? LEFT_OUT : this.#store.length;
      for (let n = 0; n < count; n++) this.#store.keep(found.next().value!);
    }
    for (const [i, source] of this.sources.entries()) addCounts(source.counts, counts[i]!);
    if (fault) throw fault;
    this.#requireRows();
    const isLast = this.#encoded + rows.length === this.length;
    if (isLast) this.options.onEncoded?.(this.sources.map(({ counts }) => counts));
    this.#encoded += rows.length;
    tell("encoding rows", this.#encoded, this.length);
    this.#progress.raise();
  }

  /** A source of which all was left out would be sampled for ever. */
  #requireRows(): void {
    for (const { entry, counts, rows } of this.sources) {
      const leftOut = counts.skipped + counts.noted.unsupervised;
      if (leftOut === rows) requireRows(entry, counts, this.options);
    }
  }

  #stop(fault: unknown): void {
    this.#fault = fault;
    this.#progress.raise();
  }
}
