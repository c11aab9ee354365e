/**
 * The order of training: epoch after epoch of shuffled, packed micro-batches. Everything is a
 * function of the seed and the index of the micro-batch.
 *
 * @module
 */

import { type Example, lengthOf } from "../example.ts";
import { Mixture, type Places, type Source } from "./mixture.ts";
import { type Batch, batch, pack, packInOrder } from "./pack.ts";
import { permutation } from "../../random.ts";

/** Settings of a stream. */
export interface StreamOptions {
  /** Tokens of a micro-batch, a multiple of 8. */
  readonly T: number;
  /** Its low 32 bits count. */
  readonly seed: number;
  /** False: documents keep their order, each micro-batch filled in turn. */
  readonly shuffle: boolean;
  /** The examples by source, to be mixed by weight; each comes once an epoch where absent. */
  readonly sources?: readonly Source[];
  /**
   * Told the supervised tokens of each source when the last micro-batch of an epoch is asked for;
   * only of sources that are mixed.
   */
  readonly onEpochEnd?: (epoch: number, tokensBySource: readonly number[]) => void;
}

/** Where an epoch begins: a function of the epoch, kept so that it is worked out once. */
interface EpochStart {
  readonly micro: number;
  readonly places: Places;
}

/** Micro-batches packed together: enough to fill them well, few enough to stay near the shuffle. */
const WINDOW = 64;

/**
 * Micro-batches without end, each by its index. An epoch holds every example once, or as many
 * supervised tokens as that, of sources mixed by weight.
 */
export class Stream {
  /** What `documents[].example` of a batch indexes. */
  readonly examples: readonly Example[];
  readonly #options: StreamOptions;
  readonly #mixture: Mixture | null;
  readonly #starts: EpochStart[];
  #planned: { epoch: number; micros: number[][] } = { epoch: -1, micros: [] };

  /**
   * A stream over examples.
   *
   * @throws {RangeError} if there are none, T is out of range, or an example is longer than T.
   */
  constructor(examples: readonly Example[], options: StreamOptions) {
    const { T } = options;
    if (examples.length === 0) {
      throw new RangeError("Found no examples to train on, wanted at least one");
    }
    if (!(T > 0 && T % 8 === 0)) throw new RangeError(`Found T = ${T}, wanted a multiple of 8`);
    this.examples = examples;
    this.#options = options;
    this.#mixture = options.sources ? new Mixture(examples, options.sources, options) : null;
    this.#starts = [{ micro: 0, places: this.#mixture?.start ?? [] }];
    const long = examples.find((example) => lengthOf(example) > T);
    if (long === undefined) return;
    throw new RangeError(
      `${long.origin}: found ${lengthOf(long)} tokens, wanted at most the micro-batch's ${T}`,
    );
  }

  /** The micro-batch of that index, counted from 0 over all epochs. */
  micro(index: number): Batch {
    let epoch = Math.max(0, this.#planned.epoch);
    while (this.micros(epoch) > index) epoch--;
    while (this.micros(epoch + 1) <= index) epoch++;
    const planned = this.#plan(epoch);
    if (this.#mixture && index + 1 === this.micros(epoch + 1)) {
      this.#options.onEpochEnd?.(epoch, this.#mixture.tokensBySource(planned.flat()));
    }
    return batch(this.examples, this.#options.T, planned[index - this.micros(epoch)]);
  }

  /** How many micro-batches the first `epochs` epochs hold. */
  micros(epochs: number): number {
    while (this.#starts.length <= epochs) this.#plan(this.#starts.length - 1);
    return this.#starts[epochs]!.micro;
  }

  /** The examples of each micro-batch of an epoch whose start is known. */
  #plan(epoch: number): number[][] {
    if (this.#planned.epoch === epoch) return this.#planned.micros;
    const before = this.#starts[epoch]!;
    const { order, places } = this.#order(epoch, before.places);
    const micros = this.#windows(order).flatMap((window, number) => {
      const packed = this.#pack(window);
      return Array.from(this.#rowOrder(packed, epoch, number), (row) => packed[row]!);
    });
    this.#planned = { epoch, micros };
    this.#starts[epoch + 1] = { micro: before.micro + micros.length, places };
    return micros;
  }

  /** The examples of an epoch in their order, and where that leaves the sources. */
  #order(epoch: number, places: Places): { order: Iterable<number>; places: Places } {
    if (this.#mixture) return this.#mixture.epoch(places);
    const { seed, shuffle } = this.#options;
    const count = this.examples.length;
    return { order: shuffle ? permutation(count, seed, epoch) : Array(count).keys(), places };
  }

  /** An order, cut into what is packed together. */
  #windows(order: Iterable<number>): number[][] {
    if (!this.#options.shuffle) return [[...order]];
    const windows: number[][] = [];
    let room = 0;
    for (const example of order) {
      if (room <= 0) {
        windows.push([]);
        room = WINDOW * this.#options.T;
      }
      windows.at(-1)!.push(example);
      room -= this.#length(example);
    }
    return windows;
  }

  /** Packing puts the longest first; training must not see them so. */
  #rowOrder(micros: readonly number[][], epoch: number, window: number): Iterable<number> {
    const { seed, shuffle } = this.#options;
    if (!shuffle) return micros.keys();
    const order = permutation(micros.length, seed, epoch, window);
    return this.#mixture?.balance(micros, order) ?? order;
  }

  /** The examples of each micro-batch of a window. */
  #pack(window: readonly number[]): number[][] {
    const { T, shuffle } = this.#options;
    const lengths = window.map((example) => this.#length(example));
    const rows = shuffle ? pack(lengths, T) : packInOrder(lengths, T);
    return rows.map((row) => row.map((i) => window[i]!));
  }

  #length(example: number): number {
    return lengthOf(this.examples[example]!);
  }
}
