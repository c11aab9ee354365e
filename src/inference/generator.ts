/**
 * Generation over a cache of keys and values: the prompt in pieces, then one token at a time.
 *
 * @module
 */
import { readFloats, type Slice } from "../gpu/buffer.ts";
import { Ring } from "../gpu/ring.ts";
import type { Compiled, Engine } from "../graph/compile.ts";
import { Resources } from "../graph/resources.ts";
import type { Model } from "../models/model.ts";
import { hiddenBy } from "../models/virtual.ts";
import type { Adapt } from "../models/layers/adapt.ts";
import { SOURCE_LAST } from "../models/layers/source_rows.ts";
import { ANGLE_ROW, type LongAngles } from "../models/layers/rope.ts";
import { random } from "../random.ts";
import { checkPrompt } from "./prompt.ts";
import { sample, type SampleOptions } from "./sample.ts";
import { SourceReader } from "./source.ts";
import { stopIds } from "./stop.ts";
import { heed } from "../stop.ts";

/** Rows of a replay while a prompt is read: more would only be faster for long prompts. */
const MOST_ROWS = 64;
/** While a short one is read, as the next turn of a chat is: software Vulkan pays for every row. */
const FEW_ROWS = 16;
/** For single tokens: the fewest that every kernel takes. */
const DECODE_ROWS = 4;
/** Rows whose scores one replay gives. */
const SCORED_ROWS = 4;
/** Asks for no scores: no row of any replay. */
const NO_ROW = 0xffffffff;

/** How to continue a prompt. */
export interface GenerateOptions extends Partial<SampleOptions> {
  /** The most tokens to make; the context's end by default. */
  readonly maxTokens?: number;
  /** Tokens are drawn by (seed, index of the token), so the same seed gives the same text. */
  readonly seed?: number;
  /** Ids that end the text and are not part of it; the model's own by default. */
  readonly stop?: readonly number[];
  /**
   * Whether what the cache holds of the prompt's beginning is not read again; false by default. The
   * scores are the same but for rounding, as pieces of a prompt are cut elsewhere.
   */
  readonly fromCache?: boolean;
}

/** What a generator is made for. */
export interface GeneratorOptions {
  /**
   * Tokens of prompt and answer that the cache has room for, of each where an encoder reads the
   * prompt; the model's own limit by default.
   */
  readonly context?: number;
  readonly adapt?: Adapt | undefined;
}

/** Continues prompts with one model, one text at a time, over caches of its own. */
export class Generator implements Disposable {
  readonly #scores: Ring<void>;
  /** The tokens in the cache, by position. */
  readonly #held: number[] = [];
  /** First row of the angles that the text under way turns by. */
  #angles = 0;
  /** The last row of the source under way. */
  #sourceLast = 0;
  /** Programs by their rows; those that read prompts are made when first wanted. */
  private readonly programs = new Map<number, Compiled>();

  private constructor(
    private readonly model: Model,
    /** Tokens of prompt and answer together. */
    readonly context: number,
    private readonly decode: Compiled,
    private readonly openProgram: (rows: number) => Promise<Compiled>,
    private readonly long: LongAngles | undefined,
    /** Reads prompts, where an encoder does. */
    private readonly source: SourceReader | null,
    private readonly caches: Resources,
    private readonly adapt: Adapt | undefined,
  ) {
    this.#scores = new Ring(decode.engine.device, model.config.vocabSize, { slots: 1 });
    this.programs.set(DECODE_ROWS, decode);
  }

  /**
   * Builds the program for single tokens, loads and records it.
   *
   * @throws {FileError} where the model lacks a tensor.
   * @throws {RangeError} where the context is longer than the adapter can attend to.
   */
  static async open(
    engine: Engine,
    model: Model,
    { context = model.config.context, adapt }: GeneratorOptions = {},
  ): Promise<Generator> {
    const sizes = { context: Math.ceil(context / 8) * 8, scored: SCORED_ROWS, adapt };
    const build = (T: number) => model.decodeGraph(engine, { T, ...sizes });
    const single = build(DECODE_ROWS);
    const caches = new Resources(engine.device);
    const source = model.hasEncoder
      ? new SourceReader(engine, model, { context: sizes.context, adapt, caches })
      : null;
    const openProgram = (rows: number) => model.plan(engine, build(rows)).open(caches);
    try {
      const decode = await model.plan(engine, single).open(caches);
      return new Generator(
        ...[model, context, decode, openProgram, single.long, source, caches, adapt] as const,
      );
    } catch (fault) {
      caches[Symbol.dispose]();
      throw fault;
    }
  }

  /**
   * Yields the ids that follow `prompt`, without the one that ends them. Greedy unless a
   * temperature is given.
   *
   * @throws {RangeError} where the prompt is empty, holds an id that is none, or fills the context.
   */
  async *generate(
    prompt: readonly number[],
    options: GenerateOptions = {},
  ): AsyncGenerator<number> {
    const { maxTokens = Infinity, seed = 0, stop = stopIds(this.model), ...how } = options;
    this.#check(prompt, this.source ? this.context : this.context - 1);
    const begun = await this.#begin(prompt);
    const most = Math.min(maxTokens, this.context - begun.length);
    const all = [...begun];
    let position = how.fromCache ? this.#common(begun) : 0;
    let next = begun.slice(position);
    for (let index = 0; index < most; index++) {
      heed();
      if (this.#turnsAnew(all.length)) [next, position] = [all.slice(), 0];
      // One wait for the GPU a token cannot be helped: the token decides what is computed next.
      const scores = await this.#lastScores(next, position);
      const token = sample(scores, how, random(seed, index));
      if (stop.includes(token)) return;
      yield token;
      all.push(token);
      position += next.length;
      next = [token];
    }
  }

  /**
   * Yields the scores (logits) that follow each token of `ids` that is read, [vocabulary] each. Where
   * an encoder reads `source`, the decoder reads `ids`.
   *
   * @throws {RangeError} as {@link generate}.
   */
  async *scores(ids: readonly number[], source = ids): AsyncGenerator<Float32Array> {
    this.#check(ids, this.context);
    this.#check(source, this.context);
    await this.#begin(source);
    const { vocabSize } = this.model.config;
    const logits = this.decode.output("logits");
    const own = ids.slice(this.hidden);
    this.#turnsAnew(own.length);
    for (let from = 0; from < own.length; from += SCORED_ROWS) {
      heed();
      const piece = own.slice(from, from + SCORED_ROWS);
      this.#feed(this.decode, piece, from, [...piece.keys()]);
      this.decode.program.replay();
      const scores = await readFloats(this.decode.engine.device, logits);
      for (const row of piece.keys()) {
        const begin = row * scores.length / SCORED_ROWS;
        yield scores.subarray(begin, begin + vocabSize);
      }
    }
  }

  /** How many tokens of a prompt the cache holds from its beginning on; all but its last at most. */
  commonWith(prompt: readonly number[]): number {
    return this.#common(prompt.slice(this.hidden));
  }

  /** Virtual tokens in front of each text that are not read. */
  get hidden(): number {
    return hiddenBy(this.model, this.adapt);
  }

  #common(prompt: readonly number[]): number {
    if (this.source) return 0;
    const differs = prompt.findIndex((id, i) => id !== this.#held[i]);
    return Math.min(differs < 0 ? prompt.length : differs, prompt.length - 1);
  }

  /** Frees programs and caches; the weights stay in the store. */
  [Symbol.dispose](): void {
    this.caches[Symbol.dispose]();
    this.#scores.destroy();
    for (const program of this.programs.values()) program.destroy();
    this.source?.[Symbol.dispose]();
  }

  /** What the decoder begins with: the prompt, or where an encoder reads that, its start token. */
  async #begin(prompt: readonly number[]): Promise<readonly number[]> {
    if (!this.source) return prompt.slice(this.hidden);
    await this.source.read(prompt);
    this.#sourceLast = prompt.length - 1;
    return [this.model.config.target!.start];
  }

  /**
   * Whether a text of so many tokens turns by other angles than before. What is cached has been
   * turned already, so all of the text is to be read again, as transformers does.
   */
  #turnsAnew(length: number): boolean {
    const { than, offset } = this.long ?? { than: Infinity, offset: 0 };
    const angles = length > than ? offset : 0;
    const changes = angles !== this.#angles;
    this.#angles = angles;
    return changes;
  }

  /** Feeds `ids` from `position` on and returns the scores after the last one. */
  async #lastScores(ids: readonly number[], position: number): Promise<Float32Array> {
    const rows = rowsFor(ids.length);
    const program = await this.#program(rows);
    let from = 0;
    for (; from + rows < ids.length; from += rows) {
      this.#feed(program, ids.slice(from, from + rows), position + from, []);
      program.program.replay();
    }
    const last = ids.slice(from);
    this.#feed(program, last, position + from, [last.length - 1]);
    const firstRow: Slice = { ...program.output("logits"), size: 4 * this.model.config.vocabSize };
    program.program.replay({ after: (encoder) => this.#scores.load(encoder, [firstRow]) });
    this.#scores.send();
    const [arrival] = await this.#scores.drain();
    return arrival!.values;
  }

  async #program(rows: number): Promise<Compiled> {
    const found = this.programs.get(rows) ?? await this.openProgram(rows);
    this.programs.set(rows, found);
    return found;
  }

  /** The one sequence is in slot 0, which the inputs begin with. */
  #feed(program: Compiled, ids: readonly number[], position: number, rows: number[]): void {
    this.#held.splice(position, Infinity, ...ids);
    program.write("token", Uint32Array.from(ids));
    program.write("position", Uint32Array.from(ids, (_, i) => position + i));
    if (this.long) {
      program.write(ANGLE_ROW, Uint32Array.from(ids, (_, i) => this.#angles + position + i));
    }
    if (this.source) {
      program.write(SOURCE_LAST, Uint32Array.from(ids, () => this.#sourceLast));
    }
    program.write("count", Uint32Array.of(ids.length));
    program.write("rows", new Uint32Array(SCORED_ROWS).fill(NO_ROW));
    program.write("rows", Uint32Array.from(rows));
  }

  #check(ids: readonly number[], most: number): void {
    const { context, model: { virtualTokens, config: { vocabSize } } } = this;
    checkPrompt(ids, { vocabSize, virtualTokens, context, most });
  }
}

/** Rows of the program that reads so many tokens. */
function rowsFor(tokens: number): number {
  if (tokens === 1) return DECODE_ROWS;
  return tokens <= 2 * FEW_ROWS ? FEW_ROWS : MOST_ROWS;
}
