/**
 * An adapter on a model: modules that a method changes, and tensors that are trained whole beside
 * them.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import type { Engine } from "../graph/compile.ts";
import type { Flat, Store } from "../graph/store.ts";
import type { Adapt } from "../models/layers/adapt.ts";
import type { Model, Modules } from "../models/model.ts";
import { HEAD } from "../models/stored.ts";
import { Adapted, type ModuleOptions } from "./adapted.ts";
import { unmatched } from "./choose.ts";
import type { Measured } from "./init/init.ts";
import type { InitName } from "./init/mod.ts";
import { hasFactors, hasRank, type MethodName, methodOf, METHODS } from "./methods/mod.ts";
import type { PeftAdapter } from "./peft/adapter.ts";
import { type BottleneckOptions, hubConfigFor } from "./peft/adapter_hub_config.ts";
import { type Bias, isWhole, type PeftConfig } from "./peft/config.ts";
import { saves } from "./peft/targets.ts";
import type { PromptMethod } from "./prompts/method.ts";
import { isPromptMethod, PROMPT_METHODS, promptMethodOf } from "./prompts/mod.ts";
import { Prompt, type PromptOptions } from "./prompts/prompt.ts";
import type { TokenIds } from "./peft/tokens.ts";
import { tokenIds, type Tokens, TrainedTokens } from "./trained_tokens.ts";
import { refuseOtherBase, Whole } from "./whole.ts";

/** What an adapter is made of; the keys of the config table. */
export interface AdapterOptions extends ModuleOptions, PromptOptions, BottleneckOptions {
  /** LoRA by default. */
  readonly method?: MethodName;
  /** Its initial values; those of the method by default. */
  readonly init?: InitName;
  /** Ranks by module that were shared out anew; those of the options by default. */
  readonly ranks?: ReadonlyMap<string, number>;
  /** The share of a layer's input that the update does not see in training; 0 by default. */
  readonly dropout?: number;
  /** Whether B alone is trained and A stays as it is (LoRA-FA); false by default. */
  readonly freeze_a?: boolean;
  /** Modules that are trained whole, by the ends of their names. */
  readonly modules_to_save?: readonly string[];
  /** Which biases are trained; none by default. */
  readonly bias?: Bias;
  /** Tokens whose rows of the embedding, or of the modules named, are trained; none by default. */
  readonly trainable_token_indices?: Tokens;
}

/** What of an adapter is not in the store. */
type Settings = Pick<PeftAdapter, "rank" | "alpha" | "rslora" | "targetModules" | "config">;

/** An adapter for graphs of one model. */
export class Adapter {
  /** For the graphs of the model. */
  readonly adapt: Adapt;

  private constructor(
    private readonly model: Model,
    readonly adapted: Adapted,
    private readonly whole: Whole,
    private readonly tokens: TrainedTokens,
    private readonly settings: Settings,
    private readonly prompt?: Prompt,
  ) {
    this.adapt = { ...adapted.adapt, ...whole.adapt, ...tokens.adapt, ...prompt?.adapt };
    if (prompt) model.prepend(prompt.sizes.tokens);
    const both = tokens.modules.find((module) => this.#changes(module));
    if (both === undefined) return;
    throw new ConfigError(
      `${both} is adapted or saved as a whole and has trainable tokens, wanted one of the two`,
    );
  }

  /**
   * A fresh adapter.
   *
   * @throws {ConfigError} where a name matches nothing, a module is to be adapted and saved, or a
   * rank exceeds a module's size.
   */
  static fresh(engine: Engine, model: Model, options: AdapterOptions): Adapter {
    if (isPromptMethod(options.method)) {
      const found = PROMPT_METHODS[options.method];
      return Adapter.#ofPrompt(
        engine,
        model,
        found,
        (modules) => Prompt.fresh(found, model, modules, options),
      );
    }
    const modules = model.modules(engine);
    const hub = options.method === "bottleneck"
      ? hubConfigFor(options, model.checkpoint.config, modules.hidden)
      : undefined;
    const method = hub ? methodOf(hub) : METHODS[options.method ?? "lora"];
    const { dropout: lora_dropout = 0 } = options;
    const { alpha, rslora = false } = hasFactors(method) ? options : { alpha: 0 };
    const rank = hasRank(method) ? options.rank : 0;
    const { modules_to_save: saved = [], bias = "none", trainable_token_indices: asked } = options;
    const adapted = Adapted.fresh(modules, { ...options, method, saved });
    const ids = asked && tokenIds(asked, (text) => model.tokenizer.encode(text));
    const config = {
      ...(ids && { trainable_token_indices: ids }),
      ...{ modules_to_save: saved.length > 0 ? saved : null, bias, lora_dropout },
      ...(method.field !== undefined && { [method.field]: true }),
      ...(method.peftType !== undefined && { peft_type: method.peftType }),
      ...hub,
    };
    const shapes = wholeShapes(modules, adapted, config);
    const names = [...shapes.keys()];
    const none = saved.find((name) => !names.some((tensor) => saves([name], tensor)));
    if (none !== undefined) {
      const all = [...modules.tensors.keys()].map((tensor) => tensor.replace(/\.\w+$/, ""));
      throw unmatched("modules_to_save", none, all);
    }
    if (bias !== "none" && !names.some((name) => name.endsWith(".bias"))) {
      throw new ConfigError(
        `adapter.bias is "${bias}", but no such module of the model has a bias`,
      );
    }
    const targetModules = adapted.shortNames(modules, saved);
    const sizes = adapted.method.written?.sizes({ rank, alpha }) ?? { rank, alpha };
    const settings = { ...sizes, rslora, targetModules, config };
    const tokens = trainedTokens(model, modules, ids);
    return new Adapter(model, adapted, new Whole(model.tensors, shapes), tokens, settings);
  }

  /**
   * The shape of an adapter that was read from a folder; {@link load} fills in its numbers. To train
   * it on, it is told how, which may be another way than it was trained in.
   *
   * @throws {ConfigError} where it has what the model lacks or has in another shape, or lacks what
   * its config names.
   * @throws {FileError} where it was made for another embedding.
   */
  static of(
    engine: Engine,
    model: Model,
    adapter: PeftAdapter,
    training: Pick<AdapterOptions, "dropout" | "freeze_a"> = {},
  ): Adapter {
    const { prompt, config: read } = adapter;
    const promptMethod = promptMethodOf(read);
    if (promptMethod && prompt) {
      return Adapter.#ofPrompt(
        engine,
        model,
        promptMethod,
        (modules) => Prompt.of(promptMethod, model, modules, prompt),
        read,
      );
    }
    const { dropout = 0 } = training;
    const modules = model.modules(engine);
    const method = methodOf(adapter.config);
    const adapted = Adapted.of(modules, adapter.modules, { ...training, method });
    refuseOtherBase(model.tensors, adapter);
    const shapes = wholeShapes(modules, adapted, adapter.config);
    const config = { ...adapter.config, lora_dropout: dropout };
    const whole = Whole.of(model.tensors, shapes, adapter.whole ?? []);
    const { trainable_token_indices: ids } = config as Partial<PeftConfig>;
    const tokens = trainedTokens(model, modules, ids ?? undefined, adapter.tokens);
    return new Adapter(model, adapted, whole, tokens, { ...adapter, config });
  }

  /** One of virtual tokens alone. */
  static #ofPrompt(
    engine: Engine,
    model: Model,
    method: PromptMethod,
    made: (modules: Modules) => Prompt,
    read: PeftAdapter["config"] = {},
  ): Adapter {
    const modules = model.modules(engine);
    const prompt = made(modules);
    const { sizes } = prompt;
    const config = {
      ...read,
      peft_type: method.peftType,
      num_layers: sizes.layers,
      num_attention_heads: method.heads(sizes, model.config),
      token_dim: method.dim(sizes),
      ...prompt.fields,
    };
    const settings = { rank: 0, alpha: 0, rslora: false, targetModules: [], config };
    const nothing = new Whole(model.tensors, new Map());
    const none = Adapted.of(modules, [], {});
    return new Adapter(model, none, nothing, trainedTokens(model, modules), settings, prompt);
  }

  /** The names of the tensors that it changes. */
  get tensors(): string[] {
    return [...this.changed, ...this.tokens.modules.map((module) => `${module}.weight`)];
  }

  /** Those of which it changes more than rows of tokens. */
  get changed(): string[] {
    return [...this.adapted.modules.map((module) => `${module}.weight`), ...this.whole.names];
  }

  #changes(module: string): boolean {
    const { changed, model: { config: { tied }, tensors } } = this;
    const isHead = tied && `${module}.weight` === tensors.embedding;
    return changed.includes(`${module}.weight`) || (isHead && changed.includes(HEAD));
  }

  /** Fills the store: from the folder it was read from, or afresh by the seed. */
  load(store: Store, seed: number, measured?: Measured): void {
    this.adapted.load(store, seed, this.model.tensors, measured);
    this.whole.load(store);
    this.tokens.load(store);
    this.prompt?.load(store, seed);
  }

  /** Reads the adapter back, for saving; with `flat` what else lies in its place. */
  async read(store: Store, baseModel: string, flat?: Flat): Promise<PeftAdapter> {
    const { rank, alpha, rslora, targetModules, config } = this.settings;
    if (this.prompt) {
      const prompt = await this.prompt.read(store, flat);
      return { baseModel, rank, alpha, rslora, targetModules, modules: [], prompt, config };
    }
    const modules = await this.adapted.read(store, flat);
    const whole = await this.whole.read(store, flat);
    const tokens = await this.tokens.read(store, flat);
    return { baseModel, rank, alpha, rslora, targetModules, modules, whole, tokens, config };
  }

  /**
   * What a param is where the adapter is the base, as the store keeps it; undefined for a param that
   * may keep its numbers.
   */
  base(param: string): Float32Array | undefined {
    return this.adapted.atBase(param, this.model.tensors) ?? this.whole.base(param) ??
      this.tokens.base(param);
  }
}

function trainedTokens(
  { tensors, config: { tied: isTied }, hasEncoder }: Model,
  { linear, tables }: Modules,
  ids: TokenIds = [],
  source?: PeftAdapter["tokens"],
): TrainedTokens {
  if (hasEncoder && Object.values(ids).length > 0) {
    throw new ConfigError(
      "adapter.trainable_token_indices: found some for a model with an encoder, wanted none",
    );
  }
  return new TrainedTokens({ tensors, isTied, linear, tables }, ids, source);
}

/** The shapes of the tensors that a config has trained whole. */
function wholeShapes({ tensors }: Modules, { modules }: Adapted, config: Partial<PeftConfig>) {
  const shapes = new Map([...tensors].filter(([name]) => isWhole(name, config, modules)));
  const both = modules.find((module) => saves(config.modules_to_save ?? [], `${module}.weight`));
  if (both === undefined) return shapes;
  throw new ConfigError(`${both} is both adapted and in modules_to_save, wanted one of the two`);
}
