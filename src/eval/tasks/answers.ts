/**
 * Which answers of a row are right.
 *
 * @module
 */
import type { Content } from "../../data/mod.ts";
import { fault, own, type Row, text } from "../../rows/sources/row.ts";
import { FileError } from "../../errors.ts";
import { isObject } from "../../io/files.ts";
import type { Choices } from "./task.ts";

/** Fields that list all right answers: ours, and those of instruction-induction. */
const REFERENCE_FIELDS = ["references", "other_rhymes", "possible_translations"] as const;
/** Fields that list what to choose from. */
const CHOICE_FIELDS = ["choices", "options"] as const;

/**
 * All answers of a row that are right: those that its format finds, those in a field that lists
 * them, or its one answer.
 *
 * @throws {FileError} where there is none, or it is blank.
 */
export function referencesOf(content: Content, row: Row): readonly string[] {
  const { origin, empty } = content;
  if (empty !== null) throw new FileError(`${origin}: found ${empty}, wanted a reference`);
  const own = content.kind === "instruction" ? content.references : undefined;
  const found = own ?? listedReferences(row) ?? [answerOf(content)];
  if (found.length > 0 && found.every((reference) => reference.trim() !== "")) return found;
  const what = found.length === 0 ? "no reference" : "a blank reference";
  throw new FileError(`${origin}: found ${what}, wanted an answer to compare with`);
}

/** The answers of SQuAD are an object of lists. */
function listedReferences(row: Row): string[] | undefined {
  const answers = own(row.fields, "answers");
  const nested = isObject(answers) && Array.isArray(answers["text"]) ? answers["text"] : undefined;
  const field = REFERENCE_FIELDS.find((field) => Array.isArray(own(row.fields, field)));
  const list = nested ?? (field && own(row.fields, field));
  return list === undefined ? undefined : texts(row, field ?? "answers", list as unknown[]);
}

/** The answer with the highest grade, or the chosen one. */
export function bestOf({ answers, grades }: Content & { kind: "preference" }): Content {
  return answers[grades ? grades.indexOf(Math.max(...grades)) : 0]!;
}

/** The answer that would be learnt. */
function answerOf(content: Content): string {
  if (content.label === false) {
    throw new FileError(`${content.origin}: found an answer labelled false, wanted a right one`);
  }
  if (content.kind === "instruction") return content.answer;
  if (content.kind === "preference") return answerOf(bestOf(content));
  const last = content.kind === "chat"
    ? content.messages.findLast(({ role }) => role === "assistant")
    : undefined;
  if (last && last.content !== "") return last.content;
  const found = content.kind === "chat" ? "a chat without an answer" : `a row of ${content.kind}`;
  throw new FileError(`${content.origin}: found ${found}, wanted a question with its reference`);
}

/**
 * What a row is to be chosen from; null where it has no choices, or where they are those of a prompt
 * that only words the question by them.
 *
 * @param shared those of the task.
 * @throws {FileError} where choices are blank, equal, fewer than two, or none of them is right.
 */
export function choicesOf(
  content: Content,
  row: Row,
  references: readonly string[],
  shared: readonly string[] | undefined,
): Choices | null {
  const ofPrompt = content.kind === "instruction" ? content.choices : undefined;
  const list = shared ?? ofPrompt ?? listedChoices(row);
  if (list === undefined) return null;
  const right = rightOf(list, references);
  if (right.length === 0 && !shared && ofPrompt) return null;
  return checked(list, right, content.origin, references);
}

/** Which choices are right. */
export const rightOf = (choices: readonly string[], references: readonly string[]): number[] =>
  [...choices.keys()].filter((i) =>
    references.some((reference) => reference.trim() === choices[i]!.trim())
  );

/** @throws {FileError} as {@link choicesOf}. */
export function checked(
  choices: readonly string[],
  right: readonly number[],
  origin: string,
  references: readonly string[],
): Choices {
  const refuse = (found: string, wanted: string) =>
    new FileError(`${origin}: found ${found}, wanted ${wanted}`);
  const trimmed = choices.map((choice) => choice.trim());
  if (choices.length < 2) throw refuse(`${choices.length} choices`, "two at least");
  if (trimmed.includes("")) throw refuse("an empty choice", "a text in each");
  const twice = trimmed.find((choice, i) => trimmed.indexOf(choice) < i);
  if (twice !== undefined) {
    throw refuse(`the choice ${JSON.stringify(twice)} twice`, "choices that differ");
  }
  if (right.length > 0) return { texts: choices, right };
  const answer = JSON.stringify(references[0] ?? "");
  throw refuse(`the answer ${answer}`, `one of the choices ${JSON.stringify(choices)}`);
}

function listedChoices(row: Row): string[] | undefined {
  const field = CHOICE_FIELDS.find((field) => Array.isArray(own(row.fields, field)));
  return field && texts(row, field, own(row.fields, field) as unknown[]);
}

function texts(row: Row, field: string, list: readonly unknown[]): string[] {
  return list.map((item) => {
    if (typeof item === "number") return String(item);
    if (typeof item === "string") {
      return text({ fields: { [field]: item }, origin: row.origin }, field);
    }
    throw fault(row, `${JSON.stringify(item)} in ${field}`, "a list of texts");
  });
}
