/**
 * Rows as the quality tools see them: their texts without a template, and the line that each is.
 *
 * @module
 */
import { sourceRows } from "../rows/sources/columns.ts";
import { findFiles } from "../rows/sources/read.ts";
import type { Row } from "../rows/sources/row.ts";
import { RowRng } from "../rows/row_rng.ts";
import { type DataEntry, POSITIVE_EXAMPLES } from "../data/entry.ts";
import { type Content, messageText } from "../rows/content.ts";
import { chooseFormat, type Format, rowsIn } from "../rows/formats/mod.ts";
import { inWords, type Prompts, readPrompts } from "../rows/prompts/mod.ts";

/** The texts of one document, "" where there is none. */
export interface RowText {
  /** Where it came from: `rows.jsonl:12`. */
  readonly origin: string;
  /** What is asked; of a chat the first turn of the user. */
  readonly instruction: string;
  /** What it is asked of; of a chat all else that is not the assistant's. */
  readonly input: string;
  /** What is learnt: all of a text, all turns of an assistant. */
  readonly answer: string;
  /** What in it is empty and must not be (`an empty output`), or null. */
  readonly empty: string | null;
  /** The row as a line of JSON: as the file has it where it is one there. */
  readonly line: string;
  /** Name of its format, `PROMPTED` for a row that prompts put into words. */
  readonly format: string;
}

/** Stands for a format where prompts say what a row asks. */
export const PROMPTED = "prompted";

/**
 * Reads the rows of a source. A row of several documents, as a task file is, becomes a row for each:
 * prompt and completion where its prompts are complete, else instruction, input and output. Where
 * prompts put rows into words, all are in the same, so that what differs is the rows.
 *
 * @param seen is told what each document says.
 * @throws {ConfigError} if the entry names an unknown format or prompt.
 * @throws {FileError} if a file or a row cannot be used.
 */
export async function* readRowTexts(
  entry: DataEntry,
  seen: (content: Content) => void = () => {},
): AsyncGenerator<RowText> {
  const settings = { positiveExamples: entry.positive_examples ?? POSITIVE_EXAMPLES };
  const prompts = entry.prompts && readPrompts(entry.prompts);
  for (const path of await findFiles(entry.path)) {
    let format: Format | undefined;
    for await (const row of sourceRows(path, entry)) {
      if (prompts) {
        yield* rowsIn(row).map((inner) => promptedText(inner, prompts, entry.seed));
        continue;
      }
      format ??= chooseFormat(entry.format, row);
      const contents = format.read(row, settings);
      for (const content of [contents].flat()) seen(content);
      yield* rowTexts(row, format, contents);
    }
  }
}

/** All texts of a row as one. */
export const wholeText = ({ instruction, input, answer }: RowText): string =>
  joined([instruction, input, answer]);

/** What a row asks; the text where it asks nothing. */
export const askedText = ({ instruction, input, answer }: RowText): string =>
  joined([instruction, input]) || answer;

const joined = (texts: readonly string[]): string => texts.filter((text) => text !== "").join("\n");

function promptedText(row: Row, prompts: Prompts, seed = 0): RowText {
  const line = lineOf(row);
  const { origin } = row;
  const content = inWords(row, prompts.list, new RowRng(seed))?.content;
  if (content) return { ...textsOf(content), origin, empty: content.empty, line, format: PROMPTED };
  const empty = "nothing that a prompt says of it";
  return { instruction: line, input: "", answer: "", origin, empty, line, format: PROMPTED };
}

const lineOf = ({ line, fields }: Row): string => line ?? JSON.stringify(fields);

function rowTexts(row: Row, format: Format, contents: Content | Content[]): RowText[] {
  if (!Array.isArray(contents)) {
    const { origin, empty } = contents;
    return [{ ...textsOf(contents), origin, empty, line: lineOf(row), format: format.name }];
  }
  const all = contents.map(textsOf);
  const shared = commonLength(all.map(({ instruction }) => instruction));
  return all.map(({ instruction, input, answer }, i) => {
    const { origin, empty } = contents[i]!;
    const written = format.template === "verbatim"
      ? { format: "prompt-completion", fields: { prompt: instruction, completion: answer } }
      : { format: "alpaca", fields: { instruction, input, output: answer } };
    // What all prompts of a task begin with is what is asked; the rest is what it is asked of.
    const own = input === "" && contents.length > 1 && shared < instruction.length
      ? { instruction: instruction.slice(0, shared), input: instruction.slice(shared) }
      : { instruction, input };
    const line = JSON.stringify(written.fields);
    return { ...own, answer, origin, empty, line, format: written.format };
  });
}

function textsOf(content: Content): Pick<RowText, "instruction" | "input" | "answer"> {
  switch (content.kind) {
    case "instruction": {
      const { instruction, input, answer } = content;
      return { instruction, input, answer };
    }
    case "text":
      return { instruction: "", input: "", answer: content.text };
    case "tokens":
      return { instruction: "", input: "", answer: content.ids.join(" ") };
    case "preference": {
      const answers = content.answers.map(textsOf);
      return { ...answers[0]!, answer: joined(answers.map(({ answer }) => answer)) };
    }
    case "chat": {
      const { messages } = content;
      const first = messages.findIndex(({ role }) => role === "user");
      const join = (wanted: (role: string, i: number) => boolean) =>
        messages.filter(({ role }, i) => wanted(role, i)).map(messageText).join("\n");
      return {
        instruction: first < 0 ? "" : messageText(messages[first]!),
        input: join((role, i) => role !== "assistant" && i !== first),
        answer: join((role) => role === "assistant"),
      };
    }
  }
}

/** How many characters all texts have in common at their beginning, in whole words. */
function commonLength(texts: readonly string[]): number {
  const [first = "", ...others] = texts;
  const length = others.reduce((length, text) => {
    let same = 0;
    while (same < length && text[same] === first[same]) same++;
    return same;
  }, first.length);
  return first.slice(0, length).search(/\S*$/);
}
