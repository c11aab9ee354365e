/**
 * A model for programs: measure it, let it write.
 *
 * @module
 */
import type { FormatName } from "../formats/mod.ts";
import {
  type ChatTurn,
  encode,
  type EncodedPrompt,
  type Example,
  limitLength,
  promptOf,
  rowTokenizer,
} from "../data/mod.ts";
import { type Perplexity, perplexity } from "../eval/perplexity.ts";
import { encodeTask } from "../eval/tasks/encode.ts";
import type { TaskEntry } from "../eval/tasks/entry.ts";
import { readTasks } from "../eval/tasks/read.ts";
import type { TaskScores } from "../eval/tasks/report.ts";
import { type GenerateOptions, Generator } from "../inference/generator.ts";
import { stopIds } from "../inference/stop.ts";
import { type OpenModel, openModel } from "../inference/open.ts";
import { scoreModels } from "../forgetting/task_scores.ts";
import { streamText } from "../inference/text.ts";
import type { Device } from "../gpu/device.ts";
import { openTuned } from "../tune/cache.ts";
import { type HubOptions, locate } from "../io/hub/mod.ts";
import { LossProgram } from "../models/loss_program.ts";

/** How to load a model. */
export interface LoadOptions extends HubOptions {
  /** A PEFT folder, the folder of a run or a name on the hub, to put beside the base. */
  readonly adapter?: string;
  /** What the matrices of the base are rounded to; as they are stored where absent. */
  readonly quantize?: FormatName;
  /** A device that the caller keeps; one is opened, and closed with the model, where absent. */
  readonly device?: Device;
}

/** How a model writes. */
export interface WriteOptions extends Omit<GenerateOptions, "fromCache"> {
  /** Texts that end it and are no part of it. */
  readonly stopStrings?: readonly string[];
}

/** How a model answers a chat. */
export interface ChatOptions extends WriteOptions {
  /**
   * A chat template by name (`chatml`, `llama-3`, ...) or as a file of Jinja, in place of the model's
   * own.
   */
  readonly template?: string | { readonly file: string };
}

/** How tasks are scored. */
export interface EvaluateOptions {
  /** Decides which rows are drawn again for intervals; 0 by default. */
  readonly seed?: number;
}

/** A model with its adapter on a device. */
export class LanguageModel implements Disposable {
  readonly #open: OpenModel;
  /** The device, where it was opened for this model. */
  readonly #own: Device | null;
  #isOver = false;

  /** Use {@linkcode loadModel}. */
  constructor(open: OpenModel, own: Device | null) {
    this.#open = open;
    this.#own = own;
  }

  /**
   * Answers tasks, whose rows have what is right, and scores the answers: by the base, and by the tuned
   * model beside it where there is an adapter. Scores are shares from 0 to 1, with 95 % intervals.
   *
   * @example
   * ```ts ignore
   * const [scores] = await model.evaluate([{ path: "test.jsonl", metrics: ["exact_match"] }]);
   * console.log(scores?.metrics["exact_match"]?.models["tuned"]?.mean);
   * ```
   *
   * @throws {ConfigError} for a format, a prompt or a metric that is not known.
   * @throws {FileError} for rows that cannot be read or have no answer.
   */
  async evaluate(
    tasks: readonly TaskEntry[],
    { seed = 0 }: EvaluateOptions = {},
  ): Promise<TaskScores[]> {
    this.#requireOpen();
    const { model } = this.#open;
    const tokenizer = rowTokenizer(model);
    const { context } = model.config;
    const encoded = (await readTasks(tasks)).map((task) =>
      encodeTask(task, tokenizer, { context })
    );
    return await scoreModels(this.#open, encoded, { seed });
  }

  /**
   * Measures texts, each alone: BOS where the model wants it, its tokens, cut at the context. The loss
   * is in nats a token.
   *
   * @throws {RangeError} where no text has a token to predict.
   * @throws {ConfigError} for a model with an encoder, to which a text alone is nothing.
   */
  async perplexity(texts: readonly string[]): Promise<Perplexity> {
    this.#requireOpen();
    const { engine, model, adapt } = this.#open;
    const examples = texts.map((text, i) => encodeText(text, i, this.#open)).filter((e) =>
      e !== null
    );
    const longest = Math.max(8, ...examples.map(({ ids }) => ids.length));
    const T = Math.ceil(longest / 8) * 8;
    const program = await LossProgram.open(engine, model, { T, adapt });
    try {
      return await perplexity(program, examples);
    } finally {
      program.compiled.destroy();
    }
  }

  /**
   * Yields the text that follows a prompt, or where an encoder reads it answers it, piece by piece;
   * greedy unless a temperature is given. Several texts may be under way at a time, each over a
   * cache of its own.
   *
   * @throws {RangeError} where the prompt fills the context.
   */
  async *write(prompt: string, options: WriteOptions = {}): AsyncGenerator<string> {
    const tokenizer = rowTokenizer(this.#open.model);
    yield* this.#follow(promptOf({ kind: "text", text: prompt }, tokenizer), options);
  }

  /**
   * Yields the answer to the last turn of a chat piece by piece, through the model's own chat
   * template; as {@linkcode write} otherwise.
   *
   * @example
   * ```ts ignore
   * const turns = [{ role: "user", content: "What is the capital of France?" }] as const;
   * for await (const piece of model.chat(turns, { maxTokens: 20 })) console.log(piece);
   * ```
   *
   * @throws {ConfigError} where the model has no chat template and none is named.
   * @throws {FileError} where the template refuses the chat.
   * @throws {RangeError} where the chat fills the context.
   */
  async *chat(
    turns: readonly ChatTurn[],
    { template, ...options }: ChatOptions = {},
  ): AsyncGenerator<string> {
    const tokenizer = rowTokenizer(this.#open.model);
    yield* this.#follow(promptOf({ kind: "chat", turns }, tokenizer, { template }), options);
  }

  async *#follow({ ids, ends }: EncodedPrompt, options: WriteOptions): AsyncGenerator<string> {
    this.#requireOpen();
    const { engine, model, adapt } = this.#open;
    const { maxTokens = Infinity, stopStrings = [] } = options;
    if (!(maxTokens >= 0)) throw new RangeError(`Found ${maxTokens} maxTokens, wanted 0 or more`);
    const context = Math.min(model.config.context, ids.length + maxTokens);
    using generator = await Generator.open(engine, model, { context, adapt });
    const before = model.hasEncoder ? [] : ids;
    const how = { stop: [...stopIds(model), ...ends], ...options };
    yield* streamText(model.tokenizer, before, generator.generate(ids, how), stopStrings);
  }

  #requireOpen(): void {
    if (this.#isOver) throw new TypeError("Cannot use a model that has been disposed of");
  }

  /** Frees the weights, and the device where it was opened for this model; a second call nothing. */
  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#open[Symbol.dispose]();
    this.#own?.close();
  }
}

function encodeText(text: string, index: number, { model }: OpenModel): Example | null {
  const spans = [{ text, supervised: true, eos: false }];
  const document = { kind: "spans", spans, origin: `text ${index}` } as const;
  return limitLength(encode(document, rowTokenizer(model)), model.config.context, "truncate");
}

/**
 * Loads a model from a Hugging Face folder, a GGUF file, or the hub: `owner/name`,
 * `owner/name@revision`.
 * A folder of that name wins.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { loadModel } from "@graft/lora";
 *
 * using model = await loadModel("configs/quickstart/base");
 * const pieces = await Array.fromAsync(model.write("Sam went to the", { maxTokens: 3 }));
 * assert(pieces.join("").length > 0);
 * ```
 *
 * @throws {FileError} where a file is missing, damaged or of a kind that is not built, or the hub
 * does not give it.
 * @throws {ConfigError} where the adapter does not fit the model.
 * @throws {GpuError} where there is no GPU adapter.
 */
export async function loadModel(place: string, options: LoadOptions = {}): Promise<LanguageModel> {
  const { folder } = await locate(place, "model", options);
  const adapter = options.adapter && (await locate(options.adapter, "adapter", options)).folder;
  const device = options.device ?? await openTuned();
  const own = options.device ? null : device;
  try {
    return new LanguageModel(openModel(device, folder, adapter, options), own);
  } catch (fault) {
    own?.close();
    throw fault;
  }
}
