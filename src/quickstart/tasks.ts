/**
 * Instruction data over the small world, as Alpaca rows, in a training and a test split. The test
 * split has inputs that training never shows, half of them asked in phrasings that training never
 * shows, and two families that training never shows.
 *
 * @module
 */

import { FAMILIES, type Family } from "./families.ts";
import { Dice } from "./random.ts";
import { Scene, vocabulary } from "./scene.ts";

/** Seed of the instruction data. */
export const TASK_SEED: number = 4;

const TRAIN_ROWS_PER_FAMILY = 360;
const TEST_ROWS_PER_FAMILY = 26;
/** The share of a closed family's words that only the test split shows. */
const HELD_OUT_WORDS = 0.2;
const HELD_OUT_PHRASINGS = 2;
/** Draws a wanted row may take; a small closed family runs out of new rows long before. */
const DRAWS_PER_ROW = 20;

const CLOSED = new Set(FAMILIES.filter((family) => family.about).map((family) => family.name));

/** One row in Alpaca's format, with the name of its family. */
export interface TaskRow {
  /** What is asked. */
  readonly instruction: string;
  /** What it is asked about; empty where the instruction says all. */
  readonly input: string;
  /** The one right answer. */
  readonly output: string;
  /** Name of the row's family. */
  readonly family: string;
  /** In the test split: what of the row training never showed, beside its input. */
  readonly unseen?: "input" | "phrasing" | "family";
}

/** The families that rows ask. */
export const ASKED: readonly Family[] = FAMILIES.filter((family) => !family.lessonsOnly);

/**
 * The rows of a split, always the same, in an order that mixes the families: those that rows ask, or
 * others too.
 */
export function taskRows(split: "train" | "test", families: readonly Family[] = ASKED): TaskRow[] {
  const train = families.filter((family) => !family.heldOut).flatMap(trainRows);
  const rows = split === "train" ? train : families.flatMap((family) => testRows(family, train));
  return new Dice(TASK_SEED, split.length).shuffle(rows);
}

function trainRows(family: Family): TaskRow[] {
  const phrasings = family.phrasings.slice(0, -HELD_OUT_PHRASINGS);
  const draw = (dice: Dice) => makeRow(family, phrasings, wordsOf(family).train, dice);
  return collect(TRAIN_ROWS_PER_FAMILY, `train ${family.name}`, draw);
}

function testRows(family: Family, train: readonly TaskRow[]): TaskRow[] {
  const shown = new Set(train.filter((row) => !CLOSED.has(row.family)).map((row) => row.input));
  const rows = (unseen: TaskRow["unseen"] & string, phrasings: readonly string[], count: number) =>
    collect(count, `${unseen} ${family.name}`, (dice) => {
      const row = { ...makeRow(family, phrasings, wordsOf(family).test, dice), unseen };
      return shown.has(row.input) ? undefined : row;
    });
  if (family.heldOut) return rows("family", family.phrasings, TEST_ROWS_PER_FAMILY);
  const seen = family.phrasings.slice(0, -HELD_OUT_PHRASINGS);
  const unseen = family.phrasings.slice(-HELD_OUT_PHRASINGS);
  const half = TEST_ROWS_PER_FAMILY / 2;
  return [...rows("input", seen, half), ...rows("phrasing", unseen, half)];
}

/** Up to `count` different rows, from dice that depend on `key`. */
function collect(
  count: number,
  key: string,
  draw: (dice: Dice) => TaskRow | undefined,
): TaskRow[] {
  const codes = [...key].map((letter) => letter.charCodeAt(0));
  const rows = new Map<string, TaskRow>();
  for (let index = 0; index < count * DRAWS_PER_ROW && rows.size < count; index++) {
    const row = draw(new Dice(TASK_SEED, ...codes, index));
    if (row) rows.set(`${row.instruction}\n${row.input}`, row);
  }
  return [...rows.values()];
}

function makeRow(
  family: Family,
  phrasings: readonly string[],
  words: readonly string[],
  dice: Dice,
): TaskRow {
  const scene = new Scene("child", dice);
  const { about } = family;
  if (about) scene.bind(about, dice.pick(words));
  const phrasing = dice.pick(phrasings);
  const input = dice.pick(family.inputs);
  const filled = scene.fill(input);
  return {
    instruction: scene.fill(phrasing),
    input: about && phrasing.includes(`{${about}}`) ? "" : filled,
    output: scene.fill(family.answer),
    family: family.name,
  };
}

/** A closed family's words for training and for the test: all for the test where it is held out. */
function wordsOf(family: Family): { train: readonly string[]; test: readonly string[] } {
  if (!family.about) return { train: [], test: [] };
  const words = new Dice(TASK_SEED, family.about.length).shuffle(vocabulary(family.about));
  if (family.heldOut) return { train: [], test: words };
  const count = Math.ceil(words.length * HELD_OUT_WORDS);
  return { train: words.slice(count), test: words.slice(0, count) };
}
