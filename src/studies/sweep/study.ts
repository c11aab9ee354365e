/**
 * Sweep: which values of a config's keys are best by a figure of the run? Every combination, so many that
 * are drawn (Bergstra and Bengio, 2012), or by successive halving (Jamieson and Talwalkar, 2016,
 * 1502.07943): all are trained for less, and the best of them for more.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { isObject } from "../../io/files.ts";
import type { Cell, Place, Study } from "../engine/study.ts";
import { concludeSweep } from "./conclude.ts";
import { configOf, type Outcome, outcomeOf, ranked, type Trained } from "./outcome.ts";
import { nameOf } from "./names.ts";
import { settingsOf } from "./settings.ts";
import { sweepSchema, type SweepSpec } from "./spec.ts";

/** The study. */
export const sweep: Study<SweepSpec, Outcome> = {
  name: "sweep",
  summary: "which settings are best? A grid, settings that are drawn, or successive halving",
  schema: sweepSchema,
  plan(spec, place) {
    const settings = settingsOf(spec);
    const cells: Cell<Outcome>[] = [];
    let before: readonly string[] = [];
    for (const [rung, { count, steps }] of rungsOf(spec, settings.length).entries()) {
      const own = Array.from({ length: count }, (_, at) => at).flatMap((at) =>
        spec.seeds.map((seed) => {
          const run = { rung, seed, steps };
          return rung === 0
            ? firstCell(spec, { ...run, setting: settings[at]! }, place)
            : laterCell(spec, { ...run, at, after: before }, place);
        })
      );
      cells.push(...own);
      before = own.map(({ name }) => name);
    }
    return Promise.resolve(cells);
  },
  conclude: (spec, results) => Promise.resolve(concludeSweep(spec, [...results.values()])),
};

/** Settings that are trained for equally long. */
interface Rung {
  readonly count: number;
  /** Updates; those of the config where absent. */
  readonly steps?: number;
}

/**
 * All rungs: one without halving.
 *
 * @throws {ConfigError} where there are too few settings or updates to be halved so often.
 */
export function rungsOf({ run, halving }: SweepSpec, settings: number): Rung[] {
  if (!halving) return [{ count: settings }];
  const { eta, rungs } = halving;
  const { steps } = isObject(run["train"]) ? run["train"] : {};
  const least = eta ** (rungs - 1);
  if (typeof steps !== "number" || steps < least) {
    throw new ConfigError(
      `run.train.steps: found ${steps ?? "nothing"}, wanted ${least} at least for halving of ` +
        `${rungs} rungs by ${eta}`,
    );
  }
  if (settings < least) {
    throw new ConfigError(
      `halving: found ${settings} settings, wanted ${least} at least for ${rungs} rungs by ${eta}`,
    );
  }
  return Array.from({ length: rungs }, (_, rung) => ({
    count: Math.floor(settings / eta ** rung),
    steps: Math.round(steps / eta ** (rungs - 1 - rung)),
  }));
}

/** @throws {ConfigError} where the setting cannot be used. */
function firstCell(
  spec: SweepSpec,
  run: Omit<Trained, "name">,
  place: Place,
): Cell<Outcome> {
  const trained = { ...run, name: `${nameOf(run.setting)} seed ${run.seed}` };
  const parsed = configOf(spec, trained, place);
  return { name: trained.name, run: (context) => outcomeOf(trained, parsed, context) };
}

/** A run of whichever setting comes to a place of the rung before. */
interface Later extends Omit<Trained, "name" | "setting"> {
  /** The place, counted from 0. */
  readonly at: number;
  /** The cells of the rung before. */
  readonly after: readonly string[];
}

function laterCell(spec: SweepSpec, { at, after, ...run }: Later, place: Place): Cell<Outcome> {
  const name = `rung ${run.rung + 1} place ${at + 1} seed ${run.seed}`;
  return {
    name,
    after,
    run: (context) => {
      const before = after.map((cell) => context.found(cell) as Outcome);
      const trained = { ...run, name, setting: ranked(spec, before)[at]!.setting };
      return outcomeOf(trained, configOf(spec, trained, place), context);
    },
  };
}
