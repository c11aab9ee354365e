/**
 * Tasks of lm-evaluation-harness over rows of a file.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { instructionContent } from "../../../data/mod.ts";
import { RowRng } from "../../../rows/row_rng.ts";
import { type RowSource, sourceRows } from "../../../rows/sources/columns.ts";
import { findFiles } from "../../../rows/sources/read.ts";
import { fault, type Row } from "../../../rows/sources/row.ts";
import { ConfigError } from "../../../errors.ts";
import { isObject } from "../../../io/files.ts";
import { metricOf } from "../../metrics/mod.ts";
import { checked, rightOf } from "../answers.ts";
import type { TaskEntry } from "../entry.ts";
import { sampleRows } from "../rows.ts";
import type { Choices, Question, Task } from "../task.ts";
import { renderOf, textsOf } from "./render.ts";
import { scoringOf } from "./scoring.ts";
import { readTaskFields, type TaskFields } from "./yaml.ts";

/** As the harness has it. */
const DEFAULTS = { targetDelimiter: " ", fewshotDelimiter: "\n\n", maxTokens: 256 };

/** What a row asks and what is right. */
interface Worded {
  readonly text: string;
  readonly references: readonly string[];
  readonly choices: Choices | null;
}

/**
 * Reads a task.
 *
 * @throws {ConfigError} {FileError} for what is not data alone, and for rows that do not fit it.
 */
export async function readLmEval(entry: TaskEntry, name: string): Promise<Task> {
  const { path, seed = 0, template } = entry;
  const fields = readTaskFields(path);
  const isChoice = fields["output_type"] === "multiple_choice";
  const word = wording(path, fields, isChoice);
  const shots = entry.shots ?? Number(fields["num_fewshot"] ?? 0);
  const rows = await readAll(rowsPath(entry, fields, ["test", "validation", "training"]), entry);
  const examples = shots === 0 || entry.rows !== undefined || fields["fewshot_split"] === undefined
    ? rows
    : await readAll(rowsPath(entry, fields, ["fewshot"]), entry);
  const delimiter = textIn(fields, "target_delimiter", DEFAULTS.targetDelimiter);
  const between = textIn(fields, "fewshot_delimiter", DEFAULTS.fewshotDelimiter);
  const shown = ({ text, references, choices }: Worded) =>
    text + delimiter + (choices ? choices.texts[choices.right[0]!] : references[0]) + between;
  const asked = sampleRows([...rows.entries()], entry.max_rows, seed);
  const questions = asked.map(([number, row], place): Question => {
    const worded = word(row);
    const rng = new RowRng(seed, number, shots);
    const others = rng.shuffled(examples.length).filter((i) => examples[i] !== row).take(shots);
    const before = [...others].map((i) => shown(word(examples[i]!))).join("");
    const instruction = textIn(fields, "description", "") + before + worded.text;
    const { references, choices } = worded;
    const answer = references[0]!;
    return {
      row: place,
      content: instructionContent(row.origin, { instruction, answer, field: "doc_to_target" }),
      template: "verbatim",
      references,
      choices,
      lead: delimiter,
    };
  });
  return {
    name,
    rows: asked.length,
    phrasings: [{ name: "", questions }],
    metrics: entry.metrics?.map(metricOf) ?? scoringOf(path, fields),
    template,
    ...generationOf(entry, fields, between),
  };
}

function generationOf(entry: TaskEntry, fields: TaskFields, between: string) {
  const { path, max_tokens, stop } = entry;
  const given = isObject(fields["generation_kwargs"]) ? fields["generation_kwargs"] : {};
  if (given["do_sample"] === true || Number(given["temperature"] ?? 0) > 0) {
    throw new ConfigError(`${path}: found generation_kwargs that draw, wanted greedy answers`);
  }
  return {
    maxTokens: max_tokens ?? Number(given["max_gen_toks"] ?? DEFAULTS.maxTokens),
    stop: stop ?? [given["until"] ?? between].flat().map(String),
  };
}

function wording(path: string, fields: TaskFields, isChoice: boolean): (row: Row) => Worded {
  const render = (key: string) => {
    if (fields[key] !== undefined) return renderOf(path, key, fields[key]);
    throw new ConfigError(`${path}: found no ${key}, wanted what it makes of a row`);
  };
  const [text, target] = [render("doc_to_text"), render("doc_to_target")];
  const choice = isChoice ? render("doc_to_choice") : null;
  return (row) => {
    const asked = text(row);
    if (typeof asked !== "string") {
      throw fault(row, `${JSON.stringify(asked)} by doc_to_text`, "a text");
    }
    const answer = target(row);
    if (choice === null) {
      const list = Array.isArray(answer) ? answer.map(String) : [String(answer)];
      if (list.length > 0 && list.every((item) => item.trim() !== "")) {
        return { text: asked, references: list, choices: null };
      }
      throw fault(row, "no answer by doc_to_target", "a reference");
    }
    const texts = textsOf(choice(row));
    if (texts === null) throw fault(row, "no list by doc_to_choice", "choices");
    const right = rightChoices(texts, answer);
    const choices = checked(texts, right, row.origin, [String(answer)]);
    return { text: asked, references: right.map((i) => texts[i]!), choices };
  };
}

/** A target is the number of a choice, its text, or several of those. */
function rightChoices(texts: readonly string[], answer: unknown): number[] {
  if (Array.isArray(answer)) return answer.flatMap((item) => rightChoices(texts, item));
  const number = /^\s*\d+\s*$/.test(String(answer)) ? Number(answer) : -1;
  if (number >= 0 && number < texts.length) return [number];
  return rightOf(texts, [String(answer)]);
}

function textIn(fields: TaskFields, key: string, byDefault: string): string {
  const value = fields[key];
  return typeof value === "string" ? value : byDefault;
}

/** The rows of the first of some splits that the task has. */
function rowsPath(entry: TaskEntry, fields: TaskFields, splits: readonly string[]): string {
  if (entry.rows !== undefined) return entry.rows;
  const kwargs = isObject(fields["dataset_kwargs"]) ? fields["dataset_kwargs"] : {};
  const files = kwargs["data_files"];
  const split = splits.map((name) => fields[`${name}_split`]).find((name) => name !== undefined);
  const file = isObject(files) ? files[String(split)] : files;
  if (typeof file === "string") return resolve(dirname(entry.path), file);
  throw new ConfigError(
    `${entry.path}: found dataset_path ${JSON.stringify(fields["dataset_path"] ?? null)}, ` +
      "wanted data_files of its split in dataset_kwargs, or the rows as TASK.yaml@ROWS",
  );
}

async function readAll(path: string, columns: RowSource): Promise<Row[]> {
  const rows: Row[] = [];
  for (const file of await findFiles(path)) {
    rows.push(...await Array.fromAsync(sourceRows(file, columns)));
  }
  return rows;
}
