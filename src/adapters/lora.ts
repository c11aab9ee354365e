/**
 * LoRA on linear modules and on tables of rows: which modules, and their factors in the store.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import type { Flat, Store } from "../graph/store.ts";
import type { Adapt } from "../models/layers/adapt.ts";
import type { Modules } from "../models/model.ts";
import { linear, type LowRank } from "../ops/mod.ts";
import { HEAD_MODULE } from "../models/stored.ts";
import { normal, random } from "../random.ts";
import { type FactorSizes, keepA, keepB, peftA, peftB, storeShapes } from "./factors.ts";
import type { LoraWeights } from "./peft/adapter.ts";
import { matching, type Names, names, patternOf, type Selection, selects } from "./peft/targets.ts";

/** One adapted module. */
interface Module extends FactorSizes {
  readonly name: string;
  readonly alpha: number;
  readonly scale: number;
}

/** Which modules are adapted, and how; the keys of the config table. */
export interface LoraOptions extends Selection {
  readonly rank: number;
  readonly alpha: number;
  /** Whether the update is scaled by alpha / sqrt(rank) (Kalajdzievski, 2023, arXiv 2312.03732). */
  readonly rslora?: boolean;
  /** Ranks of modules that a pattern matches, the first one first. */
  readonly rank_pattern?: Readonly<Record<string, number>>;
  readonly alpha_pattern?: Readonly<Record<string, number>>;
  /** The share of a layer's input that the update does not see in training; 0 by default. */
  readonly dropout?: number;
}

/** Modules that can be adapted. */
type Adaptable = Pick<Modules, "linear" | "tables">;

/**
 * The low-rank factors of a model's modules (Hu et al., 2021, arXiv 2106.09685). Padding a rank with
 * zeros changes nothing: padded rows and columns get zero gradients and stay zero.
 */
export class Lora {
  readonly #modules: ReadonlyMap<string, Module>;

  private constructor(
    modules: readonly Module[],
    private readonly dropout: number,
    private readonly source?: readonly LoraWeights[],
  ) {
    this.#modules = new Map(modules.map((module) => [module.name, module]));
    if (dropout === 0 || !this.#modules.has(HEAD_MODULE)) return;
    throw new ConfigError(
      `adapter.dropout: found ${dropout} with ${HEAD_MODULE} among the targets, which is scored in ` +
        "chunks and cannot drop out, wanted 0",
    );
  }

  /**
   * A fresh adapter.
   *
   * @throws {ConfigError} where a target names no module, the rank exceeds a module's size, or the
   * head is to drop out.
   */
  static fresh(model: Adaptable, options: LoraOptions): Lora {
    const { rslora = false, dropout = 0 } = options;
    return new Lora(
      chooseModules(model, options).map((name) => {
        const rank = matching(name, options.rank_pattern ?? {}) ?? options.rank;
        const alpha = matching(name, options.alpha_pattern ?? {}) ?? options.alpha;
        const sizes = sizesOf(model, name)!;
        const { outFeatures, inFeatures } = sizes;
        if (rank > Math.min(outFeatures, inFeatures)) {
          throw new ConfigError(
            `adapter.rank is ${rank}, but ${name} is only [${outFeatures}, ${inFeatures}]`,
          );
        }
        return { name, rank, alpha, scale: alpha / (rslora ? Math.sqrt(rank) : rank), ...sizes };
      }),
      dropout,
    );
  }

  /**
   * The shape of an adapter that was read from a folder; {@link load} fills in its numbers.
   *
   * @throws {ConfigError} where it adapts a module that the model lacks or that has another shape, or
   * the head is to drop out.
   */
  static of(model: Adaptable, source: readonly LoraWeights[], dropout: number): Lora {
    const modules = source.map(({ module: name, isTable = false, ...weights }) => {
      const { rank, alpha, scale, outFeatures, inFeatures } = weights;
      const sizes = sizesOf(model, name);
      if (!sizes || sizes.isTable !== isTable) {
        const kind = sizes ? ` as a ${isTable ? "table" : "linear module"}` : "";
        throw new ConfigError(`The adapter has ${name}${kind}, which the model lacks`);
      }
      if (sizes.outFeatures !== outFeatures || sizes.inFeatures !== inFeatures) {
        throw new ConfigError(
          `The adapter has ${name} of [${outFeatures},${inFeatures}], ` +
            `the model of [${sizes.outFeatures},${sizes.inFeatures}]`,
        );
      }
      return { name, rank, alpha, scale, isTable, outFeatures, inFeatures };
    });
    return new Lora(modules, dropout, source);
  }

  get modules(): string[] {
    return [...this.#modules.keys()];
  }

  /** The last words of the modules, or their whole names where those would choose more. */
  shortNames({ linear, tables }: Adaptable, saved: readonly string[]): readonly string[] {
    const { modules } = this;
    const words = [...new Set(modules.map((name) => name.split(".").at(-1)!))];
    const chosen = [...linear.keys(), ...tables.keys()]
      .filter((name) => selects(name, { targets: words, saved }));
    return chosen.length === modules.length ? words : modules;
  }

  /** Gives each adapted module its factors when a graph is built. */
  readonly adapt: Pick<Adapt, "linear" | "lowRank" | "table"> = {
    linear: (graph, { module, x, w, residual, seed }) => {
      const factors = this.#factors(graph, module, false);
      const { dropout: rate } = this;
      const layer = this.modules.indexOf(module);
      const dropout = rate > 0 && seed !== undefined ? { rate, seed, layer } : undefined;
      return factors && linear(graph, x, w, { adapter: { ...factors, dropout }, residual });
    },
    lowRank: (graph, name) => this.#factors(graph, name, false),
    table: (graph, name) => this.#factors(graph, name, true),
  };

  #factors(graph: Graph, name: string, isTable: boolean): LowRank | undefined {
    const module = this.#modules.get(name);
    if (!module || module.isTable !== isTable) return undefined;
    const { a, b, layout } = storeShapes(module);
    const params = paramsOf(module);
    return {
      a: graph.param(params.a, a, layout),
      b: graph.param(params.b, b, layout),
      scale: module.scale,
    };
  }

  /**
   * Fills the store: an adapter from a folder as it is; a fresh one as PEFT does, by (seed, module,
   * index): A uniform in ±1 / sqrt(in) (Kaiming's with a = sqrt 5) and B zero, or of a table A zero
   * and B normal.
   */
  load(store: Store, seed: number): void {
    for (const [index, module] of [...this.#modules.values()].entries()) {
      const { a, b } = this.source?.find((m) => m.module === module.name) ??
        freshFactors(module, seed, index);
      const params = paramsOf(module);
      store.writeParam(params.a, keepA(a, module));
      store.writeParam(params.b, keepB(b, module));
    }
  }

  /** Reads the factors back, or what else lies in their place. */
  async read(store: Store, flat?: Flat): Promise<LoraWeights[]> {
    const found: LoraWeights[] = [];
    for (const module of this.#modules.values()) {
      const { name, isTable, ...sizes } = module;
      const params = paramsOf(module);
      const a = peftA(await store.readParam(params.a, flat), module);
      const b = peftB(await store.readParam(params.b, flat), module);
      found.push({ module: name, ...(isTable && { isTable }), ...sizes, a, b });
    }
    return found;
  }

  /** Whether an update grows with the numbers of this param: one of the two factors must. */
  isStrength(param: string): boolean {
    return this.#modules.values().some((module) => paramsOf(module).b === param);
  }
}

/** The names of the two params of a module: those of PEFT. */
function paramsOf({ name, isTable }: Module): { a: string; b: string } {
  return isTable
    ? { a: `${name}.lora_embedding_A`, b: `${name}.lora_embedding_B` }
    : { a: `${name}.lora_A.weight`, b: `${name}.lora_B.weight` };
}

function sizesOf({ linear, tables }: Adaptable, name: string) {
  const [outFeatures, inFeatures] = linear.get(name) ?? tables.get(name)?.toReversed() ?? [];
  if (outFeatures === undefined || inFeatures === undefined) return undefined;
  return { isTable: tables.has(name), outFeatures, inFeatures };
}

/**
 * The modules that the options choose; a name or a pattern that matches none is refused, since it
 * would be a slip.
 */
function chooseModules({ linear, tables }: Adaptable, options: LoraOptions): string[] {
  const all = [...linear.keys(), ...tables.keys()];
  const { targets, exclude = [], rank_pattern, alpha_pattern } = options;
  const each = (list: Names) => typeof list === "string" ? [list] : list.map((name) => [name]);
  for (const target of targets === "all-linear" ? [] : each(targets)) {
    if (!all.some((name) => names(target, name))) throw unmatched("targets", target, all);
  }
  for (const target of each(exclude)) {
    if (!all.some((name) => names(target, name))) throw unmatched("exclude", target, all);
  }
  const candidates = targets === "all-linear" ? [...linear.keys()] : all;
  const chosen = candidates.filter((name) => selects(name, options));
  if (chosen.length === 0) {
    throw new ConfigError(
      "adapter.layers, adapter.exclude and adapter.modules_to_save leave no module",
    );
  }
  for (const [key, patterns] of Object.entries({ rank_pattern, alpha_pattern })) {
    for (const pattern of Object.keys(patterns ?? {})) {
      const found = chosen.some((name) => patternOf(pattern).test(name));
      if (!found) throw unmatched(key, pattern, chosen);
    }
  }
  return chosen;
}

/** A name that matches none of the modules. */
export function unmatched(key: string, target: Names, modules: readonly string[]): ConfigError {
  const kinds = [...new Set(modules.map((name) => name.split(".").at(-1)))].join(", ");
  return new ConfigError(`adapter.${key} has "${target}", the model has ${kinds}`);
}

function freshFactors(
  { isTable, rank, inFeatures, outFeatures }: Module,
  seed: number,
  index: number,
) {
  const [a, b] = [new Float32Array(rank * inFeatures), new Float32Array(outFeatures * rank)];
  const bound = 1 / Math.sqrt(inFeatures);
  if (isTable) { for (let i = 0; i < b.length; i++) b[i] = normal(seed, index, i); }
  else for (let i = 0; i < a.length; i++) a[i] = bound * (2 * random(seed, index, i) - 1);
  return { a, b };
}
