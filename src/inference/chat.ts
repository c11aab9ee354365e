/**
 * A conversation with a model, whose cache is kept from turn to turn.
 *
 * @module
 */
import {
  chatPrompt,
  type ChatTemplate,
  type ChatTurn,
  hasTemplate,
  type RowTokenizer,
  rowTokenizer,
  today,
} from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import { refuseEncoder } from "../models/layers/source_rows.ts";
import { type GenerateOptions, Generator } from "./generator.ts";
import type { OpenAdapter, OpenModel } from "./open.ts";
import { Speed } from "./speed.ts";
import { stopIds } from "./stop.ts";
import { streamText } from "./text.ts";

/** A longer conversation must be asked for: the cache is made for the whole context at once. */
const DEFAULT_CONTEXT = 4096;

/** How a conversation is held. */
export interface ChatOptions extends Omit<GenerateOptions, "stop" | "fromCache"> {
  /** What the system says first; "" and by default nothing, or what the template says then. */
  readonly system?: string;
  /** In place of the model's own template. */
  readonly template?: ChatTemplate | null;
  /** The day that the template is told, as `YYYY-MM-DD`; by default that on which it begins. */
  readonly date?: string;

  /** Texts that end an answer and are no part of it. */
  readonly stopStrings?: readonly string[];
  /** Tokens of a conversation; the model's own limit, but at most 4096, by default. */
  readonly context?: number;
}

/** The base alone, and with the adapter that it was opened with; others have names of their own. */
const BASE = "base";
const TUNED = "tuned";

/** An answer that has come to its end. */
export interface Answer {
  readonly text: string;
  readonly end: "turn" | "maxTokens" | "context" | "interrupted";
  /** The conversation up to where the answer begins, as the model read it. */
  readonly prompt: readonly number[];
  /** How many tokens of it the cache held already. */
  readonly reused: number;
  readonly speed: Speed;
}

/** Thrown for a turn that the context has no room for. */
export class ContextFull extends RangeError {
  override name = "ContextFull";
}

/** Turns of a user and a model. */
export class Chat implements Disposable {
  /** Tokens that a conversation has room for. */
  readonly context: number;
  readonly #generators = new Map<string, Generator>();
  readonly #tokenizer: RowTokenizer;
  #system: string;
  readonly #date: string;

  #turns: readonly ChatTurn[] = [];
  #speaker: string;

  /**
   * @param others Adapters beside the one that the model was opened with, by name.
   * @throws {ConfigError} for a model with an encoder, or without a chat template where none is given.
   */
  constructor(
    private readonly open: OpenModel,
    private readonly options: ChatOptions = {},
    private readonly others: ReadonlyMap<string, OpenAdapter> = new Map(),
  ) {
    const { model } = open;
    const { system = "", template = null, context = DEFAULT_CONTEXT, date = today() } = options;
    refuseEncoder(model, "to chat with");
    this.#tokenizer = rowTokenizer(model);
    if (!template && !hasTemplate(this.#tokenizer)) {
      throw new ConfigError(
        `${model.folder}: found no chat template, wanted one in the model's folder or named`,
      );
    }
    this.context = Math.min(context, model.config.context);
    this.#system = system;
    this.#date = date;
    this.#speaker = this.speakers.find((name) => name !== BASE) ?? BASE;
  }

  /** The turns so far, that of the system first. */
  get turns(): readonly ChatTurn[] {
    return this.#system === ""
      ? this.#turns
      : [{ role: "system", content: this.#system }, ...this.#turns];
  }

  /** Who can answer: the base, then each adapter. */
  get speakers(): string[] {
    return [BASE, ...(this.open.adapter ? [TUNED] : []), ...this.others.keys()];
  }

  /** Who answers. */
  get speaker(): string {
    return this.#speaker;
  }

  /**
   * Lets another one answer from now on; each has a cache of its own over the same weights.
   *
   * @throws {ConfigError} where there is none of that name.
   */
  set speaker(speaker: string) {
    if (!this.speakers.includes(speaker)) {
      throw new ConfigError(
        this.speakers.length === 1
          ? "Found no adapter beside the base, wanted one to switch to"
          : `Found no adapter ${speaker}, wanted one of ${this.speakers.join(", ")}`,
      );
    }
    this.#speaker = speaker;
  }

  /** What the system says from now on, "" for nothing. */
  set system(text: string) {
    this.#system = text;
  }

  /** Begins a new conversation under the same system. */
  reset(): void {
    this.#turns = [];
  }

  /**
   * Yields the answer to a turn piece by piece. Where it throws, the turn has not been.
   *
   * @param signal Ends the answer, which stays as far as it came; a turn without any is taken back.
   * @throws {FileError} where the template refuses the conversation.
   * @throws {ContextFull} where it fills the context.
   */
  async *answer(content: string, signal?: AbortSignal): AsyncGenerator<string, Answer> {
    const { options: { template = null, stopStrings = [], maxTokens = Infinity } } = this;
    const turns = [...this.#turns, { role: "user", content } as const];
    const asked = [...this.turns, turns.at(-1)!];
    const { ids, ends } = chatPrompt(asked, this.#tokenizer, template, { date: this.#date });
    if (ids.length >= this.context) {
      throw new ContextFull(
        `Found ${ids.length} tokens in the conversation, wanted fewer than the ${this.context} ` +
          "of the context",
      );
    }
    const generator = await this.#generator();
    const reused = generator.commonWith(ids);
    const speed = new Speed(ids.length - reused);
    const how = { ...this.#how(turns.length), stop: [...stopIds(this.open.model), ...ends] };
    const made = speed.of(until(signal, generator.generate(ids, how)));
    let text = "";
    for await (const piece of streamText(this.open.model.tokenizer, ids, made, stopStrings)) {
      text += piece;
      yield piece;
    }
    const isInterrupted = signal?.aborted ?? false;
    if (text !== "" || !isInterrupted) {
      this.#turns = [...turns, { role: "assistant", content: text }];
    }
    const tokens = ids.length + speed.made;
    const end = isInterrupted
      ? "interrupted"
      : tokens >= this.context
      ? "context"
      : speed.made >= maxTokens
      ? "maxTokens"
      : "turn";
    return { text, end, prompt: ids, reused, speed };
  }

  /** Frees programs and caches; the model stays open. */
  [Symbol.dispose](): void {
    for (const generator of this.#generators.values()) generator[Symbol.dispose]();
  }

  /** Each answer of a conversation is drawn by a seed of its own. */
  #how(turn: number): GenerateOptions {
    const { maxTokens, seed = 0, temperature, topK, topP, minP } = this.options;
    return {
      fromCache: true,
      seed: seed + turn,
      ...(maxTokens !== undefined && { maxTokens }),
      ...(temperature !== undefined && { temperature }),
      ...(topK !== undefined && { topK }),
      ...(topP !== undefined && { topP }),
      ...(minP !== undefined && { minP }),
    };
  }

  async #generator(): Promise<Generator> {
    const found = this.#generators.get(this.#speaker);
    if (found) return found;
    const { engine, model, adapt } = this.open;
    const other = this.others.get(this.#speaker);
    const made = await Generator.open(other?.engine ?? engine, model, {
      context: this.context,
      adapt: other?.adapter.adapt ?? (this.#speaker === TUNED ? adapt : undefined),
    });
    this.#generators.set(this.#speaker, made);
    return made;
  }
}

/** Ids until a signal comes. */
async function* until(signal: AbortSignal | undefined, ids: AsyncIterable<number>) {
  for await (const id of ids) {
    if (signal?.aborted) return;
    yield id;
  }
}
