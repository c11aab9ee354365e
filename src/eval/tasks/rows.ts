/**
 * Tasks out of rows: any format of data that has answers, in their own words or in those of prompts.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { type Content, POSITIVE_EXAMPLES, type PromptSetting } from "../../data/mod.ts";
import { type Item, readItems } from "../../data/dataset/contents.ts";
import { isLeftOut } from "../../rows/formats/unread.ts";
import { EXEMPLAR_SEPARATOR, sampleExemplars } from "../../rows/prompts/few_shot.ts";
import { type Prompt, readPrompts } from "../../rows/prompts/mod.ts";
import { RowRng } from "../../rows/row_rng.ts";
import { ConfigError, FileError } from "../../errors.ts";
import { exists } from "../../io/files.ts";
import { permutation } from "../../random.ts";
import { isBehaviour, metricOf } from "../metrics/mod.ts";
import { bestOf, choicesOf, referencesOf } from "./answers.ts";
import { MAX_TOKENS, type TaskEntry } from "./entry.ts";
import type { Phrasing, Question, Task } from "./task.ts";

/**
 * Reads a task of rows.
 *
 * @param name the task's.
 * @throws {FileError} for a row that cannot be read, or has no reference, or choices that are none.
 * @throws {ConfigError} for a format, prompt or metric that is not known.
 */
export async function readRowsTask(entry: TaskEntry, name: string): Promise<Task> {
  const { path, format, columns, template, shots, seed = 0 } = entry;
  const { max_tokens: maxTokens = MAX_TOKENS } = entry;
  const setting = entry.prompts ?? inductionPrompts(entry);
  const prompts = setting === undefined ? null : readPrompts(setting);
  const source = {
    path,
    ...(format !== undefined && { format }),
    ...(columns !== undefined && { columns }),
    positive_examples: shots ?? POSITIVE_EXAMPLES,
  };
  const all = (await Array.fromAsync(readItems(source, prompts)))
    .filter(({ row }) => !isLeftOut(row));
  const asked = sampleRows(all, entry.max_rows, seed);
  const isTask = all.some(({ format }) => format?.name === "super-natural-instructions");
  const examples = isTask ? 0 : shots ?? 0;
  const ask = (prompt: Prompt | null): Phrasing => ({
    name: prompt?.name ?? "",
    questions: asked.flatMap((item, row) => {
      return questionOf({ item, row, prompt, all, shots: examples, seed }, entry) ?? [];
    }),
  });
  const phrasings = (prompts?.list ?? [null]).map(ask).filter(({ questions }) =>
    questions.length > 0
  );
  if (phrasings.length === 0) throw new FileError(`${path}: found no row that a prompt words`);
  const kind = isTask ? "super-ni" : isBbh(all, path) ? "bbh" : "rows";
  const metrics = (entry.metrics ?? metricsFor(phrasings, kind)).map(metricOf);
  const stop = entry.stop ?? (examples > 0 ? [EXEMPLAR_SEPARATOR] : []);
  return { name, rows: asked.length, phrasings, metrics, template, maxTokens, stop };
}

/** A seeded sample of so many, in their order. */
export function sampleRows<T>(rows: readonly T[], most = rows.length, seed: number): T[] {
  const order = permutation(rows.length, seed).subarray(0, most).sort();
  return Array.from(order, (i) => rows[i]!);
}

interface Asked {
  readonly item: Item;
  readonly row: number;
  readonly prompt: Prompt | null;
  readonly all: readonly Item[];
  readonly shots: number;
  readonly seed: number;
}

/** Null where the prompt says nothing of the row. */
function questionOf(asked: Asked, { choices }: TaskEntry): Question | null {
  const { item, row, prompt, seed } = asked;
  const rng = new RowRng(seed, item.number);
  const content = prompt === null ? item.content! : prompt.read(item.row, rng);
  if (content === null) return null;
  const references = referencesOf(content, item.row);
  return {
    row,
    content: withExemplars(answered(content, references[0]!), asked),
    template: item.template,
    references,
    choices: choicesOf(content, item.row, references, choices),
    lead: "",
  };
}

/** A content with another answer; what comes after the answer is left out. */
export function answered(content: Content, answer: string): Content {
  if (content.kind === "preference") return answered(bestOf(content), answer);
  if (content.kind === "instruction") return { ...content, answer };
  if (content.kind !== "chat") return content;
  const last = content.messages.findLastIndex(({ role }) => role === "assistant");
  const asked = content.messages.slice(0, last).map((turn) => ({ ...turn, supervised: false }));
  const turn = { role: "assistant", content: answer, supervised: true } as const;
  return { ...content, messages: [...asked, turn] };
}

/** The question after some exemplars of other rows, in the same words. */
function withExemplars(content: Content, { item, prompt, all, shots, seed }: Asked): Content {
  if (shots === 0) return content;
  if (content.kind !== "instruction") {
    throw new ConfigError(
      `${content.origin}: found a ${content.kind}, wanted an instruction for exemplars`,
    );
  }
  const rng = new RowRng(seed, item.number, shots);
  const exemplars = sampleExemplars(all, { item, exchange: content }, { shots, rng }, (other) => {
    const found = prompt === null ? other.content : prompt.read(other.row, rng);
    return found?.kind === "instruction" && found.empty === null ? found : null;
  });
  return { ...content, exemplars };
}

/** What such rows are scored by where nobody says. */
function metricsFor(
  phrasings: readonly Phrasing[],
  kind: "super-ni" | "bbh" | "rows",
): string[] {
  const questions = phrasings.flatMap(({ questions }) => questions);
  if (questions.some(({ choices }) => choices)) return ["accuracy"];
  const isMarked = (text: string) => /^#### -?[0-9.,]+/m.test(text);
  if (questions.every(({ references }) => references.every(isMarked))) return ["number"];
  if (questions.every(({ references }) => references.every(isBehaviour))) return ["refusal"];
  if (kind === "super-ni") return ["exact_match", "rougeL_stem"];
  return kind === "bbh" ? ["exact_match_bbh"] : ["exact_match", "rougeL"];
}

/** The files of BIG-Bench Hard have a canary beside their examples, and lie in a folder `bbh`. */
const isBbh = (items: readonly Item[], path: string): boolean =>
  /\bbbh\b/i.test(path) ||
  items.some(({ row: { fields } }) => "canary" in fields && "examples" in fields);

/**
 * The instructions beside a file of instruction-induction, whose rows say nothing of what is asked:
 * `data/annotations/X.json` of `data/raw/execute/X.json`.
 */
function inductionPrompts({ path, format }: TaskEntry): PromptSetting | undefined {
  const folder = dirname(path);
  if (format !== undefined || !/^(execute|induce)$/.test(basename(folder))) return undefined;
  const instructions = join(folder, "../../annotations", basename(path));
  return exists(instructions) ? { instructions } : undefined;
}
