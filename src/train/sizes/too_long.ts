/**
 * Rows that are longer than a run has room for: none is left out without a word.
 *
 * @module
 */
import type { SizedConfig } from "../../config/mod.ts";
import type { LoadCounts, SourceLengths } from "../../data/mod.ts";
import { ConfigError } from "../../errors.ts";
import type { Model } from "../../models/model.ts";
import { longest } from "./run_plan.ts";

/** The share of rows left out for their length from which on it is said what would keep them. */
const FEW = 0.01;

/** Rows of a source that are too long, of those that were looked at. */
interface TooLong {
  readonly path: string;
  readonly long: number;
  readonly all: number;
  /** Whether there are more rows than were looked at. */
  readonly isSample?: boolean;
}

/**
 * Says which key keeps the rows that are left out for their length.
 *
 * @throws {ConfigError} where half of them are, and nobody has said that they may.
 */
export function sayTooLong(
  { path, long, all, isSample = false }: TooLong,
  model: Model,
  { train }: SizedConfig,
  say: (line: string) => void,
): void {
  if (long <= FEW * all) return;
  const rows = isSample ? "rows drawn at random" : "rows";
  const limit = longest(model, train);
  const found = `${path}: found ${long} of ${all} ${rows} longer than ${limit} tokens`;
  const wanted = `${keyFor(model, train)}, or train.on_too_long split or truncate`;
  if (2 * long >= all && train.on_too_long === undefined) {
    throw new ConfigError(`${found}, wanted fewer than half: ${wanted}, or drop to leave them out`);
  }
  say(`${found}, which are left out; they would be kept by ${wanted}`);
}

/** What makes room for longer rows. */
function keyFor(model: Model, train: SizedConfig["train"]): string {
  if (longest(model, train) >= model.config.context) return "a model of a longer context";
  const isWhole = train.micro_batch_tokens === train.tokens_per_batch;
  return `a larger train.micro_batch_tokens${isWhole ? " and train.tokens_per_batch" : ""}`;
}

/** Of rows that were encoded. */
export const leftOut = (path: string, { rows, skipped }: LoadCounts): TooLong => ({
  path,
  long: skipped,
  all: rows + skipped,
});

/** Of rows that are yet to be encoded, by their lengths. */
export function tooLongIn(
  path: string,
  { tokens, isSample }: SourceLengths,
  limit: number,
): TooLong {
  const fitting = tokens.findLastIndex((length) => length <= limit) + 1;
  return { path, long: tokens.length - fitting, all: tokens.length, isSample };
}
