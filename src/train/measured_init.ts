/**
 * Initial values that are taken from what the adapted modules read of some text.
 *
 * @module
 */
import { cordaFactors } from "../adapters/init/corda.ts";
import {
  evaFactors,
  type Explained,
  mostComponents,
  principalComponents,
  sharedRanks,
} from "../adapters/init/eva.ts";
import { type Factors, type Measured, weightOf } from "../adapters/init/init.ts";
import { INIT_TEXTS, type MeasuredName } from "../adapters/init/mod.ts";
import type { AdaptedModule } from "../adapters/methods/mod.ts";
import type { AdapterConfig } from "../config/mod.ts";
import { type Example, type Examples, lengthOf } from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import { type Counted, inputMoments } from "../eval/input_moments.ts";
import type { Engine } from "../graph/compile.ts";
import { refuseEncoder } from "../models/layers/source_rows.ts";
import type { Model } from "../models/model.ts";
import { tell } from "../progress.ts";
import { normal, permutation } from "../random.ts";
import { heed } from "../stop.ts";

/** Tokens that are read for each column of the narrowest input: CorDA's authors' estimate. */
const TOKENS = 128;

/** What there is to measure with. */
export interface Measuring {
  readonly engine: Engine;
  readonly model: Model;
  readonly adapter: Pick<AdapterConfig, "init_rho" | "init_tokens" | "init_whiten">;
  /** What is adapted, its ranks as the settings have them. */
  readonly modules: readonly AdaptedModule[];
  /** The text. */
  readonly examples: Examples;
  readonly seed: number;
  readonly log: (line: string) => void;
}

/** Factors, and ranks where they were shared out anew. */
export interface MeasuredInit {
  readonly factors: Measured;
  readonly ranks?: ReadonlyMap<string, number>;
}

/**
 * Measures what the modules read of documents that are drawn from the text, and takes their initial
 * values from that.
 *
 * @throws {ConfigError} where there is no text, nothing in it counts, or a module's inputs cannot be
 * had.
 */
export async function measureInit(name: MeasuredName, measuring: Measuring): Promise<MeasuredInit> {
  const { model, modules, log } = measuring;
  refuseEncoder(model, `for adapter.init ${name}`);
  const examples = await sampledExamples(name, measuring);
  const tokens = examples.reduce((sum, example) => sum + lengthOf(example), 0);
  log(
    `adapter: ${name} reads ${tokens} tokens of ` +
      (INIT_TEXTS[name] === "rows" ? "the rows" : "the retention text"),
  );
  const byName = new Map(modules.map((module) => [module.name, module]));
  const read = (counted: Counted) =>
    inputMoments(measuring.engine, model, examples, { modules: [...byName.keys()], counted });
  if (name === "eva") return await eva(measuring, byName, read("predicted"));
  const mode = name === "corda_ipm" ? "ipm" : "kpm";
  const factors = new Map<string, Factors>();
  for await (const input of read("documents")) {
    for (const module of input.modules) {
      heed();
      const { rank, scale } = byName.get(module)!;
      factors.set(
        module,
        cordaFactors(weightOf(model.tensors, module), input, { rank, scale, mode }),
      );
      tell("decomposing weights", factors.size, modules.length);
    }
  }
  return { factors };
}

type Inputs = ReturnType<typeof inputMoments>;

/** Ranks of EVA, and the directions that they are of. */
async function eva(
  { adapter: { init_rho: rho, init_whiten: whitens }, seed, log }: Measuring,
  modules: ReadonlyMap<string, AdaptedModule>,
  inputs: Inputs,
): Promise<Required<MeasuredInit>> {
  const explained = new Map<string, Explained>();
  for await (const input of inputs) {
    heed();
    const ranks = input.modules.map((module) => modules.get(module)!.rank);
    const most = mostComponents(Math.max(...ranks), rho);
    if (input.samples === 0) {
      throw new ConfigError(
        "adapter.init: found eva but no token of the rows is predicted, wanted rows with answers",
      );
    }
    const { index } = modules.get(input.modules[0]!)!;
    const components = principalComponents(input, most, (i) => normal(seed, index, i));
    for (const [i, module] of input.modules.entries()) {
      explained.set(module, { module, rank: ranks[i]!, components });
    }
    tell("decomposing inputs", explained.size, modules.size);
  }
  const ranks = sharedRanks([...modules.keys()].map((module) => explained.get(module)!));
  const factors = new Map([...explained].map(([module, { components }]) => {
    const { outFeatures } = modules.get(module)!;
    return [
      module,
      evaFactors(components, { rank: ranks.get(module)!, outFeatures, whitens }),
    ] as const;
  }));
  const own = [...ranks.values()];
  const without = own.filter((rank) => rank === 0).length;
  log(
    `adapter: ranks from ${Math.min(...own)} to ${Math.max(...own)} by explained variance` +
      (without > 0 ? `, ${without} modules with none` : ""),
  );
  return { factors, ranks };
}

/** Documents of the text, drawn at random, that have as many tokens as are wanted. */
async function sampledExamples(
  name: MeasuredName,
  { adapter: { init_tokens }, modules, examples, seed }: Measuring,
): Promise<Example[]> {
  const wanted = init_tokens ?? TOKENS * Math.min(...modules.map(({ inFeatures }) => inFeatures));
  const found: Example[] = [];
  let tokens = 0;
  for (const index of permutation(examples.length, seed)) {
    if (tokens >= wanted) break;
    await examples.arrived?.([index]);
    const example = examples.at(index)!;
    if (lengthOf(example) === 0) continue;
    found.push(example);
    tokens += lengthOf(example);
  }
  if (found.length > 0) return found;
  throw new ConfigError(
    `adapter.init: found ${name} without ${
      INIT_TEXTS[name] === "rows" ? "rows" : "retention text"
    }, which it is taken from`,
  );
}
