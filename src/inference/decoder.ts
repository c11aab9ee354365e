/**
 * The next tokens of many texts at once: each replay reads a token of all that are under way.
 *
 * @module
 */
import { ADAPTER_OF_ROW } from "../adapters/side_by_side.ts";
import { copyWithin, readFloats } from "../gpu/buffer.ts";
import type { Compiled, Engine } from "../graph/compile.ts";
import { bytesOf, type Value } from "../graph/graph.ts";
import type { Planned } from "../graph/planned.ts";
import type { Model, ModelGraph } from "../models/model.ts";
import type { Adapt } from "../models/layers/adapt.ts";
import { hiddenBy } from "../models/virtual.ts";
import { refuseEncoder } from "../models/layers/source_rows.ts";
import type { GeneratorOptions } from "./generator.ts";
import { checkPrompt } from "./prompt.ts";

/** More sequences at a time would gain little. */
const MOST_SLOTS = 128;
/** Rows of a replay while prompts are read, at least. */
const READ_ROWS = 64;
/** Asks for no scores: no row of any replay. */
const NO_ROW = 0xffffffff;
/** Goes through no adapter. */
const NO_ADAPTER = 0xffffffff;
/** What the caches of all sequences may take together. */
const CACHE_BYTES = 512 << 20;

/** What a decoder is made for. */
export interface BatchOptions extends GeneratorOptions {
  /** The most sequences under way at a time; 512 MiB of caches and the number 128 are limits too. */
  readonly slots?: number;
  /** Readers of sequences by their numbers, where `adapt` takes the adapter of each row. */
  readonly adapters?: readonly string[];
  /** Whether every tensor is trained, and so lies with the params; no by default. */
  readonly full?: boolean;
}

/** A text in a slot of the caches. */
export interface Sequence {
  /** Who reads it, where several have their texts in the same caches. */
  readonly reader?: string;
  /** Prompt and answer so far. */
  readonly ids: readonly number[];
  /** How many of them the slot holds. */
  cached: number;
  /** The first token of which the scores are wanted that follow it; the last one where absent. */
  readonly scoredFrom?: number;
}

/** A sequence, and what may follow one of its tokens. */
export interface Scored<S extends Sequence> {
  readonly slot: number;
  readonly sequence: S;
  /** The number of the token. */
  readonly position: number;
  readonly scores: Float32Array; // [vocabulary]
}

/** Tokens of a sequence that a replay reads. */
interface Piece<S extends Sequence> {
  readonly slot: number;
  readonly sequence: S;
  readonly count: number;
}

/** Reads sequences of one model beside each other, each in a slot of the caches. */
export class BatchDecoder implements Disposable {
  #reader: Compiled | null = null;

  private constructor(
    readonly model: Model,
    /** Tokens of prompt and answer together. */
    readonly context: number,
    /** Sequences under way at a time. */
    readonly slots: number,
    /** Reads a token of each. */
    private readonly program: Compiled,
    /** Opens the program that reads prompts, over the caches of the other. */
    private readonly openReader: () => Promise<Compiled>,
    /** Keys and values, [slots, context, width] each. */
    private readonly caches: readonly Value[],
    private readonly adapters: readonly string[] | undefined,
    private readonly adapt: Adapt | undefined,
  ) {}

  /**
   * Builds the programs and plans their memory.
   *
   * @throws {ConfigError} for a model with an encoder.
   * @throws {FileError} where the model lacks a tensor.
   * @throws {RangeError} where the context is longer than the adapter can attend to, or its caches
   * larger than it can bind.
   */
  static plan(
    engine: Engine,
    model: Model,
    options: BatchOptions = {},
  ): Planned<BatchDecoder> {
    refuseEncoder(model, "to write texts beside each other");
    const { context = model.config.context, adapt, adapters, full = false } = options;
    const graphOf = (slots: number, isReading = false) =>
      model.decodeGraph(engine, {
        T: rowsFor(slots, isReading),
        scored: rowsFor(slots),
        slots,
        context: Math.ceil(context / 8) * 8,
        adapt,
        full,
      });
    const single = graphOf(1);
    if (single.long) {
      // A text that becomes long is read again with other angles, each at another time.
      throw new RangeError(
        `Found a context of ${context} for sequences beside each other, wanted at most ` +
          `${single.long.than} of this model`,
      );
    }
    const slots = Math.min(options.slots ?? Infinity, slotsFor(engine, single));
    const reader = model.plan(engine, graphOf(slots, true));
    const decoding = graphOf(slots);
    const caches = decoding.graph.values.filter(isCache);
    return model.plan(engine, decoding).with(reader).as((program) => {
      const openReader = () => reader.open(program.resources);
      return new BatchDecoder(model, context, slots, program, openReader, caches, adapters, adapt);
    });
  }

  /** Frees programs and caches; the weights stay in the store. */
  [Symbol.dispose](): void {
    this.#reader?.destroy();
    this.program.destroy();
  }

  /** Virtual tokens in front of each sequence that are not read. */
  get hidden(): number {
    return hiddenBy(this.model, this.adapt);
  }

  /**
   * Puts what comes next of each sequence into its slot: all that is left where there is room.
   *
   * @param active The sequences by their slots, each with a token at least that is not cached.
   * @returns the scores that were wanted after what was read: of those read whole, as a rule.
   */
  async step<S extends Sequence>(active: ReadonlyMap<number, S>): Promise<Scored<S>[]> {
    const { hidden } = this;
    for (const sequence of active.values()) sequence.cached = Math.max(sequence.cached, hidden);
    const waiting = active.values().reduce((sum, { ids, cached }) => sum + ids.length - cached, 0);
    const isReading = waiting > rowsFor(this.slots);
    const program = isReading ? this.#reader ??= await this.openReader() : this.program;
    const pieces = piecesOf(active, rowsFor(this.slots, isReading), rowsFor(this.slots));
    const read = pieces.flatMap((piece) => Array.from({ length: piece.count }, () => piece));
    const positions = pieces.flatMap(({ sequence: { cached }, count }) =>
      Array.from({ length: count }, (_, i) => cached + i)
    );
    program.write("slot", Uint32Array.from(read, ({ slot }) => slot));
    program.write("position", Uint32Array.from(positions, (position) => position - hidden));
    program.write(
      "token",
      Uint32Array.from(read, ({ sequence }, row) => sequence.ids[positions[row]!]!),
    );
    program.write("count", Uint32Array.of(read.length));
    if (this.adapters) program.write(ADAPTER_OF_ROW, this.#adaptersOf(read));
    for (const { sequence, count } of pieces) sequence.cached += count;
    const isWanted = (row: number) => positions[row]! >= scoredFrom(read[row]!.sequence);
    const wanted = [...read.keys()].filter(isWanted);
    program.write("rows", new Uint32Array(rowsFor(this.slots)).fill(NO_ROW));
    program.write("rows", Uint32Array.from(wanted));
    program.program.replay();
    const scores = await this.#scores(program, wanted.length);
    return wanted.map((row, i) => ({
      ...read[row]!,
      position: positions[row]!,
      scores: scores[i]!,
    }));
  }

  /** Puts the first tokens that a slot holds into another, which is not under way, without reading. */
  copyPrefix(from: number, to: number, tokens: number): void {
    const { engine: { device }, resources } = this.program;
    const ranges = this.caches.map((cache) => {
      const { buffer } = resources.find(cache);
      const [, context, width] = cache.shape as [number, number, number];
      const at = (slot: number) => 4 * slot * context * width;
      const size = 4 * Math.max(0, tokens - this.hidden) * width;
      return { from: { buffer, offset: at(from), size }, to: at(to) };
    });
    copyWithin(device, ranges);
  }

  /** The number of the adapter that each row goes through. */
  #adaptersOf(read: readonly Piece<Sequence>[]): Uint32Array {
    return Uint32Array.from(read, ({ sequence: { reader = "" } }) => {
      const number = this.adapters!.indexOf(reader);
      return number < 0 ? NO_ADAPTER : number;
    });
  }

  /** Scores of the first so many rows that wanted some; waits for the GPU where there is one. */
  async #scores(program: Compiled, count: number): Promise<Float32Array[]> {
    if (count === 0) return [];
    const { vocabSize } = this.model.config;
    const width = Math.ceil(vocabSize / 4) * 4;
    const rows = { ...program.output("logits"), size: 4 * width * count };
    const scores = await readFloats(program.engine.device, rows);
    return Array.from(
      { length: count },
      (_, i) => scores.subarray(i * width, i * width + vocabSize),
    );
  }

  /** @throws {RangeError} where a prompt is empty, holds an id that is none, or fills the context. */
  check(prompt: readonly number[]): void {
    const { context, model: { virtualTokens, config: { vocabSize } } } = this;
    checkPrompt(prompt, { vocabSize, virtualTokens, context, most: context - 1 });
  }
}

const isCache = ({ kind, shape }: Value): boolean => kind === "state" && shape.length === 3;

/** Rows of a replay that reads a token of each slot, or prompts. */
const rowsFor = (slots: number, isReading = false): number =>
  Math.max(Math.ceil(slots / 4) * 4, isReading ? READ_ROWS : 0);

/** The first token of a sequence of which scores are wanted. */
export const scoredFrom = ({ ids, scoredFrom = ids.length - 1 }: Sequence): number => scoredFrom;

/**
 * What a replay of so many rows reads: a token of each sequence, and more of the first ones, of which
 * `scored` at most want scores.
 */
function piecesOf<S extends Sequence>(
  active: ReadonlyMap<number, S>,
  rows: number,
  scored: number,
): Piece<S>[] {
  const isWanted = (sequence: S) => sequence.cached >= scoredFrom(sequence);
  let left = rows - active.size;
  let leftScored = scored - active.values().filter(isWanted).toArray().length;
  return [...active].map(([slot, sequence]) => {
    const { ids, cached } = sequence;
    const unscored = Math.max(0, scoredFrom(sequence) - cached - 1);
    const more = Math.min(left, ids.length - cached - 1, unscored + leftScored);
    left -= more;
    leftScored -= Math.max(0, more - unscored);
    return { slot, sequence, count: 1 + more };
  });
}

/** How many sequences at a time the memory holds, and one binding; `graph` has the caches of one. */
export function slotsFor({ device }: Engine, { graph }: ModelGraph): number {
  const caches = graph.values.filter(({ kind }) => kind === "state").map(bytesOf);
  const together = caches.reduce((sum, bytes) => sum + bytes, 0);
  const { shape } = graph.outputs.get("logits")!;
  const { maxStorageBufferBindingSize: bound } = device.limits;
  const scored = 4 * Math.floor(bound / (4 * 4 * shape[1]!));
  const most = Math.min(CACHE_BYTES / together, bound / Math.max(...caches), scored, MOST_SLOTS);
  return Math.max(1, Math.floor(most));
}
