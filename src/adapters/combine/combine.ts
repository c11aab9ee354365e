/**
 * One adapter made of several, as PEFT's `add_weighted_adapter` (0.21) makes it.
 *
 * @module
 */
import { tell } from "../../progress.ts";
import { random } from "../../random.ts";
import { heed } from "../../stop.ts";
import type { LoraWeights, PeftAdapter } from "../peft/adapter.ts";
import type { Factors } from "./low_rank.ts";
import {
  COMBINE_METHODS,
  type CombineMethod,
  type CombineMethodName,
  type Majority,
} from "./methods.ts";
import { type Part, stacked, summedFactors, summedUpdates } from "./modules.ts";
import { refuseUnlike } from "./refusals.ts";

/** An adapter that is to be combined. */
export interface Combined {
  /** Its folder, for messages. */
  readonly folder: string;
  readonly adapter: PeftAdapter;
  /** What its update is multiplied by; may be below 0. */
  readonly weight: number;
}

/** How to combine. */
export interface CombineOptions {
  readonly method: CombineMethodName;
  /** The share of numbers that pruning keeps, above 0 and at most 1; 1 by default. */
  readonly density?: number;
  /** The sign that prevails in TIES; by the total by default. */
  readonly majority?: Majority;
  /** The rank of the result where updates are summed; the largest of the adapters' by default. */
  readonly rank?: number;
  /** Decides what DARE leaves out. */
  readonly seed?: number;
  /** The base that the result names; that of the first by default. */
  readonly baseModel?: string;
}

/** What combining made. */
export interface CombineResult {
  readonly adapter: PeftAdapter;
  /** What the rank had no room for: its norm over that of the whole; 0 where all is there. */
  readonly lost: number;
}

/**
 * Combines adapters. Every scale of the result is 1, for those of the adapters are in its numbers;
 * a module that some of the adapters lack is made of the others.
 *
 * @throws {ConfigError} where the adapters are no plain LoRA, differ in the shape of a module, or have
 * another rank where the method sums factors.
 */
export function combine(given: readonly Combined[], options: CombineOptions): CombineResult {
  refuseUnlike(given);
  const [{ adapter: first }] = given as [Combined];
  const { rank = rankOf(given) } = options;
  const names = [...new Set(given.flatMap(({ adapter }) => adapter.modules.map(moduleOf)))].sort();
  const squares = { whole: 0, lost: 0 };
  const modules = names.map((name, index): LoraWeights => {
    heed();
    tell("combining", index, names.length);
    const parts = given.flatMap(({ folder, adapter, weight }, number): Part[] => {
      const module = adapter.modules.find((found) => found.module === name);
      return module ? [{ folder, module, weight, number }] : [];
    });
    const { a, b, lost, whole } = combineModule(parts, index, { ...options, rank });
    squares.whole += whole;
    squares.lost += lost;
    const { module, isTable, inFeatures, outFeatures } = parts[0]!.module;
    const own = b.length / outFeatures;
    const sizes = { rank: own, alpha: own, scale: 1, inFeatures, outFeatures };
    return { module, ...(isTable && { isTable }), ...sizes, a, b };
  });
  const most = Math.max(...modules.map(({ rank }) => rank));
  const adapter = {
    baseModel: options.baseModel ?? first.baseModel,
    ...{ rank: most, alpha: most, rslora: false, modules },
    ...targetsOf(given, names),
  };
  return { adapter, lost: Math.sqrt(squares.lost / (squares.whole || 1)) };
}

const rankOf = (given: readonly Combined[]): number =>
  Math.max(...given.flatMap(({ adapter }) => adapter.modules.map(({ rank }) => rank)));

const moduleOf = ({ module }: LoraWeights) => module;

function combineModule(
  parts: readonly Part[],
  index: number,
  { method, density = 1, majority = "total", rank, seed = 0 }: CombineOptions & { rank: number },
): Factors & { readonly whole: number; readonly lost: number } {
  const { sums, ...how }: CombineMethod = COMBINE_METHODS[method];
  const mixing = (tensor: number) => ({
    ...{ ...how, density, majority },
    random: (t: number, i: number) => random(seed, index, tensor, parts[t]!.number, i),
  });
  if (sums === "stack") return { ...stacked(parts), whole: 0, lost: 0 };
  if (sums === "factors") return { ...summedFactors(parts, mixing, method), whole: 0, lost: 0 };
  const { squares, ...factors } = summedUpdates(parts, mixing(0), rank);
  return { ...factors, ...squares };
}

/** Fields of PEFT's config that choose among the modules that the targets name. */
const NARROWING = ["exclude_modules", "layers_to_transform", "layers_pattern"];

/** All targets, or the modules by their whole names where an adapter has only some of its targets'. */
function targetsOf(given: readonly Combined[], names: readonly string[]) {
  const { config } = given[0]!.adapter;
  const isNarrowed = given.some(({ adapter }) =>
    NARROWING.some((field) => (adapter.config[field] ?? null) !== null)
  );
  const targets = given.flatMap(({ adapter }) => adapter.targetModules);
  return {
    targetModules: isNarrowed ? names : [...new Set(targets)],
    config: { ...config, ...Object.fromEntries(NARROWING.map((field) => [field, null])) },
  };
}
