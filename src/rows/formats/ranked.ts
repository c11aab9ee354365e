/**
 * Rows that hold several answers to a prompt, each with a grade.
 *
 * @module
 */
import { isObject } from "../../io/files.ts";
import { type Answered, type Content, instructionContent, type Message } from "../content.ts";
import type { RowRng } from "../row_rng.ts";
import { array, describe, fault, fieldNames, own, type Row, text } from "../sources/row.ts";
import { chat, readTurns } from "./chats.ts";

/** Which two of a row's graded answers become a preference. */
export type Pairs = "best-worst" | "best-random";
/** All of those. */
export const PAIRS: readonly Pairs[] = ["best-worst", "best-random"];

/** Where a row has what is asked, its answers, and their grades: ours, then those of data sets. */
const PROMPTS = ["prompt", "instruction", "question"];
const ANSWERS = ["answers", "completions"];
/** Of an answer that is an object, as UltraFeedback and Stack Exchange's have them. */
const TEXTS = ["text", "response", "content"];
const GRADES = ["score", "overall_score", "pm_score"];

/** The formats that are read here. */
export const RANKED_FORMATS = ["ranked", "ultrafeedback", "stack-exchange"] as const;

/** The fields of such rows. */
export const RANKED_FIELDS = [...PROMPTS, ...ANSWERS, "scores"];

/**
 * A prompt with `answers` and their `scores`, the higher the better; without scores the answers are
 * in their order, the best first. An answer is a text, a list of messages, or an object of a text and
 * a score. Those that say the same as one before are left out.
 *
 * @throws {FileError} where the prompt, an answer or a score is missing, or all answers are alike or
 * have one score.
 */
export function readRanked(row: Row): Content {
  const prompt = PROMPTS.find((field) => own(row.fields, field) !== undefined);
  const field = ANSWERS.find((field) => Array.isArray(own(row.fields, field)));
  if (prompt === undefined || field === undefined) {
    throw fault(row, fieldNames(row), "prompt, answers and scores");
  }
  const items = array(row, field);
  const grades = gradesIn(row, field, items);
  const answers = items.map((item, i) => answerOf(row, prompt, `${field}[${i}]`, item));
  const kept = answers.keys().filter((i) =>
    answers.findIndex((answer) => saidIn(answer) === saidIn(answers[i]!)) === i
  ).toArray();
  const graded = kept.map((i) => grades[i]!);
  const empty = answers.find(({ empty }) => empty !== null)?.empty ??
    (kept.length < 2 ? `only one answer in ${field} that differs` : null) ??
    (new Set(graded).size < 2 ? `one score for all ${field}` : null);
  const { origin } = row;
  return {
    kind: "preference",
    answers: kept.map((i) => answers[i]!),
    grades: graded,
    origin,
    empty,
  };
}

function gradesIn(row: Row, field: string, items: readonly unknown[]): number[] {
  const listed = own(row.fields, "scores");
  const inItems = items.map((item) =>
    isObject(item)
      ? GRADES.map((name) => own(item, name)).find((score) => score != null)
      : undefined
  );
  if (listed === undefined && inItems.every((score) => score === undefined)) {
    return items.map((_, i) => items.length - i);
  }
  const scores = listed === undefined ? inItems : array(row, "scores", "an array of numbers");
  if (scores.length !== items.length) {
    throw fault(row, `${scores.length} scores of ${items.length} ${field}`, "one of each");
  }
  return scores.map((score, i) => {
    if (typeof score === "number" && Number.isFinite(score)) return Math.fround(score);
    throw fault(row, `${describe(score)} as the score of ${field}[${i}]`, "a number");
  });
}

function answerOf(row: Row, prompt: string, name: string, item: unknown): Answered {
  const found = isObject(item) ? TEXTS.map((field) => own(item, field)).find(Boolean) : item;
  if (typeof found !== "string" && !Array.isArray(found)) {
    throw fault(row, `${describe(item)} in ${name}`, "a text, messages, or an object of a text");
  }
  const { origin } = row;
  const asked = own(row.fields, prompt);
  if (typeof found === "string" && typeof asked === "string") {
    const answer = text({ fields: { [name]: found }, origin }, name);
    return instructionContent(origin, { instruction: text(row, prompt), answer, field: name });
  }
  const turns = readTurns({ fields: { [name]: found }, origin }, name, "assistant");
  const before = readTurns(row, prompt, "user")
    .map((turn): Message => ({ ...turn, supervised: false }));
  if (turns[0]?.role === "assistant") return chat(row, [...before, ...turns]);
  throw fault(row, `no assistant's turn in ${name}`, "an answer");
}

const saidIn = (answer: Answered): string =>
  answer.kind === "chat" ? JSON.stringify(answer.messages) : answer.answer;

/** A row's graded answers; one that is empty has been left out before. */
type Ranked = Content & { readonly kind: "preference" };

/** The best answer as the chosen one, and the worst or any that is worse as the rejected one. */
export function pairOf(
  { answers, grades = [], ...rest }: Ranked,
  pairs: Pairs,
  rng: RowRng,
): Content {
  const best = grades.indexOf(Math.max(...grades));
  const worse = [...grades.keys()].filter((i) => grades[i]! < grades[best]!);
  const rejected = pairs === "best-worst"
    ? grades.lastIndexOf(Math.min(...grades))
    : worse[rng.below(worse.length)]!;
  return { ...rest, answers: [answers[best]!, answers[rejected]!] };
}
