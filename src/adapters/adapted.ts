/**
 * The modules that an adapter changes by its method: their params in graphs and in the store.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import type { Graph, Value } from "../graph/graph.ts";
import { bias as addBias } from "../ops/mod.ts";
import type { Flat, Store } from "../graph/store.ts";
import type { Adapt } from "../models/layers/adapt.ts";
import type { Tensors } from "../models/stored.ts";
import { type Adaptable, type Choice, chooseModules, sizesOf } from "./choose.ts";
import type { Measured } from "./init/init.ts";
import { type InitName, started } from "./init/mod.ts";
import { refuseDropout, refuseFrozenA, refuseTable, refuseUnbuilt } from "./unbuilt.ts";
import { feedForwardOf } from "./feed_forward.ts";
import {
  type AdaptedModule,
  type AdapterMethod,
  hasFactors,
  hasRank,
  type HeldKey,
  type Key,
  LORA,
  type Numbers,
} from "./methods/mod.ts";
import type { LoraWeights } from "./peft/adapter.ts";
import { matching, type Names, selects } from "./peft/targets.ts";

/** Which modules are adapted, and how; keys of the config table. */
export interface ModuleOptions extends Choice {
  readonly rank: number;
  readonly alpha: number;
  /** Whether the update is scaled by alpha / sqrt(rank) (Kalajdzievski, 2023, arXiv 2312.03732). */
  readonly rslora?: boolean;
  /** With (IA)^3: the modules whose inputs it scales; the last of feed-forward layers where absent. */
  readonly feedforward_modules?: Names;
}

/** How an adapter works on all of its modules. */
export interface AdaptedOptions {
  /** Its initial values, those of the method where absent. */
  readonly init?: InitName;
  /** Ranks by module that were shared out anew, 0 for one that is left alone. */
  readonly ranks?: ReadonlyMap<string, number>;
  readonly method?: AdapterMethod;
  /** The share of a layer's input that the update does not see in training; 0 by default. */
  readonly dropout?: number;
  /** Whether A stays as it is, and B alone is trained (LoRA-FA); false by default. */
  readonly freeze_a?: boolean;
}

/** Adapted modules of a model. */
export class Adapted {
  readonly method: AdapterMethod;
  readonly #modules: ReadonlyMap<string, AdaptedModule>;
  readonly #dropout: number;
  readonly #freezesA: boolean;

  private constructor(
    modules: readonly Omit<AdaptedModule, "index" | "widest">[],
    { method = LORA, dropout = 0, freeze_a = false }: AdaptedOptions,
    private readonly source?: readonly LoraWeights[],
  ) {
    this.method = method;
    this.#dropout = dropout;
    this.#freezesA = freeze_a;
    const widest = {
      inFeatures: Math.max(...modules.map(({ inFeatures }) => inFeatures)),
      outFeatures: Math.max(...modules.map(({ outFeatures }) => outFeatures)),
    };
    this.#modules = new Map(
      modules.map((module, index) => [module.name, { ...module, index, widest }]),
    );
    refuseUnbuilt(method, modules);
    if (freeze_a) refuseFrozenA(method, modules);
    if (dropout > 0) refuseDropout(method, this.#modules, dropout);
  }

  /**
   * Those of a fresh adapter.
   *
   * @throws {ConfigError} where a target names no module, the rank exceeds a module's size, the head
   * is to drop out, or a target is of a kind that the method is not built for.
   */
  static fresh(model: Adaptable, options: ModuleOptions & AdaptedOptions): Adapted {
    const { rslora = false, init, dropout = 0, freeze_a = false, method = LORA } = options;
    if (init && freeze_a) {
      throw new ConfigError(
        `adapter.freeze_a: found true beside adapter.init ${init}, wanted false`,
      );
    }
    const starting = init ? started({ init, method, rslora, dropout }) : method;
    if (starting.modules) {
      const modules = [...starting.modules(model.linear)].map(([name, rank]) => ({
        ...{ name, rank, alpha: 0, scale: 1, ...sizesOf(model, name)! },
      }));
      return new Adapted(modules, { dropout, method: starting });
    }
    const names = chooseModules(model, options);
    if (!hasRank(starting)) {
      const isFeedForward = feedForwardOf(names, options.feedforward_modules);
      const none = { rank: 0, alpha: 0, scale: 1 };
      const modules = names.map((name) => ({
        ...none,
        name,
        isFeedForward: isFeedForward(name),
        ...sizesOf(model, name)!,
      }));
      return new Adapted(modules, { dropout, method: starting });
    }
    const { ranks } = options;
    return new Adapted(
      names.filter((name) => ranks?.get(name) !== 0).map((name) => {
        const rank = matching(name, options.rank_pattern ?? {}) ?? options.rank;
        const alpha = matching(name, options.alpha_pattern ?? {}) ?? options.alpha;
        const sizes = sizesOf(model, name)!;
        const { outFeatures, inFeatures, isTable } = sizes;
        if (init && isTable) refuseTable(init, name);
        if (!hasFactors(starting)) return { name, rank, alpha: 0, scale: 1, ...sizes };
        if (rank > Math.min(outFeatures, inFeatures)) {
          throw new ConfigError(
            `adapter.rank is ${rank}, but ${name} is only [${outFeatures}, ${inFeatures}]`,
          );
        }
        const own = ranks?.get(name) ?? rank;
        const all = alpha * own / rank; // so that alpha / rank stays
        const scale = all / (rslora ? Math.sqrt(own) : own);
        return { name, rank: own, alpha: all, scale, ...sizes };
      }),
      { dropout, freeze_a, method: starting },
    );
  }

  /**
   * Those of an adapter that was read from a folder; {@link load} fills in its numbers.
   *
   * @throws {ConfigError} where it adapts a module that the model lacks or that has another shape, or
   * as {@link fresh}.
   */
  static of(model: Adaptable, source: readonly LoraWeights[], options: AdaptedOptions): Adapted {
    const modules = source.map(({ module: name, isTable = false, ...weights }) => {
      const { rank, alpha, scale, outFeatures, inFeatures, isFeedForward = false } = weights;
      const sizes = sizesOf(model, name);
      if (!sizes || sizes.isTable !== isTable) {
        const kind = sizes ? ` as a ${isTable ? "table" : "linear module"}` : "";
        throw new ConfigError(`The adapter has ${name}${kind}, which the model lacks`);
      }
      const differ = (found: number, own: number) => found !== 0 && found !== own;
      if (differ(outFeatures, sizes.outFeatures) || differ(inFeatures, sizes.inFeatures)) {
        throw new ConfigError(
          `The adapter has ${name} of [${outFeatures},${inFeatures}], ` +
            `the model of [${sizes.outFeatures},${sizes.inFeatures}]`,
        );
      }
      return { name, rank, alpha, scale, isFeedForward, ...sizes };
    });
    return new Adapted(modules, options, source);
  }

  get modules(): string[] {
    return [...this.#modules.keys()];
  }

  /** The modules with their sizes. */
  get sizes(): readonly AdaptedModule[] {
    return [...this.#modules.values()];
  }

  /** The last words of the modules, or their whole names where those would choose more. */
  shortNames({ linear, tables }: Adaptable, saved: readonly string[]): readonly string[] {
    const { modules } = this;
    const words = [...new Set(modules.map((name) => name.split(".").at(-1)!))];
    const chosen = [...linear.keys(), ...tables.keys()]
      .filter((name) => selects(name, { targets: words, saved }));
    return chosen.length === modules.length ? words : modules;
  }

  /** Puts each adapted module into a graph that is built. */
  readonly adapt: Pick<Adapt, "linear" | "lowRank" | "table"> = {
    linear: (graph, layer) => {
      const module = this.#find(layer.module, false);
      if (!module) return undefined;
      const { seed } = layer;
      const rate = this.#dropout;
      const drops = rate > 0 && seed !== undefined;
      const dropout = drops ? { rate, seed, layer: module.index } : undefined;
      const y = this.method.linear(graph, layer, { ...this.#inGraph(graph, module), dropout });
      const bias = this.method.addsBias ? undefined : layer.bias();
      return bias ? addBias(graph, y, bias) : y;
    },
    lowRank: (graph, name) => this.#lowRank(graph, name, false),
    table: (graph, name) => this.#lowRank(graph, name, true),
  };

  #find(name: string, isTable: boolean): AdaptedModule | undefined {
    const module = this.#modules.get(name);
    return module?.isTable === isTable ? module : undefined;
  }

  #lowRank(graph: Graph, name: string, isTable: boolean) {
    const module = this.#find(name, isTable);
    return module && this.method.lowRank?.(graph, this.#inGraph(graph, module));
  }

  #inGraph(graph: Graph, module: AdaptedModule) {
    const params: Partial<Record<Key | HeldKey, Value>> = {};
    for (const [key, param] of this.#params(module)) {
      const { shape, used, layout } = this.method.kept(key, module);
      params[key] = this.#isHeld(key)
        ? graph.held(param, shape, layout)
        : graph.param(param, shape, layout, used);
    }
    const { scale, isFeedForward = false } = module;
    return { params, scale, isFeedForward, dropout: undefined };
  }

  /** Whether a tensor stays as it is. */
  #isHeld(key: Key | HeldKey): boolean {
    return (key in (this.method.heldNames ?? {})) || (key === "a" && this.#freezesA);
  }

  /** The names of a module's params: those of PEFT, and of what is held. */
  #params(module: AdaptedModule): [key: Key | HeldKey, param: string][] {
    const { linearNames, tableNames, heldNames = {}, heldBy } = this.method;
    const names = Object.entries({ ...(module.isTable ? tableNames : linearNames), ...heldNames });
    return (names as [Key | HeldKey, string][]).map(([key, tensor]) => {
      const isShared = heldBy !== undefined && key in heldNames;
      return [
        key,
        isShared ? `${tensor}.${heldBy(key as HeldKey, module)}` : `${module.name}.${tensor}`,
      ];
    });
  }

  /** Fills the store: with an adapter from a folder as it is, or afresh. */
  load(store: Store, seed: number, base: Tensors, measured?: Measured): void {
    const shared = new Set<string>();
    for (const module of this.#modules.values()) {
      const numbers: Numbers = this.source?.find((weights) => weights.module === module.name) ??
        this.method.fresh(module, seed, base, measured);
      for (const [key, param] of this.#params(module)) {
        if (shared.has(param)) continue;
        shared.add(param);
        store.writeParam(param, this.method.kept(key, module).keep(numbers[key]!));
      }
    }
  }

  /** Reads the modules back, as PEFT's files have them, or what else lies in the trained ones' place. */
  async read(store: Store, flat?: Flat): Promise<LoraWeights[]> {
    const { written } = this.method;
    const found: LoraWeights[] = [];
    const read = new Map<string, Float32Array>(); // some are of several modules
    for (const module of this.#modules.values()) {
      const { name, isTable, index: _, widest: __, ...sizes } = module;
      const numbers: Partial<Record<Key | HeldKey, Float32Array>> = {};
      for (const [key, param] of this.#params(module)) {
        if (flat !== undefined && this.#isHeld(key)) continue;
        const own = read.get(param) ??
          this.method.kept(key, module).peft(await store.readParam(param, flat));
        read.set(param, own);
        numbers[key] = own;
      }
      const isWritten = flat === undefined && written !== undefined;
      const all = isWritten ? { ...sizes, ...written.sizes(sizes) } : sizes;
      const own = isWritten ? written.numbers(numbers, sizes) : numbers;
      const none = new Float32Array(0);
      found.push({ module: name, ...(isTable && { isTable }), ...all, a: none, b: none, ...own });
    }
    return found;
  }

  /** What a param is at scaling 0, as the store keeps it; undefined where it may keep its numbers. */
  atBase(param: string, base: Tensors): Float32Array | undefined {
    for (const module of this.#modules.values()) {
      const key = this.#params(module).find(([, name]) => name === param)?.[0];
      if (key === undefined) continue;
      const numbers = this.method.atBase(key, module, base);
      return numbers && this.method.kept(key, module).keep(numbers);
    }
    return undefined;
  }
}
