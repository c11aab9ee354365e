/**
 * Lessons: stories in which people ask each other what the families of `families.ts` are about. From
 * them the base learns the facts of its world, and to look up what a text has just said. It reads
 * speech, never the form of an instruction, and no whole text that a test row asks about.
 *
 * @module
 */

import { FAMILIES, type Family } from "./families.ts";
import type { Dice } from "./random.ts";
import { Scene } from "./scene.ts";
import { taskRows } from "./tasks.ts";

const PARTNERS: readonly string[] = ["{friend}", "Mom", "Dad", "Grandma", "Grandpa"];

const BEGINNINGS: readonly string[] = [
  "{He} liked to learn.",
  "{He} liked to ask and to answer.",
  "It was time to learn.",
  "{He} played a game of questions.",
];

/** How a text, a question about it and the answer follow each other. */
const EXCHANGES: readonly string[] = [
  `{text} "{question}" {asked} {asker}. "{answer}," said {answerer}.`,
  `{text} {asker} {asked}, "{question}" {answerer} said, "{answer}."`,
  `"{question}" {asked} {asker}. {text} "{answer}," said {answerer}.`,
  `{asker} {asked}, "{question}" {text} {answerer} said, "{answer}."`,
];

/** A child that `opening` tells of and another ask each other three to five times. */
export function tellLesson(dice: Dice, opening: string): string {
  const scene = new Scene("child", dice);
  const first = scene.fill(opening);
  const [hero, partner] = [scene.fill("{hero}"), scene.fill(dice.pick(PARTNERS))];
  const exchanges = Array.from({ length: dice.between(3, 5) }, () => {
    const [asker, answerer] = dice.chance(0.5) ? [hero, partner] : [partner, hero];
    return tellExchange(dice, asker, answerer);
  });
  return [`${first} ${scene.fill(dice.pick(BEGINNINGS))}`, ...exchanges].join("\n");
}

function tellExchange(dice: Dice, asker: string, answerer: string): string {
  const family = dice.pick(FAMILIES);
  let asked = ask(family, dice, [asker, answerer]);
  while (testTexts().has(asked.text)) asked = ask(family, dice, [asker, answerer]);
  const { text, question, answer } = asked;
  const isQuestion = question.endsWith("?");
  const exchange = dice.pick(EXCHANGES);
  const isInFront = exchange.includes('"{question}" {asked}');
  const parts: Readonly<Record<string, string>> = {
    text,
    question: isInFront ? question.replace(/\.$/, ",") : question,
    answer: answer.replace(/\.$/, ""),
    asked: isQuestion ? "asked" : "said",
    asker,
    answerer,
  };
  const told = exchange.replace(/\{(\w+)\}/g, (_, part: string) => parts[part]!);
  return told.replace(/ {2,}/g, " ").trim();
}

/** What a family asks, of others than those who speak. */
function ask(family: Family, dice: Dice, speakers: readonly string[]) {
  const scene = new Scene("child", dice);
  for (const [i, speaker] of speakers.entries()) scene.bind(`speaker${i}`, speaker);
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

/** The texts that test rows of the open families ask about. */
function testTexts(): ReadonlySet<string> {
  const open = new Set(FAMILIES.filter(({ about }) => !about).map(({ name }) => name));
  texts ??= new Set(
    taskRows("test").filter(({ family }) => open.has(family)).map(({ input }) => input),
  );
  return texts;
}
