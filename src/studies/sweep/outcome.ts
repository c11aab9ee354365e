/**
 * What the run of a setting came to, and which settings were best.
 *
 * @module
 */
import { parseConfig, type ParsedConfig } from "../../config/mod.ts";
import { ConfigError } from "../../errors.ts";
import { isObject } from "../../io/files.ts";
import { didYouMean } from "../../io/nearest.ts";
import { Diverged } from "../../train/trouble/recovery.ts";
import { runFolder, trainCell } from "../engine/run.ts";
import type { CellContext, Json, Place } from "../engine/study.ts";
import { mean } from "../trials/scores.ts";
import { nameOf, type Setting } from "./names.ts";
import type { SweepSpec } from "./spec.ts";

/** What a run came to. */
export type Outcome = {
  readonly setting: Setting;
  readonly seed: number;
  /** Of the halving, counted from 0. */
  readonly rung: number;
  /** Updates made; 0 where it was given up. */
  readonly steps: number;
  /** Why it was given up; null where it came to its end. */
  readonly failed: string | null;
  /** Its last loss, and what was measured at the end. */
  readonly figures: Readonly<Record<string, number>>;
};

/** A run of a sweep. */
export interface Trained {
  /** The cell that it is. */
  readonly name: string;
  readonly setting: Setting;
  readonly seed: number;
  readonly rung: number;
  /** Updates; those of the config where absent. */
  readonly steps?: number | undefined;
}

/**
 * The config of a run.
 *
 * @throws {ConfigError} where a value cannot be used.
 */
export function configOf(
  { run }: Pick<SweepSpec, "run">,
  { setting, seed, name, steps }: Trained,
  { folder, out }: Place,
): ParsedConfig {
  const train = { log_every: 10, ...run["train"] as object, seed };
  const values = { guard: false, ...run, train, out: runFolder(out, name) };
  const set = Object.entries(setting).reduce(
    (values, [key, value]) => withValue(values, key.split("."), value),
    values as Json,
  );
  const all = steps === undefined ? set : withValue(set, ["train", "steps"], steps);
  return parseConfig({ folder, values: all as Record<string, unknown> });
}

/** The same with another value at a place, which is made where it is not there. */
function withValue(holder: Json | undefined, [name, ...rest]: string[], value: Json): Json {
  if (name === undefined) return value;
  if (Array.isArray(holder)) {
    return holder.map((item, i) => String(i) === name ? withValue(item, rest, value) : item);
  }
  const part = (isObject(holder) ? holder : {}) as Readonly<Record<string, Json>>;
  return { ...part, [name]: withValue(part[name], rest, value) };
}

/** Trains; a run whose numbers overflow however low its rate becomes is an outcome too. */
export async function outcomeOf(
  trained: Trained,
  parsed: ParsedConfig,
  context: CellContext,
): Promise<Outcome> {
  const { setting, seed, rung } = trained;
  const of = { setting, seed, rung };
  try {
    const { step, last, measured } = await trainCell(parsed, context);
    const fields = Object.entries({ loss: last?.loss, ...measured });
    const figures = Object.fromEntries(
      fields.filter((field): field is [string, number] => Number.isFinite(field[1])),
    );
    return { ...of, steps: step, failed: null, figures };
  } catch (fault) {
    if (!(fault instanceof Diverged)) throw fault;
    return { ...of, steps: 0, failed: fault.message, figures: {} };
  }
}

/** A setting with its runs, one for each seed. */
export interface Compared {
  readonly setting: Setting;
  readonly outcomes: readonly Outcome[];
  /** The mean of the metric over its seeds; null where a run was given up. */
  readonly value: number | null;
}

/**
 * Settings, the best first; those with a run that was given up last.
 *
 * @throws {ConfigError} where a run that came to its end has no such figure.
 */
export function ranked(
  { metric, highest }: Pick<SweepSpec, "metric" | "highest">,
  outcomes: readonly Outcome[],
): Compared[] {
  const sign = highest ? -1 : 1;
  const bySetting = Map.groupBy(outcomes, ({ setting }) => nameOf(setting));
  const compared = Array.from(bySetting.values(), (of): Compared => {
    const values = of.filter(({ failed }) => failed === null).map((one) => figure(one, metric));
    const value = values.length < of.length ? null : mean(values);
    return { setting: of[0]!.setting, outcomes: of, value };
  });
  const order = ({ value }: Compared) => value === null ? Infinity : sign * value;
  return compared.sort((a, b) => order(a) === order(b) ? 0 : order(a) - order(b));
}

function figure({ figures }: Outcome, metric: string): number {
  const value = figures[metric];
  if (value !== undefined) return value;
  const known = Object.keys(figures);
  throw new ConfigError(
    `metric: found ${metric}, wanted one of what was measured: ${known.join(", ")}` +
      didYouMean(metric, new Set(known)),
  );
}
