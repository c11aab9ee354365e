/**
 * The steps by which rows are judged, in one list: each says why it drops a row.
 *
 * @module
 */
import { GrowableArray } from "../io/store/growable_array.ts";
import { contaminated } from "./contamination.ts";
import { exactDuplicates, nearDuplicateRows } from "./duplicates.ts";
import {
  ascii,
  echo,
  emptyAnswer,
  outlyingLengths,
  type Reason,
  refusal,
  repetition,
  script,
} from "./filters.ts";
import { type Indices, type List, mapped, selected } from "./lists/list.ts";
import { NEAR_DUPLICATE } from "./near_duplicates.ts";
import type { RowText } from "./row.ts";
import { answerLength, notSelected } from "./select.ts";

/** Measures how hard rows are for a model: IFD, NaN where it could not be measured. */
export type MeasureDifficulty = (rows: List<RowText>) => Promise<Float64Array>;

/** What the steps go by. */
export interface StepSettings {
  /** The largest share of one 4-gram in an answer, and the smallest of different words. */
  readonly topShare: number;
  readonly uniqueShare: number;
  /** The most standard deviations of ln(1 + words) that an answer is from the mean. */
  readonly lengthZ: number;
  /** The least share of ASCII characters. */
  readonly ascii: number;
  /** The script of at least that share of the letters. */
  readonly script: string;
  readonly scriptShare: number;
  /** The Jaccard index from which on rows are near-duplicates. */
  readonly near: number;
  /** What rows must not hold. */
  readonly tests: readonly RowText[];
  /** The range of IFD to keep, and what measures it. */
  readonly difficulty: readonly [least: number, most: number];
  readonly measure: MeasureDifficulty | null;
  /** How many rows to choose. */
  readonly count: number;
}

/** What the settings are where nothing is said. */
export const STEP_DEFAULTS: StepSettings = {
  topShare: 0.2,
  uniqueShare: 0.15,
  lengthZ: 3,
  ascii: 0.9,
  script: "Latin",
  scriptShare: 0.9,
  near: NEAR_DUPLICATE,
  tests: [],
  difficulty: [0, 1],
  measure: null,
  count: Infinity,
};

/** One step. */
export interface Step {
  readonly help: string;
  /** Whether it is taken where no steps are named. */
  readonly byDefault?: true;
  /** Why each row is dropped, or null. */
  reasons(
    rows: List<RowText>,
    settings: StepSettings,
  ): Iterable<Reason> | Promise<Iterable<Reason>>;
}

const each = (
  help: string,
  reason: (row: RowText, settings: StepSettings) => Reason,
): Step => ({ help, reasons: (rows, settings) => mapped(rows, (row) => reason(row, settings)) });

/** All steps, by name, in the order in which they are taken. */
export const steps: Readonly<Record<string, Step>> = {
  empty: { ...each("nothing to learn", emptyAnswer), byDefault: true },
  echo: { ...each("an answer that repeats what was asked", echo), byDefault: true },
  refusal: each("an answer that declines", refusal),
  repetition: {
    ...each("an answer that goes round in circles", repetition),
    byDefault: true,
  },
  length: {
    help: "an answer far longer or shorter than the others",
    reasons: (rows, { lengthZ }) => outlyingLengths(rows, lengthZ),
  },
  ascii: each("too few ASCII characters", (row, { ascii: least }) => ascii(row, least)),
  script: each(
    "too few letters of a script",
    (row, { script: name, scriptShare }) => script(row, name, scriptShare),
  ),
  exact: {
    help: "the same texts as an earlier row",
    byDefault: true,
    reasons: exactDuplicates,
  },
  near: {
    help: "nearly the texts of an earlier row",
    byDefault: true,
    reasons: (rows, { near }) => nearDuplicateRows(rows, near),
  },
  contaminated: {
    help: "parts of a test (needs --tests)",
    reasons: (rows, { tests }) => contaminated(rows, tests),
  },
  difficulty: {
    help: "too hard or too easy for a model (needs --model)",
    reasons: async (rows, { difficulty: [least, most], measure }) =>
      (await measure!(rows)).values().map((ifd) =>
        ifd < least || ifd > most ? `IFD ${ifd.toFixed(3)}` : null
      ),
  },
  select: {
    help: "not among the most useful (needs --select)",
    reasons: async (rows, { measure, count }) => {
      const measured = await measure?.(rows);
      const quality = measured?.map((ifd) => Number.isNaN(ifd) ? -Infinity : ifd) ??
        Float64Array.from({ length: rows.length }, (_, i) => answerLength(rows.at(i)!));
      return notSelected(rows, quality, count);
    },
  },
};

/** A row that was dropped, by which step and why. */
export interface Dropped {
  readonly row: RowText;
  readonly step: string;
  readonly reason: string;
}

/** What is told of while rows are judged. */
export interface Watch {
  /** Each row that is dropped, in the order of the steps, then of the rows. */
  dropped?(dropped: Dropped): unknown;
  /** Each row that a step reads, of so many: some more than once. */
  reads?(step: string, index: number, count: number): unknown;
}

/**
 * Takes the named steps in the order of the list; each sees what those before have left.
 *
 * @returns the rows that are kept, in their order.
 */
export async function judge(
  rows: List<RowText>,
  names: readonly string[],
  settings: Partial<StepSettings> = {},
  watch: Watch = {},
): Promise<List<RowText>> {
  const all = { ...STEP_DEFAULTS, ...settings };
  let kept: Indices = { length: rows.length, at: (i) => i };
  for (const [step, { reasons }] of Object.entries(steps)) {
    const count = kept.length;
    if (!names.includes(step) || count === 0) continue;
    const read = mapped(selected(rows, kept), (row, i) => {
      watch.reads?.(step, i, count);
      return row;
    });
    const left = new GrowableArray(Uint32Array);
    let i = 0;
    for (const reason of await reasons(read, all)) {
      const index: number = kept.at(i++)!;
      if (reason === null) left.push(index);
      else watch.dropped?.({ row: rows.at(index)!, step, reason });
    }
    kept = left;
  }
  return selected(rows, kept);
}
