/**
 * Generation of many sequences at once.
 *
 * @module
 */
import type { Engine } from "../graph/compile.ts";
import type { Planned } from "../graph/planned.ts";
import type { Model } from "../models/model.ts";
import { random } from "../random.ts";
import { BatchDecoder, type BatchOptions, type Sequence } from "./decoder.ts";
import type { GenerateOptions } from "./generator.ts";
import { adjust, type Adjustment, likelihoods } from "./logits.ts";
import { sample } from "./sample.ts";
import { Seats } from "./seats.ts";
import { stopIds } from "./stop.ts";
import { stopAt } from "./text.ts";
import { tell } from "../progress.ts";
import { heed } from "../stop.ts";

export type { BatchOptions } from "./decoder.ts";

const NO_BIAS: Adjustment["bias"] = new Map();

/** Scores as a token is drawn by them; a greedy one by the model's own. */
const over = (scores: Float32Array, { temperature = 0 }: Pick<GenerateOptions, "temperature">) =>
  temperature === 0 || temperature === 1 ? scores : scores.map((score) => score / temperature);

/** How to continue prompts. */
export interface BatchGenerateOptions extends Omit<GenerateOptions, "fromCache"> {
  /** Texts that end an answer, which has the ids up to the one that completes such a text. */
  readonly stopStrings?: readonly string[];
  /** Taken from the scores of the tokens that the answer has already; 0 by default. */
  readonly presencePenalty?: Adjustment["presencePenalty"];
  /** Whether it is told how likely each token was; no by default. */
  readonly wantsLikelihoods?: boolean;
}

/** What followed a prompt. */
export interface Continuation {
  readonly ids: readonly number[];
  /** The id that ended it; null where the context, `maxTokens` or a text did. */
  readonly end: number | null;
  /**
   * Where they were wanted, the log-likelihoods in nats of the ids and of the one that ended it, by the
   * model's own scores over the temperature that they were drawn at.
   */
  readonly logLikelihoods?: readonly number[];
}

interface Answering extends Sequence {
  /** The number of its prompt. */
  readonly index: number;
  readonly promptLength: number;
  readonly ids: number[];
  readonly logLikelihoods: number[];
  /** How often each id was made. */
  readonly counts: Map<number, number>;
}

/** Continues many prompts with one model, over caches of its own. */
export class BatchGenerator implements Disposable {
  private constructor(private readonly decoder: BatchDecoder) {}

  /** Builds the programs and plans their memory; throws as {@linkcode BatchDecoder.plan}. */
  static plan(engine: Engine, model: Model, options: BatchOptions = {}): Planned<BatchGenerator> {
    return BatchDecoder.plan(engine, model, options).as((decoder) => new BatchGenerator(decoder));
  }

  /** Plans, loads and records; throws as {@link plan}. */
  static async open(
    engine: Engine,
    model: Model,
    options: BatchOptions = {},
  ): Promise<BatchGenerator> {
    return await BatchGenerator.plan(engine, model, options).open();
  }

  get model(): Model {
    return this.decoder.model;
  }

  /** Tokens of prompt and answer together. */
  get context(): number {
    return this.decoder.context;
  }

  /** Sequences under way at a time. */
  get slots(): number {
    return this.decoder.slots;
  }

  /**
   * What follows each prompt, in their order. Greedy unless a temperature is given. Tokens are drawn
   * by (seed, number of the prompt, index of the token), so that neither the number of slots nor the
   * other prompts change them.
   *
   * @throws {RangeError} where a prompt is empty, holds an id that is none, or fills the context.
   */
  async generate(
    prompts: readonly (readonly number[])[],
    options: BatchGenerateOptions = {},
  ): Promise<Continuation[]> {
    const { maxTokens = Infinity, seed = 0, stop = stopIds(this.model), ...how } = options;
    const { stopStrings = [], presencePenalty = 0, wantsLikelihoods = false } = options;
    const adjustment = { presencePenalty, frequencyPenalty: 0, bias: NO_BIAS };
    for (const prompt of prompts) this.decoder.check(prompt);
    if (maxTokens < 1) return prompts.map(() => ({ ids: [], end: null }));
    const waiting = prompts.map((prompt, index): Answering => {
      const counts = new Map<number, number>();
      const text = { ids: [...prompt], logLikelihoods: [], counts, cached: 0 };
      return { index, promptLength: prompt.length, ...text };
    });
    const active = new Map<number, Answering>(); // by slot
    const seats = new Seats<Answering>(this.decoder);
    const found: Continuation[] = [];
    for (let ended = 0; ended < prompts.length;) {
      heed();
      seats.fill(active, waiting);
      for (const { slot, sequence, scores } of await this.decoder.step(active)) {
        const { index, promptLength, ids, logLikelihoods, counts } = sequence;
        const made = ids.length - promptLength;
        const adjusted = adjust(scores, counts, adjustment);
        const token = sample(adjusted, how, random(seed, index, made));
        const end = stop.includes(token) ? token : null;
        if (wantsLikelihoods) logLikelihoods.push(likelihoods(over(scores, how), token, 0).own);
        if (end === null) {
          ids.push(token);
          counts.set(token, (counts.get(token) ?? 0) + 1);
        }
        const hasRoom = ids.length < Math.min(this.context, promptLength + maxTokens);
        if (end === null && hasRoom && !this.#hasStop(sequence, stopStrings)) continue;
        found[index] = {
          ...{ ids: ids.slice(promptLength), end },
          ...(wantsLikelihoods && { logLikelihoods }),
        };
        active.delete(slot);
        tell("answers", ++ended, prompts.length);
      }
    }
    return found;
  }

  /** Frees programs and caches; the weights stay in the store. */
  [Symbol.dispose](): void {
    this.decoder[Symbol.dispose]();
  }

  #hasStop({ ids, promptLength }: Answering, stops: readonly string[]): boolean {
    if (stops.length === 0) return false;
    return stopAt(this.model.tokenizer.decode(ids.slice(promptLength)), stops) >= 0;
  }
}
