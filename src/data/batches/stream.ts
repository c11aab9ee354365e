/**
 * The order of training: epoch after epoch of shuffled, packed micro-batches. Everything is a
 * function of the seed and the index of the micro-batch.
 *
 * @module
 */

import { type Examples, packedLength } from "../example.ts";
import { permutation } from "../../random.ts";
import { type Cursors, Epoch, type Order, wholeOrder } from "./epoch.ts";
import { Mixture, type Source } from "./mixture.ts";
import { type Batch, batch } from "./pack.ts";
import { MixtureSampler } from "./sampler.ts";

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
  readonly cursors: Cursors;
}

interface Opened {
  readonly number: number;
  readonly epoch: Epoch;
  readonly order: Order;
}

/**
 * Micro-batches without end, each by its index. An epoch holds every example once, or as many
 * supervised tokens as that, of sources mixed by weight. Packed is what is asked for, so the next
 * micro-batch never waits for a whole epoch.
 */
export class Stream {
  /** What `documents[].example` of a batch indexes. */
  readonly examples: Examples;
  readonly #options: StreamOptions;
  readonly #mixture: Mixture | null;
  readonly #starts: EpochStart[];
  #open: Opened | null = null;

  /**
   * A stream over examples.
   *
   * @throws {RangeError} if there are none or T is out of range; when it is packed, if an example is
   * longer than T.
   */
  constructor(examples: Examples, options: StreamOptions) {
    const { T } = options;
    if (examples.length === 0) {
      throw new RangeError("Found no examples to train on, wanted at least one");
    }
    if (!(T > 0 && T % 8 === 0)) throw new RangeError(`Found T = ${T}, wanted a multiple of 8`);
    this.examples = examples;
    this.#options = options;
    this.#mixture = options.sources ? new Mixture(examples, options.sources, options) : null;
    this.#starts = [{ micro: 0, cursors: this.#mixture?.start ?? [] }];
    if (examples.foresee && this.#mixture) examples.foresee(this.#mixture.foreseen());
    else if (examples.foresee) {
      const order = this.#shuffled(0);
      examples.foresee(order);
      this.#open = this.#opened(0, wholeOrder(order));
    }
  }

  /**
   * The micro-batch of that index, counted from 0 over all epochs; asked for one at a time. Waits
   * where examples are encoded while others are trained on.
   *
   * @throws {ConfigError} {FileError} if any of the examples so far cannot be used.
   */
  async micro(index: number): Promise<Batch> {
    await this.examples.arrived?.([]); // throws what has been found of others
    for (let number = this.#epochOf(index);; number++) {
      const epoch = this.#epoch(number);
      const at = index - this.#starts[number]!.micro;
      const chosen = await epoch.micro(at);
      if (chosen === null) {
        await this.#close(number);
        continue;
      }
      if (this.#mixture && epoch.isLast(at)) {
        this.#options.onEpochEnd?.(number, this.#mixture.tokensBySource(epoch.examples));
      }
      return batch(this.examples, this.#options.T, chosen);
    }
  }

  /** How many micro-batches the first `epochs` epochs hold. Packs all of them. */
  async micros(epochs: number): Promise<number> {
    while (this.#starts.length <= epochs) await this.#close(this.#starts.length - 1);
    return this.#starts[epochs]!.micro;
  }

  /** The last epoch that is known to begin before. */
  #epochOf(index: number): number {
    let number = this.#open?.number ?? 0;
    while (this.#starts[number]!.micro > index) number--;
    return number;
  }

  /** An epoch whose start is known. */
  #epoch(number: number): Epoch {
    if (this.#open?.number !== number) {
      const order = this.#mixture
        ? new MixtureSampler(this.#mixture, this.#starts[number]!.cursors)
        : wholeOrder(this.#shuffled(number));
      this.#open = this.#opened(number, order);
    }
    return this.#open.epoch;
  }

  #opened(number: number, order: Order): Opened {
    const { T, seed, shuffle } = this.#options;
    const epoch = new Epoch(order, {
      ...{ T, seed, shuffle, number, mixture: this.#mixture ?? undefined },
      lengthAt: (example) => this.#lengthOf(example),
      arrived: async (examples) => await this.examples.arrived?.(examples),
    });
    return { number, epoch, order };
  }

  #lengthOf(index: number): number {
    const { T } = this.#options;
    const example = this.examples.at(index)!;
    const length = packedLength(example);
    if (length <= T) return length;
    const wanted = `wanted at most the micro-batch's ${T}`;
    throw new RangeError(`${example.origin}: found ${length} tokens, ${wanted}`);
  }

  /** Works out where the epoch after that one begins. */
  async #close(number: number): Promise<void> {
    if (this.#starts.length > number + 1) return;
    const micros = await this.#epoch(number).micros();
    if (micros === 0) throw new RangeError("Found examples of no tokens, wanted one that has some");
    const { cursors } = this.#open!.order;
    this.#starts.push({ micro: this.#starts[number]!.micro + micros, cursors });
  }

  /** All examples in the order of an epoch, where none are mixed. */
  #shuffled(epoch: number): Uint32Array {
    const { seed, shuffle } = this.#options;
    const { length } = this.examples;
    return shuffle ? permutation(length, seed, epoch) : Uint32Array.from(Array(length).keys());
  }
}
