/**
 * Files to contents to documents: rows are read and put into words, then given a template, what is
 * sampled for a row being a function of the seed and its number.
 *
 * @module
 */

import { ConfigError, FileError } from "../../errors.ts";
import { type DocumentSettings, toDocument } from "./documents.ts";
import { RowRng } from "../../rows/row_rng.ts";
import { type DataEntry, POSITIVE_EXAMPLES, TRAIN_ON } from "../entry.ts";
import type { Document } from "../example.ts";
import { sourceRows } from "../../rows/sources/columns.ts";
import { findFiles } from "../../rows/sources/read.ts";
import type { Row } from "../../rows/sources/row.ts";
import { type Content, contentText, type Exchange } from "../../rows/content.ts";
import { chooseFormat, type Format, rowsIn } from "../../rows/formats/mod.ts";
import { inWords, type Prompt, type Prompts, readPrompts } from "../../rows/prompts/mod.ts";
import { pairOf, RANKED_FORMATS } from "../../rows/formats/ranked.ts";
import { SUPER_NATURAL } from "../../rows/formats/super_natural.ts";
import { isLeftOut, unreadFields } from "../../rows/formats/unread.ts";
import { kindsOf, refuseIdle } from "./idle.ts";
import { split } from "./split.ts";
import { DEFAULT_TEMPLATE } from "../templates/prompt_template.ts";
import { MODEL_TEMPLATE, resolveTemplates } from "../templates/setting.ts";
import { blocksOf, sampleExemplars, sampleShots } from "../../rows/prompts/few_shot.ts";
import { invertedChat, sampleForm } from "../../rows/prompts/forms.ts";

/** An entry, or what one with several paths is for one of them. */
type OnePath = DataEntry & { readonly path: string };

/** What becomes one document. */
export interface Item {
  /** Counted over the whole path. */
  readonly number: number;
  readonly file: string;
  readonly row: Row;
  /** Null where prompts make it of the row. */
  readonly content: Content | null;
  /** The template that is put around it by default. */
  readonly template: string;
  /** Null where prompts make it of the row. */
  readonly format: Format | null;
}

/** What is worth counting: documents left out, and those of each variant. */
export type Noted = "empty" | "of_weight_0" | "few_shot" | "chain_of_thought" | "inversion";

/** How rows were read: how many in each format, and how many have each field that nothing reads. */
export interface Readings {
  readonly formats: Record<string, number>;
  readonly unread: Record<string, number>;
}

/**
 * What a row says in the words and the form that were sampled for it: all that its document is made of,
 * as data alone, so that it can wait on the disk and go to a worker.
 */
export interface SampledContent {
  readonly content: Content;
  /** The template that is put around it by default. */
  readonly template: string;
  /** Decides between several templates, in [0, 1). */
  readonly choice: number;
}

/**
 * Reads the contents of a source, one at a time. `note` is called for each of a variant, and for each
 * that is left out because it is empty, or because no prompt has anything to say of it.
 *
 * @throws {ConfigError} if the entry names an unknown format, prompt or part.
 * @throws {FileError} if a file or a row cannot be used, or a part of a split is empty.
 */
export async function* readContents(
  entry: DataEntry,
  note: (what: Noted) => void = () => {},
  readings: Readings = { formats: {}, unread: {} },
): AsyncGenerator<SampledContent> {
  if (entry.prompts && entry.format !== undefined) {
    throw new ConfigError(
      `Found format ${entry.format} beside prompts, wanted only one of the two`,
    );
  }
  const contents = new Set<Content["kind"]>();
  for (const path of [entry.path].flat()) {
    for await (const sampled of readPath({ ...entry, path }, note, readings)) {
      for (const kind of kindsOf(sampled.content)) contents.add(kind);
      yield sampled;
    }
  }
  const has = (name: string) => Object.hasOwn(readings.formats, name);
  refuseIdle(entry, {
    ...{ contents, hasTasks: has(SUPER_NATURAL), hasGrades: RANKED_FORMATS.some(has) },
  });
}

/**
 * Makes the documents of an entry's contents.
 *
 * @param hasChats whether the model has a chat template, which then stands around instructions where
 * no other is named.
 * @throws {ConfigError} when it is called, if a template is unknown or not for such content.
 */
export function documentMaker(
  entry: DataEntry,
  hasChats: boolean,
): (sampled: SampledContent) => Document {
  const settings = settingsByTemplate(entry, hasChats ? MODEL_TEMPLATE : DEFAULT_TEMPLATE);
  return ({ content, template, choice }) => toDocument(content, settings(template), choice);
}

/** Reads the documents of a source, one at a time. As {@link readContents} and {@link documentMaker}. */
export async function* readDocuments(
  entry: DataEntry,
  note?: (what: Noted) => void,
  hasChats = false,
): AsyncGenerator<Document> {
  const documentOf = documentMaker(entry, hasChats);
  for await (const sampled of readContents(entry, note)) yield documentOf(sampled);
}

async function* readPath(
  entry: OnePath,
  note: (what: Noted) => void,
  readings: Readings,
): AsyncGenerator<SampledContent> {
  const prompts = entry.prompts === undefined ? null : readPrompts(entry.prompts);
  const all = readItems(entry, prompts);
  const items = entry.split ? await partOf(entry, entry.split, all) : all;
  for await (const block of entry.few_shot ? blocksOf(items) : singly(items)) {
    for (const item of block) {
      if (isLeftOut(item.row)) {
        note("of_weight_0");
        continue;
      }
      addReadings(readings, item);
      const rng = new RowRng(entry.seed ?? 0, item.number);
      const phrased = pairedIn(phrase(item, prompts, rng), entry, rng);
      if (phrased?.content.empty === null) {
        const content = variantOf({ ...phrased, item, block, rng }, entry, note);
        yield { content, template: item.template, choice: rng.uniform() };
      } else if (phrased === null || entry.on_empty === "drop") note("empty");
      else {
        const { origin, empty } = phrased.content;
        throw new FileError(`${origin}: found ${empty}, wanted text to learn`);
      }
    }
  }
}

function addReadings({ formats, unread }: Readings, { format, row }: Item): void {
  if (format === null) return;
  count(formats, format.name);
  for (const field of unreadFields(row, format.reads ?? format.marks)) count(unread, field);
}

/** Counts one more of that name. */
export function count(counts: Record<string, number>, name: string, more = 1): void {
  counts[name] = (Object.hasOwn(counts, name) ? counts[name]! : 0) + more;
}

/** A content, and the prompt whose words it is in. */
interface Phrased {
  readonly content: Content;
  readonly prompt: Prompt | null;
}

/** An item in the words of one of the prompts, if there are any. */
function phrase({ content, row }: Item, prompts: Prompts | null, rng: RowRng): Phrased | null {
  return prompts === null ? { content: content!, prompt: null } : inWords(row, prompts.list, rng);
}

/** The same with two of the graded answers of a row where the entry says so. */
function pairedIn(phrased: Phrased | null, { pairs }: DataEntry, rng: RowRng): Phrased | null {
  if (!pairs || phrased?.content.kind !== "preference" || !phrased.content.grades) return phrased;
  return { ...phrased, content: pairOf(phrased.content, pairs, rng) };
}

/** A content whose form is yet to be chosen. */
interface Unformed extends Phrased {
  readonly item: Item;
  readonly block: readonly Item[];
  readonly rng: RowRng;
}

/** The content in the form that is sampled for it. */
function variantOf(unformed: Unformed, entry: DataEntry, note: (what: Noted) => void): Content {
  const { content, item, rng } = unformed;
  const { few_shot, chain_of_thought, inversion } = entry;
  if (!few_shot && !chain_of_thought && !inversion) return content;
  if (content.kind === "instruction" && content.label === undefined) {
    return { ...content, ...exchangeOf({ ...unformed, content }, entry, note) };
  }
  const isLabelled = content.label !== undefined;
  if (content.kind !== "chat" || isLabelled || few_shot || chain_of_thought) {
    const found = isLabelled ? "labelled answers" : `rows of kind ${content.kind}`;
    const wanted = "instructions for few_shot, chain_of_thought and inversion";
    throw new ConfigError(`${content.origin}: found ${found}, wanted ${wanted}`);
  }
  const form = sampleForm(entry, content.kind, rng);
  const inverted = form.name === "plain" ? null : invertedChat(content, form, item.row);
  if (inverted !== null) note("inversion");
  return inverted ?? content;
}

/** An instruction in its form, with exemplars in the same words and form. */
function exchangeOf(
  { content, prompt, item, block, rng }: Unformed & { readonly content: Exchange },
  entry: DataEntry,
  note: (what: Noted) => void,
) {
  const form = sampleForm(entry, "instruction", rng);
  if (form.name !== "plain") note(form.name);
  const exchange = form.apply(content, item.row);
  const take = (other: Item) => {
    const found = prompt === null ? other.content : prompt.read(other.row, rng);
    return found?.kind === "instruction" && found.empty === null
      ? form.apply(found, other.row)
      : null;
  };
  const shots = sampleShots(entry.few_shot, rng);
  const exemplars = sampleExemplars(block, { item, exchange }, { shots, rng }, take);
  if (exemplars.length > 0) note("few_shot");
  return { ...exchange, exemplars };
}

async function* singly(items: AsyncIterable<Item> | Iterable<Item>): AsyncGenerator<Item[]> {
  for await (const item of items) yield [item];
}

/** The rows of a source in the order of its files, with what they say where no prompts say it. */
export async function* readItems(
  entry: OnePath,
  prompts: Prompts | null,
): AsyncGenerator<Item> {
  const { format: name, positive_examples: positiveExamples = POSITIVE_EXAMPLES } = entry;
  let number = 0;
  for (const file of await findFiles(entry.path)) {
    let format: Format | undefined;
    for await (const row of sourceRows(file, entry)) {
      if (prompts) {
        for (const inner of rowsIn(row)) {
          const { template } = prompts;
          yield { number: number++, file, row: inner, content: null, template, format: null };
        }
        continue;
      }
      format ??= chooseFormat(name, row);
      const { template = DEFAULT_TEMPLATE } = format;
      const contents = format.read(row, { positiveExamples });
      for (const content of Array.isArray(contents) ? contents : [contents]) {
        yield { number: number++, file, row, content, template, format };
      }
    }
  }
}

/** The settings of documents by the default template of their format, each worked out once. */
function settingsByTemplate(
  entry: DataEntry,
  ofInstructions: string,
): (template: string) => DocumentSettings {
  const { train_on: trainOn = TRAIN_ON[0]!, eos: eosAfterText = false, date } = entry;
  const { special_tokens: readsSpecial = false } = entry;
  const known = new Map<string, DocumentSettings>();
  return (template) => {
    const found = known.get(template) ??
      {
        templates: resolveTemplates(
          entry.template ?? (template === DEFAULT_TEMPLATE ? ofInstructions : undefined),
          template,
        ),
        trainOn,
        eosAfterText,
        readsSpecial,
        ...(date !== undefined && { date }),
      };
    known.set(template, found);
    return found;
  };
}

/** The items of one part; those of the same text fall into the same, whatever is sampled for them. */
async function partOf(
  { path }: OnePath,
  { part, shares, seed }: NonNullable<DataEntry["split"]>,
  source: AsyncIterable<Item>,
): Promise<Item[]> {
  const items = await Array.fromAsync(source);
  const texts = items.map(({ content, row }) =>
    content === null ? JSON.stringify(row.fields) : contentText(content)
  );
  const indices = split(texts, shares, seed)[part];
  if (indices !== undefined && indices.length > 0) return indices.map((i) => items[i]!);
  const found = `${indices === undefined ? "no" : "an empty"} part ${JSON.stringify(part)}`;
  const of = `a split of ${items.length} documents into ${Object.keys(shares).join(", ")}`;
  throw new FileError(`${path}: found ${found} in ${of}, wanted documents`);
}
