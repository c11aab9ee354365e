/**
 * Lessons: questions and answers in speech, about what the families of `families.ts` ask. From them
 * the base learns the facts of its world, and to look up what a text has just said. It never reads the
 * form of an instruction, and no text of reading that a test row asks about. Lessons are short: what
 * is to be said again stands near, and alone of its kind.
 *
 * @module
 */

import { FAMILIES, type Family } from "./families.ts";
import type { Dice } from "./random.ts";
import { Scene } from "./scene.ts";
import { taskRows } from "./tasks.ts";

/** How a text, a question about it and the answer follow each other. */
const EXCHANGES: readonly string[] = [
  `{text} "{question}" "{answer}"`,
  `"{question}" {text} "{answer}"`,
];

/** At most so many exchanges; fewer are more frequent. */
const EXCHANGES_MOST = 4;

/** One to four questions, each with its answer. */
export function tellLesson(dice: Dice): string {
  const count = dice.between(1, dice.between(1, EXCHANGES_MOST));
  return Array.from({ length: count }, () => tellExchange(dice)).join("\n");
}

function tellExchange(dice: Dice): string {
  const family = dice.pick(FAMILIES);
  let asked = ask(family, dice);
  while (testTexts().has(asked.text)) asked = ask(family, dice);
  const told = dice.pick(EXCHANGES).replace(/\{(\w+)\}/g, (_, part: keyof Asked) => asked[part]);
  return told.replace(/ {2,}/g, " ").trim();
}

/** What is asked about a text, which may be empty, and what is answered. */
interface Asked {
  readonly question: string;
  readonly text: string;
  readonly answer: string;
}

function ask(family: Family, dice: Dice): Asked {
  const scene = new Scene("child", dice);
  const phrasing = dice.pick(family.phrasings);
  const input = scene.fill(dice.pick(family.inputs));
  const { about } = family;
  const isNamed = about !== undefined && phrasing.includes(`{${about}}`);
  return {
    question: scene.fill(phrasing),
    text: isNamed ? "" : /^[a-z]/.test(input) ? `They saw ${input}.` : input,
    answer: scene.fill(family.answer),
  };
}

let texts: ReadonlySet<string> | undefined;

/** The texts that test rows of the open families ask about, or could. */
function testTexts(): ReadonlySet<string> {
  const open = new Set(FAMILIES.filter(({ about }) => !about).map(({ name }) => name));
  texts ??= new Set(
    taskRows("test", FAMILIES).filter(({ family }) => open.has(family)).map(({ input }) => input),
  );
  return texts;
}
