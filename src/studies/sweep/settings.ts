/**
 * The settings of a sweep: as they are given, every combination of lists, or so many that are drawn.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { random } from "../../random.ts";
import type { Json } from "../engine/study.ts";
import { nameOf, type Setting } from "./names.ts";
import type { Range, SweepSpec } from "./spec.ts";

/**
 * All settings, in the order of their keys' values.
 *
 * @throws {ConfigError} where fewer different ones can be drawn than are wanted.
 */
export function settingsOf(
  { vary = {}, settings, random, seed }: Pick<SweepSpec, "vary" | "settings" | "random" | "seed">,
): Setting[] {
  if (settings) return settings;
  return random === undefined ? grid(vary) : drawn(vary, seed, random);
}

/** What is varied. */
type Varied = NonNullable<SweepSpec["vary"]>;

function grid(vary: Varied): Setting[] {
  return Object.entries(vary).reduce<Setting[]>(
    (settings, [key, values]) =>
      settings.flatMap((setting) =>
        (values as readonly Json[]).map((value) => ({ ...setting, [key]: value }))
      ),
    [{}],
  );
}

/** Draws for each setting that is wanted, before it is said that there are no more. */
const TRIES = 100;

function drawn(vary: Varied, seed: number, count: number): Setting[] {
  const found = new Map<string, Setting>();
  for (let draw = 0; found.size < count && draw < TRIES * count; draw++) {
    const setting = Object.fromEntries(
      Object.entries(vary).map(([key, values], i) => [key, valueAt(values, random(seed, draw, i))]),
    );
    found.set(nameOf(setting), setting);
  }
  if (found.size === count) return [...found.values()];
  throw new ConfigError(
    `Found ${found.size} different settings to draw, wanted ${count}: lower random, or vary more`,
  );
}

/** The value at a place from 0 up to 1. */
function valueAt(values: readonly Json[] | Range, at: number): Json {
  if (!("low" in values)) return (values as readonly Json[])[Math.floor(at * values.length)]!;
  const { low, high, log, whole } = values as Range;
  if (whole) return clamped(Math.floor(between(low, high + 1, at, log)), low, high);
  return clamped(Number(between(low, high, at, log).toPrecision(3)), low, high);
}

const between = (low: number, high: number, at: number, log: boolean): number =>
  log ? low * (high / low) ** at : low + (high - low) * at;

const clamped = (value: number, low: number, high: number): number =>
  Math.min(high, Math.max(low, value));
