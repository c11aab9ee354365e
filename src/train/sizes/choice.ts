/**
 * How many tokens a row of a run has, where nobody has said: as the data, the model and the memory of
 * the device have it.
 *
 * @module
 */
import type { Config, SizedConfig, TrainConfig } from "../../config/mod.ts";
import type { SourceLengths } from "../../data/mod.ts";
import { mib, totalOf } from "../../runs/panel.ts";
import { type MemoryLimit, shareOf } from "./memory.ts";
import { planRun, type RunPlan, type RunShape } from "./run_plan.ts";

/** Tokens of an update where nobody has said. */
const UPDATE = 4096;
/** A micro-batch of fewer tokens keeps no device busy: shorter rows are packed into it. */
const LEAST = 512;
/** Tokens from one length to the next where the size of an update is open too. */
const STEP = 512;
/** The share of rows that a length is chosen to hold. */
const MOST_ROWS = 0.99;

/** A length and what it was chosen by, as a line of the log. */
export interface Length {
  readonly T: number;
  readonly why: string;
}

/** A planned run, and why its rows have the length that they have. */
export interface SizedRun {
  readonly plan: RunPlan;
  readonly why: string;
}

/**
 * Chooses what nobody has set of `tokens_per_batch`, `micro_batch_tokens` and `recompute`: the
 * shortest length that holds 99 % of the rows of every source, as far as the model's context and the
 * memory go; activations are computed again where that makes it fit.
 *
 * @param limit what it may take, if that is known; where nothing fits it is the least.
 * @param lengths asked for where the length is open; null where rows cannot be read.
 */
export async function sizeRun(
  shape: RunShape,
  config: Config,
  limit: MemoryLimit | null,
  lengths: () => Promise<readonly SourceLengths[] | null>,
): Promise<SizedRun> {
  const { train } = config;
  const most = mostOf(shape);
  const { T: wanted, why } = await lengthFor(shape, train, lengths);
  const smaller = train.micro_batch_tokens === undefined
    ? lengthsOf(train, most).filter((T) => T <= wanted)
    : [wanted];
  const share = limit && shareOf(limit);
  const tried: RunPlan[] = [];
  for (const T of smaller.toReversed()) {
    for (const recompute of train.recompute === undefined ? [false, true] : [train.recompute]) {
      const plan = await planRun(shape, sized(config, T, recompute));
      tried.push(plan);
      if (obstacleOf(plan, share) === null) {
        return { plan, why: `${why}${limited(tried, share)}` };
      }
    }
  }
  return { plan: tried.at(-1)!, why: `${why}${limited(tried, share)}` };
}

/** The length that was set, or that some rows ask for, however much memory it takes. */
export async function lengthFor(
  shape: Pick<RunShape, "model" | "methods">,
  train: TrainConfig,
  lengths: () => Promise<readonly SourceLengths[] | null>,
): Promise<Length> {
  const { micro_batch_tokens: T } = train;
  if (T !== undefined) return { T, why: "as train.micro_batch_tokens says" };
  return lengthOf(train, await lengths(), mostOf(shape));
}

/** Tokens of the longest row: of a preference, those of both its documents. */
const mostOf = ({ model: { config: { context } }, methods }: Pick<RunShape, "model" | "methods">) =>
  methods.main.answers === "two" ? 2 * context : context;

/** Why a device cannot run a plan; null where it can. */
function obstacleOf({ main, memory }: RunPlan, limit: MemoryLimit | null): string | null {
  const { unbindable } = main.step.footprint;
  if (unbindable !== null) return unbindable;
  const bytes = totalOf(memory);
  if (limit === null || bytes <= limit.bytes) return null;
  return `${mib(bytes)} do not fit into ${limit.by} (${mib(limit.bytes)})`;
}

/** What was in the way of the first that was tried, in words. */
function limited(tried: readonly RunPlan[], limit: MemoryLimit | null): string {
  const [first, last] = [tried[0]!, tried.at(-1)!];
  if (first === last) return "";
  const { micro_batch_tokens: T } = first.config.train;
  const { micro_batch_tokens: taken, recompute } = last.config.train;
  const changes = [
    ...(taken < T ? [`fewer than the ${T} wanted`] : []),
    ...(recompute ? ["activations are computed again"] : []),
  ];
  return `; ${changes.join(" and ")}, for ${obstacleOf(first, limit)}`;
}

/** A configuration of a length, whose updates are whole micro-batches. */
export function sized(config: Config, T: number, recompute: boolean): SizedConfig {
  const { train } = config;
  const all = train.tokens_per_batch ?? Math.max(1, Math.round(UPDATE / T)) * T;
  const sizes = { tokens_per_batch: all, micro_batch_tokens: T, recompute };
  return { ...config, train: { ...train, ...sizes } };
}

function lengthOf(
  train: TrainConfig,
  lengths: readonly SourceLengths[] | null,
  most: number,
): Length {
  const all = lengthsOf(train, most);
  const counted = (lengths ?? []).filter(({ tokens }) => tokens.length > 0);
  if (counted.length === 0) {
    const why = lengths === null ? "rows were not read" : "of rows that are split where longer";
    return { T: all[0]!, why };
  }
  const longest = counted.reduce((a, b) => heldBy(a) >= heldBy(b) ? a : b);
  const needed = heldBy(longest);
  const T = all.find((T) => T >= needed) ?? all.at(-1)!;
  const of = longest.isSample ? `${longest.tokens.length} rows drawn from the data` : "the rows";
  const found = `99 % of ${of} have at most ${needed}, the longest ${longest.tokens.at(-1)}`;
  if (T >= needed) return { T, why: found };
  const limit = T >= most ? "the model's context" : "train.tokens_per_batch";
  return { T, why: `that is ${limit}; ${found}` };
}

/** Tokens that so many of the rows fit into. */
const heldBy = ({ tokens }: SourceLengths): number =>
  tokens[Math.ceil(MOST_ROWS * tokens.length) - 1]!;

/**
 * The lengths to choose from, ascending up to the first that holds `most`: they divide an update, or
 * are multiples of one number where its size is open too.
 */
function lengthsOf({ tokens_per_batch: all }: TrainConfig, most: number): number[] {
  const lengths = all === undefined
    ? Array.from({ length: Math.ceil(most / STEP) }, (_, i) => STEP * (i + 1))
    : Array.from({ length: Math.floor(all / 8) }, (_, i) => 8 * (i + 1))
      .filter((T) => all % T === 0 && T >= Math.min(LEAST, all));
  const enough = lengths.findIndex((T) => T >= most);
  return enough < 0 ? lengths : lengths.slice(0, enough + 1);
}
