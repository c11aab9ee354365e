/**
 * The formats of rows, in one list. A new format is one more entry.
 *
 * @module
 */

import { ConfigError, type FileError } from "../../errors.ts";
import { isObject } from "../../io/files.ts";
import { didYouMean, nearest } from "../../io/nearest.ts";
import { readCompletion, readConversations, readMessages } from "./chats.ts";
import { type Content, instructionContent, UNSUPERVISED } from "../content.ts";
import {
  describe,
  fault,
  fieldFault,
  fieldNames,
  integers,
  objects,
  own,
  type Row,
  text,
} from "../sources/row.ts";
import { readPreference } from "./preference.ts";
import { isWanted, readClassified, readText } from "./labelled.ts";
import { RANKED_FIELDS, readRanked } from "./ranked.ts";
import { readTask, SUPER_NATURAL } from "./super_natural.ts";

/** Labels are kept as signed 32-bit integers. */
const LARGEST_ID = 2 ** 31 - 1;

/** What a format needs beside the row. */
export interface FormatSettings {
  /** How many positive examples of a Super-NaturalInstructions task are shown. */
  readonly positiveExamples: number;
}

/** One kind of row: how to know it, and how to read it. */
export interface Format {
  readonly name: string;
  /** Its fields, as messages name them. */
  readonly fields: string;
  /** A row with all of these is taken to be of this format. */
  readonly marks: readonly string[];
  /** The fields that it reads, `marks` where absent. */
  readonly reads?: readonly string[];
  /** The template put around its instructions by default, `DEFAULT_TEMPLATE` where absent. */
  readonly template?: string;
  /** The rows that one row holds, where it is a whole file of them. */
  readonly rows?: (row: Row) => Row[];
  /** @throws {FileError} naming the row and what is wrong with it. */
  read(row: Row, settings: FormatSettings): Content | Content[];
}

/** A format of one instruction a row; `input` and `context` may be absent. */
function instructions(
  name: string,
  [instruction, input, answer]: readonly [string, string | null, string],
  { marks = [instruction, answer], ...others }: Partial<Format> = {},
): Format {
  const optional = input === null ? [] : [`${input} (may be absent)`];
  return {
    name,
    fields: [instruction, ...optional, answer].join(", "),
    marks,
    reads: [instruction, ...(input === null ? [] : [input]), answer],
    ...others,
    read: (row) =>
      instructionContent(row.origin, {
        instruction: text(row, instruction),
        input: input === null ? "" : text(row, input, ""),
        answer: text(row, answer),
        field: answer,
      }),
  };
}

/** Where a row of a chat tells of tools. */
const TOOLS = ["tools", "functions"];

const completion = instructions("prompt-completion", ["prompt", null, "completion"], {
  template: "verbatim",
});

/** A prompt and its completion, texts or a chat. */
function readPrompted(row: Row): Content {
  const isChat = completion.marks.some((field) => Array.isArray(own(row.fields, field)));
  if (isChat) return readCompletion(row);
  const [instruction, answer] = [text(row, "prompt"), text(row, "completion")];
  return instructionContent(row.origin, { instruction, answer, field: "completion" });
}

/** Pairs alone, what is asked for being in no field: `prompts` can say it. */
const pairs = instructions("input-output", ["input", null, "output"]);
/** The same in the words of BIG-bench. */
const targets = instructions("input-target", ["input", null, "target"]);

/** Rows that are encoded already, taken as they are; nothing is added to them. */
const tokens: Format = {
  name: "tokens",
  fields: "input_ids, labels",
  marks: ["input_ids"],
  reads: ["input_ids", "labels"],
  read(row) {
    const ids = integers(row, "input_ids");
    const labels = integers(row, "labels");
    const isId = (id: number) => id >= 0 && id <= LARGEST_ID;
    const outside = ids.findIndex((id) => !isId(id));
    if (outside >= 0) throw fault(row, `input_ids[${outside}] = ${ids[outside]}`, "a token id");
    const odd = labels.findIndex((label) => label !== UNSUPERVISED && !isId(label));
    if (odd < 0) return { kind: "tokens", ids, labels, origin: row.origin, empty: null };
    throw fault(row, `labels[${odd}] = ${labels[odd]}`, "a token id or -100");
  },
};

/** Several answers with their grades, in the fields of some data set. */
const ranked = (name: string, fields: string, marks: readonly string[]): Format => ({
  ...{ name, fields, marks },
  reads: [...RANKED_FIELDS, ...TOOLS],
  template: "verbatim",
  read: readRanked,
});

/** All formats, in the order in which a row is tried: Alpaca's own rows also have a `text`. */
export const formats: readonly Format[] = [
  tokens,
  { // before chats: files of preferences have their chosen answer as messages too
    name: "preference",
    fields: "prompt (may be in both answers), chosen, rejected",
    marks: ["chosen", "rejected"],
    reads: ["prompt", "chosen", "rejected", "margin", ...TOOLS],
    template: "verbatim",
    read: readPreference,
  },
  {
    name: "chat",
    fields: "messages (role, content)",
    marks: ["messages"],
    reads: ["messages", "system", ...TOOLS],
    read: readMessages,
  },
  {
    name: "sharegpt",
    fields: "conversations (from, value)",
    marks: ["conversations"],
    reads: ["conversations", "system", ...TOOLS],
    read: readConversations,
  },
  {
    name: SUPER_NATURAL,
    fields: "Definition, Positive Examples, Instances (input, output)",
    marks: ["Definition", "Instances"],
    reads: ["Definition", "Positive Examples", "Instances"],
    template: "verbatim",
    read: (row, { positiveExamples }) => readTask(row, positiveExamples),
  },
  {
    name: "seed-task",
    fields: "instruction, instances (input, output)",
    marks: ["instruction", "instances"],
    read: (row) => {
      const instruction = text(row, "instruction");
      return objects(row, "instances").map((instance) => {
        const [input, answer] = [text(instance, "input", ""), text(instance, "output")];
        return instructionContent(instance.origin, { instruction, input, answer, field: "output" });
      });
    },
  },
  {
    name: "instruction-induction",
    fields: "metadata, examples (input, output)",
    marks: ["metadata", "examples"],
    rows: readExamples,
    read: (row, settings) => readExamples(row).flatMap((pair) => pairs.read(pair, settings)),
  },
  instructions("alpaca", ["instruction", "input", "output"]),
  instructions("dolly", ["instruction", "context", "response"], {
    marks: ["instruction", "context", "response"],
  }),
  instructions("instruction-response", ["instruction", "input", "response"]),
  { // before prompt-completion, which would learn answers that are not wanted
    name: "labelled",
    fields: "prompt, completion, label (true or false)",
    marks: [...completion.marks, "label"],
    reads: [...completion.marks, "label", ...TOOLS],
    template: "verbatim",
    read: (row) => ({ ...readPrompted(row), label: isWanted(row) }),
  },
  {
    ...completion,
    reads: [...completion.marks, ...TOOLS],
    read: readPrompted,
  },
  instructions("question-answer", ["question", null, "answer"]),
  pairs,
  targets,
  {
    name: "examples",
    fields: "examples (input, target)",
    marks: ["examples"],
    rows: (row) => objects(row, "examples"),
    read: (row, settings) =>
      objects(row, "examples").flatMap((pair) => targets.read(pair, settings)),
  },
  ranked("ranked", "prompt, answers, scores (or answers best first)", ["prompt", "answers"]),
  ranked("ultrafeedback", "instruction, completions (response, overall_score)", [
    ...["instruction", "completions"],
  ]),
  {
    name: "text",
    fields: "text",
    marks: ["text"],
    read: readText,
  },
  { // after texts without a class, so that it is chosen by name alone
    name: "classified",
    fields: "text or messages, label (the name or the number of a class)",
    marks: ["text", "label"],
    reads: ["text", "messages", "system", "label", ...TOOLS],
    read: readClassified,
  },
  ranked("stack-exchange", "question, answers (text, pm_score)", ["question", "answers"]),
];

/** The names that an entry's `format` may have. */
export const formatNames: readonly string[] = formats.map(({ name }) => name);

/**
 * The format of that name, or where none is named, the first whose marks the row has.
 *
 * @throws {ConfigError} if the name is unknown.
 * @throws {FileError} if no format fits the row.
 */
export function chooseFormat(name: string | undefined, row: Row): Format {
  const format = name === undefined
    ? formats.find(({ marks }) => isMarked(row, marks))
    : formats.find((format) => format.name === name);
  if (format !== undefined) return format;
  if (name === undefined) throw noFormat(row);
  const names = formatNames.join(", ");
  const hint = didYouMean(name, formatNames);
  throw new ConfigError(`Found format ${JSON.stringify(name)}, wanted one of ${names}${hint}`);
}

/** The rows to put into words: the row itself, or those that it holds. */
export function rowsIn(row: Row): Row[] {
  const holder = formats.find(({ rows, marks }) => rows && isMarked(row, marks));
  return holder?.rows?.(row) ?? [row];
}

/** The pairs of a file of orhonovich/instruction-induction, data/raw: an object of them by number. */
function readExamples(row: Row): Row[] {
  const examples = own(row.fields, "examples");
  if (!isObject(examples)) throw fieldFault(row, "examples", "an object of pairs");
  return Object.entries(examples).map(([key, fields]) => {
    const origin = `${row.origin} (examples.${key})`;
    if (isObject(fields)) return { fields, origin };
    throw fault({ fields: {}, origin }, describe(fields), "an object");
  });
}

function isMarked({ fields }: Row, marks: readonly string[]): boolean {
  return marks.every((mark) => Object.hasOwn(fields, mark));
}

/** Names the format whose marks the row's fields come nearest to, or all where none is near. */
function noFormat(row: Row): FileError {
  const names = Object.keys(row.fields);
  const overlap = ({ marks }: Format) => {
    const met = marks.map((mark) =>
      names.includes(mark) ? 1 : nearest(mark, names).length > 0 ? 0.5 : 0
    );
    return met.reduce<number>((sum, part) => sum + part, 0) / marks.length;
  };
  const [best] = [...formats].sort((a, b) => overlap(b) - overlap(a));
  const wantedOf = ({ fields, name }: Format) => `${fields} (format ${name})`;
  const wanted = overlap(best!) > 0
    ? `${wantedOf(best!)}, the nearest, or another format's`
    : formats.map(wantedOf).join("; or ");
  return fault(row, fieldNames(row), wanted);
}
