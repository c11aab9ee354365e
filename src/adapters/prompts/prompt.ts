/**
 * Virtual tokens that are trained in front of every document: their params in graphs and in the store.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import type { Graph } from "../../graph/graph.ts";
import type { Flat, Store } from "../../graph/store.ts";
import type { Adapt } from "../../models/layers/adapt.ts";
import { keptRowsOf } from "../../models/kept_rows.ts";
import type { Model, Modules } from "../../models/model.ts";
import type { PromptRows } from "../peft/adapter.ts";
import type { EncoderOptions, Numbers, PromptMethod, PromptParams, PromptSizes } from "./method.ts";

/** How many virtual tokens there are where nothing says so; as many as in PEFT's examples. */
const TOKENS = 20;

/** What a fresh prompt is made of; keys of the config table. */
export interface PromptOptions extends EncoderOptions {
  /** How many virtual tokens; those of the text, or 20 where there is none, by default. */
  readonly num_virtual_tokens?: number;
  /** A text whose embeddings it begins as, over and over where it is shorter; random by default. */
  readonly prompt_tuning_init_text?: string;
}

/** The virtual tokens of an adapter. */
export class Prompt {
  readonly #params: PromptParams;

  private constructor(
    readonly sizes: PromptSizes,
    params: PromptParams,
    /** Fields of PEFT's config that say what its numbers come from. */
    readonly fields: Readonly<Record<string, unknown>>,
    /** What it begins with, of the store; random where absent. */
    private readonly source?: Numbers,
  ) {
    this.#params = params;
  }

  /**
   * A fresh one.
   *
   * @throws {ConfigError} for a model that cannot have one.
   */
  static fresh(
    method: PromptMethod,
    model: Model,
    modules: Modules,
    options: PromptOptions,
  ): Prompt {
    const { num_virtual_tokens: wanted, prompt_tuning_init_text: text } = options;
    const ids = text === undefined ? [] : model.tokenizer.encode(text);
    if (text !== undefined && ids.length === 0) {
      throw new ConfigError(
        `adapter.prompt_tuning_init_text: found ${JSON.stringify(text)}, which has no tokens`,
      );
    }
    const sizes = sizesOf(method, model, modules, wanted ?? (ids.length || TOKENS));
    if (method.encodes(options)) return Prompt.#encoded(method, sizes, options);
    const plain = method.plain(sizes);
    if (text === undefined) return new Prompt(sizes, plain, {});
    const repeated = Array.from({ length: sizes.tokens }, (_, i) => ids[i % ids.length]!);
    return new Prompt(sizes, plain, {}, plain.fromFile(embedded(model, repeated)));
  }

  static #encoded(method: PromptMethod, sizes: PromptSizes, options: EncoderOptions): Prompt {
    const { encoder_hidden_size: inner = method.dim(sizes), prefix_projection } = options;
    if (inner % 4 !== 0) {
      throw new ConfigError(
        `adapter.encoder_hidden_size: found ${inner}, wanted a multiple of 4`,
      );
    }
    const fields = {
      encoder_hidden_size: inner,
      ...(prefix_projection !== undefined && { prefix_projection }),
    };
    return new Prompt(sizes, method.encoder!(sizes, inner), fields);
  }

  /**
   * One that was read from a folder, whose encoder is gone where it had one.
   *
   * @throws {ConfigError} where it does not fit the model.
   */
  static of(method: PromptMethod, model: Model, modules: Modules, rows: PromptRows): Prompt {
    const sizes = sizesOf(method, model, modules, rows.tokens);
    const [found, wanted] = [rows.numbers.length / rows.tokens, method.width(sizes)];
    if (found === wanted) {
      const plain = method.plain(sizes);
      return new Prompt(sizes, plain, {}, plain.fromFile(rows.numbers));
    }
    throw new ConfigError(
      `The adapter has ${rows.tokens} virtual tokens of ${found} numbers, the model has ${wanted} for ` +
        `a token of ${method.name}`,
    );
  }

  /** Puts them into a graph that is built. */
  get adapt(): Pick<Adapt, "virtual"> {
    const { params, virtual } = this.#params;
    const param = (graph: Graph, name: string) => {
      const { shape, layout } = params.get(name)!;
      return graph.param(name, shape, layout);
    };
    return { virtual: { count: this.sizes.tokens, ...virtual(param) } };
  }

  /** Fills the store: with what it begins with, or at random. */
  load(store: Store, seed: number): void {
    const numbers = this.source ?? this.#params.fresh(seed);
    for (const [name, kept] of numbers) store.writeParam(name, kept);
  }

  /** Reads them back as PEFT's file has them, or what else lies in their place. */
  async read(store: Store, flat?: Flat): Promise<PromptRows> {
    const numbers = new Map<string, Float32Array>();
    for (const name of this.#params.params.keys()) {
      numbers.set(name, await store.readParam(name, flat));
    }
    return { tokens: this.sizes.tokens, numbers: this.#params.toFile(numbers) };
  }
}

/** @throws {ConfigError} for a model that cannot have virtual tokens. */
function sizesOf(
  { name }: PromptMethod,
  { hasEncoder, scores, config: { context } }: Model,
  { hidden, keyWidths }: Modules,
  tokens: number,
): PromptSizes {
  const refuse = (found: string, wanted: string) =>
    new ConfigError(`adapter.method: found ${name} ${found}, wanted ${wanted}`);
  if (hasEncoder) throw refuse("for a model with an encoder", "a decoder alone");
  if (scores > 0) throw refuse("beside a head of scores", "a model that writes");
  const [keyWidth = 0] = keyWidths;
  if (keyWidths.some((width) => width !== keyWidth)) {
    throw refuse(`for layers with keys of ${keyWidths} numbers`, "the same width in every layer");
  }
  if (tokens >= context) {
    throw refuse(`with ${tokens} virtual tokens`, `fewer than the context of ${context}`);
  }
  return { tokens, hidden, layers: keyWidths.length, keyWidth };
}

/** The embeddings of tokens, as a graph has them. */
function embedded({ tensors, config }: Model, ids: readonly number[]): Float32Array {
  const { embedScale = 1 } = config as { readonly embedScale?: number };
  return keptRowsOf(tensors, tensors.embedding, ids).map((x) => embedScale * x);
}
