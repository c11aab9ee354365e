/**
 * Rows that are encoded while others are trained on.
 *
 * @module
 */

import type { DataEntry } from "../entry.ts";
import type { Example, Examples } from "../example.ts";
import { examplesIn } from "../store/record.ts";
import { ExampleStore } from "../store/example_store.ts";
import { Backlog } from "./backlog.ts";
import { addCounts, type LoadCounts, type LoadOptions, noCounts, requireRows } from "./examples.ts";
import { type EncoderSource, EncodingPool, faultOf, usefulWorkers } from "./pool.ts";
import type { Portion } from "./portion.ts";
import { Signal } from "./signal.ts";

/** In place of where an example is kept: it was left out, is with a worker, or waits. */
const LEFT_OUT = 0xfffffffd;
const UNDER_WAY = 0xfffffffe;
const WAITING = 0xffffffff;
const NO_TOKENS: Example = { ids: new Uint32Array(), labels: new Int32Array(), origin: "left out" };

/** They are far ahead of training; one more would take 40 MiB. */
const WORKERS = 2;

/** One entry and what came of its rows. */
interface ReadSource {
  readonly entry: DataEntry;
  readonly counts: LoadCounts;
  /** How many of its rows wait, or have waited. */
  readonly rows: number;
}

/** Limits that the model sets, and who hears of reading. */
export interface OnTheFlyOptions extends LoadOptions {
  /** Called for each row that was read. */
  readonly onRow?: (source: number) => void;
}

/**
 * The rows of several sources, one source after the other; each is an example, without tokens where
 * it was left out. All are read before there is such a list; workers encode them, first those that
 * are waited for, then in the order that is foreseen. 8 bytes of each are in memory.
 *
 * The first error of a row in that order is thrown at whoever waits next, for whatever.
 */
export class OnTheFlyRows implements Examples, AsyncDisposable {
  readonly #store = new ExampleStore();
  readonly #pool: EncodingPool;
  /** Where the store has each row. */
  readonly #places: Uint32Array;
  /** What is waited for, the next one last. */
  readonly #wanted: number[] = [];
  readonly #more = new Signal();
  #order: Uint32Array = new Uint32Array();
  /** Rows of the order that are encoded or with a worker. */
  #passed = 0;
  readonly #progress = new Signal();
  #encoded = 0;
  #fault: unknown = null;
  #closed = false;

  private constructor(
    private readonly backlog: Backlog,
    private readonly sources: readonly ReadSource[],
    from: EncoderSource,
    private readonly options: LoadOptions,
  ) {
    this.#places = new Uint32Array(backlog.length).fill(WAITING);
    const entries = sources.map(({ entry }) => entry);
    this.#pool = new EncodingPool(entries, from, options, usefulWorkers(WORKERS));
    this.#encode().catch((fault) => this.#stop(fault));
  }

  /**
   * Reads the rows of some entries; where a row can be more than one example, that is, under the
   * policy "split", they have to be encoded before.
   *
   * @throws {ConfigError} {FileError} as `readDocuments`.
   */
  static async read(
    entries: readonly DataEntry[],
    from: EncoderSource,
    { onRow = () => {}, ...options }: OnTheFlyOptions,
  ): Promise<OnTheFlyRows> {
    if (options.onTooLong === "split") throw new RangeError("Found pieces, wanted whole rows");
    const backlog = new Backlog();
    try {
      const sources: ReadSource[] = [];
      for (const [i, entry] of entries.entries()) {
        const counts = noCounts();
        const before = backlog.length;
        await backlog.read(entry, i, counts, () => onRow(i));
        sources.push({ entry, counts, rows: backlog.length - before });
        if (backlog.length === before) requireRows(entry, counts, options);
      }
      return new OnTheFlyRows(backlog, sources, from, options);
    } catch (fault) {
      backlog[Symbol.dispose]();
      throw fault;
    }
  }

  /** How many rows were read. */
  get length(): number {
    return this.backlog.length;
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
    let missing = this.#missing(rows);
    if (missing.length === 0) return;
    for (const row of missing.toReversed()) this.#wanted.push(row);
    this.#more.raise();
    for (; missing.length > 0; missing = this.#missing(missing)) await this.#next();
  }

  /** Tells the order in which all rows will be wanted: they are encoded ahead. */
  foresee(order: Uint32Array): void {
    this.#order = order;
    this.#passed = 0;
    this.#more.raise();
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

  /** Ends the workers and removes the files. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#more.raise();
    if (!this.isFinished) await this.#release();
    this.#store[Symbol.dispose]();
  }

  /** Lets go of what only encoding needs. */
  async #release(): Promise<void> {
    this.backlog[Symbol.dispose]();
    await this.#pool[Symbol.asyncDispose]();
  }

  #missing(rows: Iterable<number>): number[] {
    return Array.from(rows).filter((row) => this.#places[row]! >= UNDER_WAY);
  }

  async #next(): Promise<void> {
    await this.#progress.raised;
    if (this.#fault) throw this.#fault;
  }

  /** Keeps the workers busy until all rows are encoded; takes what they give in the same order. */
  async #encode(): Promise<void> {
    const underWay: { readonly rows: readonly number[]; readonly portion: Promise<Portion> }[] = [];
    while (!this.isFinished && !this.#closed) {
      while (underWay.length < this.#pool.room) {
        const { rows, block } = this.backlog.blockOf(() => this.#pick());
        if (rows.length === 0) break;
        underWay.push({ rows, portion: this.#pool.encode(block.bytes()) });
      }
      const first = underWay.shift();
      if (first) this.#take(first.rows, await first.portion);
      else await this.#more.raised;
    }
    if (this.isFinished) await this.#release();
  }

  /** The next row to encode; null while nobody wants one. */
  #pick(): number | null {
    const isNew = (row: number) => this.#places[row] === WAITING;
    let row = this.#wanted.pop();
    while (row !== undefined && !isNew(row)) row = this.#wanted.pop();
    while (row === undefined && this.#passed < this.#order.length) {
      const next = this.#order[this.#passed++]!;
      if (isNew(next)) row = next;
    }
    if (row === undefined) return null;
    this.#places[row] = UNDER_WAY;
    return row;
  }

  #take(rows: readonly number[], { words, examples, counts, fault }: Portion): void {
    if (this.#closed) return;
    const found = examplesIn(new Uint32Array(words));
    for (const [i, count] of examples.entries()) {
      this.#places[rows[i]!] = count === 0 ? LEFT_OUT : this.#store.length;
      if (count > 0) this.#store.keep(found.next().value!);
    }
    for (const [i, source] of this.sources.entries()) addCounts(source.counts, counts[i]!);
    if (fault) throw faultOf(fault);
    this.#requireRows();
    this.#encoded += rows.length;
    this.#progress.raise();
  }

  /** A source of which all was left out would be drawn from for ever. */
  #requireRows(): void {
    for (const { entry, counts, rows } of this.sources) {
      const { skipped, noted: { unsupervised } } = counts;
      if (counts.rows + skipped + unsupervised === rows) requireRows(entry, counts, this.options);
    }
  }

  #stop(fault: unknown): void {
    this.#fault = fault;
    this.#progress.raise();
  }
}
