/**
 * What a sweep has found.
 *
 * @module
 */
import type { Line, Picture } from "../engine/picture.ts";
import type { Findings, Json, Table } from "../engine/study.ts";
import { mean } from "../trials/scores.ts";
import { type Compared, type Outcome, ranked } from "./outcome.ts";
import { nameOf, type Setting, shortKey } from "./names.ts";
import type { SweepSpec } from "./spec.ts";

/** Lines of a picture that still have colours of their own. */
const MOST_LINES = 7;

/** The settings in order, those of later rungs first. */
export function concludeSweep(spec: SweepSpec, outcomes: readonly Outcome[]): Findings {
  const rungs = Array.from(Map.groupBy(outcomes, ({ rung }) => rung))
    .sort(([a], [b]) => a - b).map(([, of]) => ranked(spec, of));
  const settings = outcomes.map(({ setting }) => setting);
  const keys = [...new Set(settings.flatMap((setting) => Object.keys(setting)))];
  return {
    tables: [settingsTable(spec, lastOf(rungs), keys)],
    pictures: rungs.length > 1
      ? [halvingPicture(spec, rungs)]
      : Object.keys(spec.vary ?? {}).map((key) => keyPicture(spec, rungs[0]!, key)),
    numbers: {
      best: lastOf(rungs)[0]!.setting,
      settings: lastOf(rungs).map(({ setting, value, outcomes }) => ({ setting, value, outcomes })),
    },
  };
}

/** Each setting as it was in its last rung. */
function lastOf(rungs: readonly (readonly Compared[])[]): Compared[] {
  const seen = new Set<string>();
  return rungs.toReversed().flatMap((rung) =>
    rung.filter(({ setting }) => {
      const name = nameOf(setting);
      return !seen.has(name) && seen.add(name);
    })
  );
}

const DIGITS = 5;

const shown = (value: number | null): string =>
  value === null ? "given up" : String(Number(value.toPrecision(DIGITS)));

const textOf = (value: Json | undefined): string =>
  typeof value === "string" ? value : JSON.stringify(value) ?? "";

function settingsTable(
  { metric, highest, seeds }: SweepSpec,
  settings: readonly Compared[],
  keys: readonly string[],
): Table {
  const figures = [...new Set(settings.flatMap(({ outcomes }) => outcomes.flatMap(figureNames)))]
    .filter((name) => name !== metric);
  const spread = seeds.length > 1 ? [`of ${seeds.length} seeds`] : [];
  const rows = settings.map(({ setting, outcomes, value }, place) => [
    String(place + 1),
    ...keys.map((key) => textOf(setting[key])),
    String(Math.max(...outcomes.map(({ steps }) => steps))),
    shown(value),
    ...spread.map(() => rangeOf(outcomes, metric)),
    ...figures.map((name) => shown(value === null ? null : meanOf(outcomes, name))),
  ]);
  const [{ setting }] = settings as [Compared];
  const flags = Object.entries(setting).map(([key, value]) => `--${key} ${textOf(value)}`).join(
    " ",
  );
  return {
    title: `${settings.length} settings by ${metric}, ${highest ? "highest" : "lowest"} first`,
    note:
      `The best as flags of train: ${flags}. Of many settings the best looks better than it is ` +
      "on what it was chosen by: measure it again on rows that nothing here has used.",
    head: [
      "place",
      ...keys.map((key) => shortKey(key, keys)),
      "updates",
      metric,
      ...spread,
      ...figures,
    ],
    rows,
  };
}

const figureNames = ({ figures }: Outcome): string[] => Object.keys(figures);

const valuesOf = (outcomes: readonly Outcome[], name: string): number[] =>
  outcomes.flatMap(({ figures }) => figures[name] ?? []);

/** The mean over seeds; NaN where a run has no such figure. */
const meanOf = (outcomes: readonly Outcome[], name: string): number =>
  mean(outcomes.map(({ figures }) => figures[name] ?? NaN));

function rangeOf(outcomes: readonly Outcome[], name: string): string {
  const values = valuesOf(outcomes, name);
  return values.length === 0
    ? ""
    : `${shown(Math.min(...values))} to ${shown(Math.max(...values))}`;
}

/** The metric over the values of a key: a line for each choice of the others, where these are few. */
function keyPicture({ metric }: SweepSpec, settings: readonly Compared[], key: string): Picture {
  const keys = Object.keys(settings[0]!.setting);
  const others = keys.filter((other) => other !== key);
  const axis = axisOf(settings.map(({ setting }) => setting[key]!));
  const groups = Map.groupBy(settings, ({ setting }) => restOf(setting, others));
  const isFew = groups.size <= MOST_LINES && groups.size < settings.length;
  const lines = isFew ? [...groups] : [[`${settings.length} settings`, settings] as const];
  const best = restOf(settings[0]!.setting, others);
  return {
    name: `by ${key}`,
    title: `${metric} over ${key}`,
    x: { label: key, ...axis.x },
    y: { label: metric, digits: 3 },
    lines: lines.map(([name, of]): Line => ({
      name: name === "" ? metric : name,
      isStrong: name === best || !isFew,
      isJoined: isFew && axis.isNumber,
      points: of.flatMap((one) => point(one, metric, axis.at(one.setting[key]!)))
        .sort((a, b) => a.x - b.x),
    })),
  };
}

const restOf = (setting: Setting, keys: readonly string[]): string =>
  nameOf(Object.fromEntries(keys.map((key) => [key, setting[key]!])));

/** A point with the range over its seeds; none where a run was given up. */
function point({ value, outcomes }: Compared, metric: string, x: number) {
  if (value === null) return [];
  const values = valuesOf(outcomes, metric);
  const range = values.length > 1 && { low: Math.min(...values), high: Math.max(...values) };
  return [{ x, y: value, ...range }];
}

/** Labels that fit below a picture. */
const MOST_TICKS = 8;

/** The axis of a key: of numbers by their size, of all else by the place in the list. */
function axisOf(all: readonly Json[]) {
  const values = [...new Map(all.map((value) => [textOf(value), value])).values()];
  const numbers = values.filter((value) => typeof value === "number").sort((a, b) => a - b);
  if (numbers.length < values.length) {
    const texts = values.map(textOf);
    const ticks = texts.map((label, at) => ({ at, label }));
    return { isNumber: false, at: (value: Json) => texts.indexOf(textOf(value)), x: { ticks } };
  }
  const every = Math.ceil(numbers.length / MOST_TICKS);
  const ticks = numbers.filter((_, i) => i % every === 0 || i === numbers.length - 1)
    .map((at) => ({ at, label: String(at) }));
  const isLog = numbers[0]! > 0 && numbers.at(-1)! >= 10 * numbers[0]!;
  return { isNumber: true, at: (value: Json) => value as number, x: { ticks, isLog } };
}

/** The metric over updates: a line for each setting that came to a second rung. */
function halvingPicture({ metric }: SweepSpec, rungs: readonly (readonly Compared[])[]): Picture {
  const stepsOf = (rung: readonly Compared[]) =>
    Math.max(...rung.flatMap(({ outcomes }) => outcomes.map(({ steps }) => steps)));
  const best = nameOf(rungs.at(-1)![0]!.setting);
  const points = (is: (name: string) => boolean) =>
    rungs.flatMap((rung) =>
      rung.filter(({ setting }) => is(nameOf(setting)))
        .flatMap((one) => point(one, metric, stepsOf(rung)))
    );
  const further = rungs[1]!.map(({ setting }) => nameOf(setting));
  const shown = further.slice(0, MOST_LINES);
  return {
    name: "halving",
    title: `${metric} of settings that went on to more updates`,
    x: {
      label: "updates",
      isLog: true,
      ticks: rungs.map(stepsOf).map((at) => ({ at, label: String(at) })),
    },
    y: { label: metric, digits: 3 },
    lines: [
      ...shown.map((name): Line => ({
        name,
        isStrong: name === best,
        points: points((of) => of === name),
      })),
      { name: "others", isJoined: false, points: points((of) => !shown.includes(of)) },
    ],
  };
}
