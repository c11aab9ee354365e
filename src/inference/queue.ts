/**
 * Requests that come at any time, answered beside each other: each replay makes the next token of all
 * that one decoder has under way, and who has ended makes room for who waits.
 *
 * @module
 */
import { random } from "../random.ts";
import type { BatchDecoder, Scored, Sequence } from "./decoder.ts";
import { adjust, type Adjustment, type Likelihood, likelihoods } from "./logits.ts";
import { sample, type SampleOptions } from "./sample.ts";
import { Seats } from "./seats.ts";

/** Something to be continued. */
export interface QueuedRequest extends SampleOptions, Adjustment {
  /** Who answers, by the name that the queue knows it by. */
  readonly name: string;
  readonly prompt: readonly number[];
  readonly maxTokens: number;
  /** Ids that end it and are not part of it. */
  readonly stop: readonly number[];
  readonly seed: number;
  /** The number of this answer among those to the prompt: each is drawn for itself. */
  readonly choice: number;
  /** How many of the likeliest tokens are told beside each that was made; null for no likelihoods. */
  readonly likeliest: number | null;
}

/** A token of an answer. */
export interface MadeToken {
  readonly id: number;
  /** Its own likelihood and those of the likeliest, where they were asked for. */
  readonly likelihood?: { readonly own: number; readonly likeliest: readonly Likelihood[] };
}

/** Why an answer ended: at an id that ends it, or where `maxTokens` or the context did. */
export type AnswerEnd = "stop" | "length";

/** An answer under way. */
export interface QueuedAnswer {
  /** Yields its tokens as they are made and returns why they ended. */
  readonly tokens: AsyncGenerator<MadeToken, AnswerEnd>;
  /** Ends it at the next token: nobody listens any more. */
  abandon(): void;
}

/** Thrown where more requests wait than are let in. */
export class QueueFull extends Error {
  override name = "QueueFull";
}

/** A request under way, and the tokens that nobody has taken yet. */
class Answering implements Sequence {
  readonly ids: number[];
  cached = 0;
  /** How often each id was made. */
  readonly counts = new Map<number, number>();
  readonly #made: MadeToken[] = [];
  #end: AnswerEnd | null = null;
  #fault: unknown = null;
  #wake: () => void = () => {};
  /** Nobody listens any more. */
  isAbandoned = false;

  constructor(readonly request: QueuedRequest) {
    this.ids = [...request.prompt];
  }

  get reader(): string {
    return this.request.name;
  }

  add(token: MadeToken): void {
    this.ids.push(token.id);
    this.counts.set(token.id, (this.counts.get(token.id) ?? 0) + 1);
    this.#made.push(token);
    this.#wake();
  }

  finish(end: AnswerEnd): void {
    this.#end = end;
    this.#wake();
  }

  fail(fault: unknown): void {
    this.#fault = fault ?? new Error("the queue is closed");
    this.#wake();
  }

  abandon(): void {
    this.isAbandoned = true;
    this.finish("length");
  }

  /** The tokens as they are made. */
  async *tokens(): AsyncGenerator<MadeToken, AnswerEnd> {
    try {
      for (;;) {
        const token = this.#made.shift();
        if (token) yield token;
        else if (this.#fault) throw this.#fault;
        else if (this.#end) return this.#end;
        else await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      this.isAbandoned = true;
    }
  }
}

/** Answers requests over the slots of decoders that share their caches. */
export class RequestQueue implements Disposable {
  readonly #waiting: Answering[] = [];
  readonly #active = new Map<number, Answering>();
  readonly #seats: Seats<Answering>;
  #isRunning = false;
  #isClosed = false;

  /**
   * @param decoders By name, all with the same slots and over the same caches; several names may have
   * one.
   * @param most Requests that may wait beside those under way.
   */
  constructor(
    private readonly decoders: ReadonlyMap<string, BatchDecoder>,
    private readonly most: number,
  ) {
    this.#seats = new Seats(decoders.values().next().value!);
  }

  /** Requests under way. */
  get active(): number {
    return this.#active.size;
  }

  /** Requests that wait for a slot. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Begins an answer to a prompt; whoever stops taking its tokens ends it too.
   *
   * @throws {RangeError} where the prompt is empty, holds an id that is none, or fills the context.
   * @throws {QueueFull} where too many wait.
   */
  submit(request: QueuedRequest): QueuedAnswer {
    const decoder = this.decoders.get(request.name);
    if (!decoder) throw new RangeError(`Found no model ${request.name}`);
    decoder.check(request.prompt);
    if (this.#waiting.length >= this.most) {
      throw new QueueFull(`Found ${this.most} requests waiting, wanted fewer`);
    }
    const answering = new Answering(request);
    if (request.maxTokens < 1) answering.finish("length");
    else this.#waiting.push(answering);
    if (this.#isClosed) answering.fail(null);
    this.#run();
    return { tokens: answering.tokens(), abandon: () => answering.abandon() };
  }

  /** Ends all requests; the decoders stay open. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const answering of [...this.#waiting, ...this.#active.values()]) answering.fail(null);
    this.#waiting.length = 0;
    this.#active.clear();
  }

  #run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#loop().finally(() => this.#isRunning = false);
  }

  /** Replays in turn each decoder that has requests, until there are none. */
  async #loop(): Promise<void> {
    for (;;) {
      this.#admit();
      if (this.#active.size === 0) return;
      for (const decoder of new Set(this.decoders.values())) {
        const mine = new Map(
          [...this.#active].filter(([, { request }]) =>
            this.decoders.get(request.name) === decoder
          ),
        );
        if (mine.size === 0) continue;
        try {
          for (const scored of await decoder.step(mine)) this.#take(scored, decoder);
        } catch (fault) {
          for (const [slot, answering] of mine) {
            answering.fail(fault);
            this.#active.delete(slot);
            answering.cached = 0; // nobody knows how far it came
          }
        }
      }
    }
  }

  /** Lets go of those whom nobody listens to, and gives free slots to those who wait. */
  #admit(): void {
    for (const [slot, answering] of this.#active) {
      if (answering.isAbandoned) this.#active.delete(slot);
    }
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      if (this.#waiting[i]!.isAbandoned) this.#waiting.splice(i, 1);
    }
    this.#seats.fill(this.#active, this.#waiting);
  }

  #take({ slot, sequence, scores }: Scored<Answering>, { context }: BatchDecoder): void {
    if (this.#active.get(slot) !== sequence) return; // closed meanwhile
    const { request, ids, counts } = sequence;
    const made = ids.length - request.prompt.length;
    try {
      const adjusted = adjust(scores, counts, request);
      const id = sample(adjusted, request, random(request.seed, request.choice, made));
      if (request.stop.includes(id)) {
        this.#active.delete(slot);
        return sequence.finish("stop");
      }
      const { likeliest } = request;
      sequence.add(
        likeliest === null ? { id } : {
          id,
          likelihood: likelihoods(scores, id, likeliest),
        },
      );
      if (made + 1 < request.maxTokens && ids.length < context) return;
      this.#active.delete(slot);
      sequence.finish("length");
    } catch (fault) {
      this.#active.delete(slot);
      sequence.fail(fault);
    }
  }
}
