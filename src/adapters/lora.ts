/**
 * LoRA on linear modules: which modules, their factors in the store, and their way to and from PEFT.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { random } from "../random.ts";
import type { Store } from "../graph/store.ts";
import type { Adapt } from "../models/net.ts";
import type { LoraWeights, PeftAdapter } from "./peft_adapter.ts";
import { matching, type Names, names, patternOf, type Selection, selects } from "./peft_targets.ts";

/** One adapted module. Its rank is padded with zeros to a multiple of four on the device. */
interface Module {
  readonly name: string;
  readonly rank: number;
  readonly padded: number;
  readonly alpha: number;
  readonly scale: number;
  readonly outFeatures: number;
  readonly inFeatures: number;
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
}

/** Linear modules of a model with their [out, in]. */
export type LinearModules = ReadonlyMap<string, readonly [number, number]>;

/**
 * The low-rank factors of a model's linear modules (Hu et al., 2021, arXiv 2106.09685). Padding a
 * rank with zeros changes nothing: padded rows and columns get zero gradients and stay zero.
 */
export class Lora {
  readonly #modules: ReadonlyMap<string, Module>;

  private constructor(
    modules: readonly Module[],
    private readonly settings: Pick<PeftAdapter, "rank" | "alpha" | "rslora" | "targetModules">,
    private readonly source?: PeftAdapter,
  ) {
    this.#modules = new Map(modules.map((module) => [module.name, module]));
  }

  /**
   * A fresh adapter.
   *
   * @throws {ConfigError} where a target names no linear module, or the rank exceeds a module's size.
   */
  static fresh(linear: LinearModules, options: LoraOptions): Lora {
    const { rslora = false } = options;
    const chosen = chooseModules(linear, options);
    const modules = chosen.map((name) => {
      const rank = matching(name, options.rank_pattern ?? {}) ?? options.rank;
      const alpha = matching(name, options.alpha_pattern ?? {}) ?? options.alpha;
      const [outFeatures, inFeatures] = linear.get(name)!;
      if (rank > Math.min(outFeatures, inFeatures)) {
        throw new ConfigError(
          `adapter.rank is ${rank}, but ${name} is only [${outFeatures}, ${inFeatures}]`,
        );
      }
      const scale = alpha / (rslora ? Math.sqrt(rank) : rank);
      return { name, rank, padded: pad(rank), alpha, scale, outFeatures, inFeatures };
    });
    const { rank, alpha } = options;
    return new Lora(modules, { rank, alpha, rslora, targetModules: shortNames(chosen, linear) });
  }

  /**
   * The shape of an adapter that was read from a folder; {@link load} fills in its numbers.
   *
   * @throws {ConfigError} where it adapts a module that the model lacks or that has another shape.
   */
  static of(linear: LinearModules, adapter: PeftAdapter): Lora {
    return new Lora(
      adapter.modules.map(({ module, rank, alpha, scale, outFeatures, inFeatures }) => {
        const shape = linear.get(module);
        if (!shape) throw new ConfigError(`The adapter has ${module}, which the model lacks`);
        if (shape[0] !== outFeatures || shape[1] !== inFeatures) {
          throw new ConfigError(
            `The adapter has ${module} of [${outFeatures},${inFeatures}], the model of [${shape}]`,
          );
        }
        return { name: module, rank, padded: pad(rank), alpha, scale, outFeatures, inFeatures };
      }),
      adapter,
      adapter,
    );
  }

  get modules(): string[] {
    return [...this.#modules.keys()];
  }

  /** Trained numbers, padding not counted. */
  get size(): number {
    return this.#modules.values().reduce(
      (sum, { rank, outFeatures, inFeatures }) => sum + rank * (outFeatures + inFeatures),
      0,
    );
  }

  /** Gives each adapted module its factors when a graph is built. */
  adapt: Adapt = (graph, name) => {
    const module = this.#modules.get(name);
    if (!module) return undefined;
    const { padded, outFeatures, inFeatures, scale } = module;
    return {
      a: graph.param(`${name}.lora_A.weight`, [padded, inFeatures], "rows"),
      b: graph.param(`${name}.lora_B.weight`, [outFeatures, padded], "rows"),
      scale,
    };
  };

  /**
   * Fills the store: an adapter from a folder as it is; a fresh one with A uniform in
   * ±1 / sqrt(in) (PEFT's Kaiming uniform with a = sqrt 5) and B zero, by (seed, module, index).
   */
  load(store: Store, seed: number): void {
    for (const [index, module] of [...this.#modules.values()].entries()) {
      const factors = this.source?.modules.find((m) => m.module === module.name);
      const a = factors?.a ?? freshA(module, seed, index);
      const b = factors?.b ?? new Float32Array(module.outFeatures * module.rank);
      store.writeParam(`${module.name}.lora_A.weight`, padRows(a, module));
      store.writeParam(`${module.name}.lora_B.weight`, padColumns(b, module));
    }
  }

  /** Reads the factors back, for saving. */
  async read(store: Store, baseModel: string): Promise<PeftAdapter> {
    const modules: LoraWeights[] = [];
    for (const module of this.#modules.values()) {
      const { name, rank, alpha, scale, outFeatures, inFeatures } = module;
      const a = await store.readParam(`${name}.lora_A.weight`);
      const b = await store.readParam(`${name}.lora_B.weight`);
      modules.push({
        module: name,
        rank,
        alpha,
        scale,
        outFeatures,
        inFeatures,
        a: a.slice(0, rank * inFeatures),
        b: unpadColumns(b, module),
      });
    }
    const { rank, alpha, rslora, targetModules } = this.settings;
    return {
      ...{ baseModel, rank, alpha, rslora, targetModules, modules },
      config: this.source?.config ?? {},
    };
  }
}

const pad = (rank: number): number => Math.ceil(rank / 4) * 4;

/**
 * The modules that the options choose; a name or a pattern that matches none is refused, since it
 * would be a slip.
 */
function chooseModules(linear: LinearModules, options: LoraOptions): string[] {
  const all = [...linear.keys()];
  const { targets, exclude = [], rank_pattern, alpha_pattern } = options;
  const each = (list: Names) => typeof list === "string" ? [list] : list.map((name) => [name]);
  for (const target of targets === "all-linear" ? [] : each(targets)) {
    if (!all.some((name) => names(target, name))) throw unmatched("targets", target, all);
  }
  for (const target of each(exclude)) {
    if (!all.some((name) => names(target, name))) throw unmatched("exclude", target, all);
  }
  const chosen = all.filter((name) => selects(name, options));
  if (chosen.length === 0) {
    throw new ConfigError("adapter.layers and adapter.exclude leave no module");
  }
  for (const [key, patterns] of Object.entries({ rank_pattern, alpha_pattern })) {
    for (const pattern of Object.keys(patterns ?? {})) {
      const found = chosen.some((name) => patternOf(pattern).test(name));
      if (!found) throw unmatched(key, pattern, chosen);
    }
  }
  return chosen;
}

function unmatched(key: string, target: Names, modules: readonly string[]): ConfigError {
  const kinds = [...new Set(modules.map((name) => name.split(".").at(-1)))].join(", ");
  return new ConfigError(`adapter.${key} has "${target}", the model has ${kinds}`);
}

/** The last words of the chosen modules, or their whole names where those would choose more. */
function shortNames(chosen: readonly string[], linear: LinearModules): readonly string[] {
  const words = [...new Set(chosen.map((name) => name.split(".").at(-1)!))];
  const named = [...linear.keys()].filter((name) => names(words, name));
  return named.length === chosen.length ? words : chosen;
}

function freshA({ rank, inFeatures }: Module, seed: number, index: number): Float32Array {
  const bound = 1 / Math.sqrt(inFeatures);
  return Float32Array.from(
    { length: rank * inFeatures },
    (_, i) => bound * (2 * random(seed, index, i) - 1),
  );
}

/** [rank, in] with zero rows up to the padded rank. */
function padRows(a: Float32Array, { padded, inFeatures }: Module): Float32Array {
  const rows = new Float32Array(padded * inFeatures);
  rows.set(a);
  return rows;
}

/** [out, rank] with zero columns up to the padded rank. */
function padColumns(b: Float32Array, { rank, padded, outFeatures }: Module): Float32Array {
  const wide = new Float32Array(outFeatures * padded);
  for (let row = 0; row < outFeatures; row++) {
    wide.set(b.subarray(row * rank, (row + 1) * rank), row * padded);
  }
  return wide;
}

function unpadColumns(b: Float32Array, { rank, padded, outFeatures }: Module): Float32Array {
  const narrow = new Float32Array(outFeatures * rank);
  for (let row = 0; row < outFeatures; row++) {
    narrow.set(b.subarray(row * padded, row * padded + rank), row * rank);
  }
  return narrow;
}
