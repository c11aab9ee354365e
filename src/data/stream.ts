/**
 * The order of training: epoch after epoch of shuffled, packed micro-batches, with a share of
 * retention text mixed in. Everything is a function of the seed and the index of the micro-batch.
 *
 * @module
 */

import { type Example, lengthOf } from "./example.ts";
import { Mixture, type Places, type Source } from "./mixture.ts";
import { type Batch, batch, pack, packInOrder } from "./pack.ts";
import { permutation } from "../random.ts";
import { type Drawn, Retention } from "./retention.ts";

/** Settings of a stream. */
export interface StreamOptions {
  /** Tokens of a micro-batch, a multiple of 8. */
  readonly T: number;
  /** Its low 32 bits count. */
  readonly seed: number;
  /** False: documents keep their order, each micro-batch filled in turn. */
  readonly shuffle: boolean;
  /** The task examples by source, to be mixed by weight; each comes once an epoch where absent. */
  readonly sources?: readonly Source[];
  /** Text to remember, none where absent. */
  readonly retention?: readonly Example[];
  /** The share of all tokens that it should make up, 0 to 0.9; 0 where absent. */
  readonly retentionShare?: number;
}

/** Where an epoch begins: a function of the epoch, kept so that it is worked out once. */
interface EpochStart {
  readonly micro: number;
  readonly drawn: Drawn;
  /** Task tokens of the epochs before. */
  readonly taskTokens: number;
  readonly places: Places;
}

/** Micro-batches packed together: enough to fill them well, few enough to stay near the shuffle. */
const WINDOW = 64;

/**
 * Micro-batches without end, each by its index. An epoch holds every task example once, or as many
 * supervised tokens as that, of sources mixed by weight; retention examples are drawn in turn, whole, whenever the task tokens so far call for one.
 */
export class Stream {
  /** The task examples, then those of retention: what `documents[].example` of a batch indexes. */
  readonly examples: readonly Example[];
  readonly #options: StreamOptions;
  readonly #taskCount: number;
  readonly #mixture: Mixture | null;
  /** The task's part of a full micro-batch, in tokens. */
  readonly #taskRoom: number;
  readonly #retention: Retention;
  readonly #starts: EpochStart[];
  #planned: { epoch: number; micros: number[][] } = { epoch: -1, micros: [] };

  /**
   * A stream over the examples of a task.
   *
   * @throws {RangeError} if an option is out of range, or an example is longer than T.
   */
  constructor(task: readonly Example[], options: StreamOptions) {
    const { T, retention = [], retentionShare = 0 } = options;
    checkOptions(task.length, retention.length, T, retentionShare);
    this.examples = [...task, ...retention];
    this.#options = options;
    this.#taskCount = task.length;
    this.#mixture = options.sources ? new Mixture(task, options.sources, options) : null;
    const drawn = { documents: 0, tokens: 0 };
    this.#starts = [{ micro: 0, drawn, taskTokens: 0, places: this.#mixture?.start ?? [] }];
    this.#taskRoom = T * (1 - retentionShare);
    this.#retention = new Retention(retention, retentionShare, options.seed);
    const long = this.examples.find((example) => lengthOf(example) > T);
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
    const chosen = this.#plan(epoch)[index - this.micros(epoch)];
    return batch(this.examples, this.#options.T, chosen);
  }

  /** How many micro-batches the first `epochs` epochs hold. */
  micros(epochs: number): number {
    while (this.#starts.length <= epochs) this.#plan(this.#starts.length - 1);
    return this.#starts[epochs]!.micro;
  }

  /** How many of a batch's tokens are retention text; over `used`, its realised share. */
  retentionTokens({ documents }: Batch): number {
    const retained = documents.filter(({ example }) => this.isRetention(example));
    return retained.reduce((sum, { length }) => sum + length, 0);
  }

  /** Whether that one of `examples` is retention text. */
  isRetention(example: number): boolean {
    return example >= this.#taskCount;
  }

  /** The examples of each micro-batch of an epoch whose start is known. */
  #plan(epoch: number): number[][] {
    if (this.#planned.epoch === epoch) return this.#planned.micros;
    const before = this.#starts[epoch]!;
    const micros: number[][] = [];
    let { drawn, taskTokens } = before;
    const { order, places } = this.#order(epoch, before.places);
    this.#windows(order).forEach((window, number) => {
      const packed = this.#packWindow(window, taskTokens, drawn);
      const rows = this.#rowOrder(packed.micros, epoch, number);
      for (const row of rows) micros.push(packed.micros[row]!);
      taskTokens += this.#tokensOf(window);
      drawn = packed.drawn;
    });
    this.#planned = { epoch, micros };
    const micro = before.micro + micros.length;
    this.#starts[epoch + 1] = { micro, drawn, taskTokens, places };
    return micros;
  }

  /** The task examples of an epoch in their order, and where that leaves the sources. */
  #order(epoch: number, places: Places): { order: Iterable<number>; places: Places } {
    if (this.#mixture) return this.#mixture.epoch(places);
    const { seed, shuffle } = this.#options;
    const count = this.#taskCount;
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
        room = WINDOW * this.#taskRoom;
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

  /**
   * Each micro-batch takes the retention documents that are due when it opens, as far as they leave
   * room for the task document that opens it. Those that find no room so gather in micro-batches of
   * their own.
   */
  #packWindow(window: number[], taskTokensBefore: number, drawnBefore: Drawn): PackedWindow {
    const { T, shuffle } = this.#options;
    const tokens = this.#tokensOf(window);
    const retained: number[][] = [];
    let drawn = drawnBefore;
    const draw = (taskTokens: number, room: number) => {
      const next = this.#retention.draw(drawn, taskTokensBefore + taskTokens, room);
      drawn = next.drawn;
      retained.push(next.chosen.map((i) => this.#taskCount + i));
      return retained.at(-1)!;
    };
    const open = (length: number, placed: number) => {
      const filled = shuffle ? retained.length * this.#taskRoom : placed;
      const chosen = draw(Math.min(tokens, filled + this.#taskRoom), T - length);
      return T - this.#tokensOf(chosen);
    };
    const lengths = window.map((example) => this.#length(example));
    const rows = shuffle ? pack(lengths, T, open) : packInOrder(lengths, T, open);
    while (this.#retention.due(drawn, taskTokensBefore + tokens) >= T) draw(tokens, T);
    const micros = retained.map((chosen, row) => [
      ...(rows[row] ?? []).map((i) => window[i]!),
      ...chosen,
    ]);
    return { micros, drawn };
  }

  #tokensOf(chosen: readonly number[]): number {
    return countTokens(chosen.map((example) => this.examples[example]!));
  }

  #length(example: number): number {
    return lengthOf(this.examples[example]!);
  }
}

interface PackedWindow {
  readonly micros: number[][];
  readonly drawn: Drawn;
}

function countTokens(examples: readonly Example[]): number {
  return examples.reduce((sum, example) => sum + lengthOf(example), 0);
}

function checkOptions(task: number, retention: number, T: number, share: number): void {
  if (task === 0) throw new RangeError("Found no examples to train on, wanted at least one");
  if (!(T > 0 && T % 8 === 0)) throw new RangeError(`Found T = ${T}, wanted a multiple of 8`);
  if (!(share >= 0 && share <= 0.9)) {
    throw new RangeError(`Found a retention share of ${share}, wanted 0 to 0.9`);
  }
  if (share > 0 && retention === 0) {
    throw new RangeError(`Found no retention text for a share of ${share}, wanted some`);
  }
}
