/**
 * Files to documents: rows are read, put into words and given a template, what is drawn for a row
 * being a function of the seed and its number.
 *
 * @module
 */

import { FileError } from "../errors.ts";
import { type DocumentSettings, resolveTemplates, toDocument, TRAIN_ON } from "./documents.ts";
import { Draws } from "./draws.ts";
import { type DataEntry, POSITIVE_EXAMPLES } from "./entry.ts";
import type { Document } from "./example.ts";
import { findFiles, readRows } from "./files/read.ts";
import type { Row } from "./files/row.ts";
import { type Content, contentText } from "./formats/content.ts";
import { chooseFormat, type Format, rowsIn } from "./formats/mod.ts";
import { phrase, type Prompts, readPrompts } from "./prompts/mod.ts";
import { split } from "./split.ts";
import { DEFAULT_TEMPLATE } from "./template.ts";

/** What becomes one document. */
interface Item {
  /** Counted over the whole entry. */
  readonly number: number;
  readonly row: Row;
  /** Null where prompts make it of the row. */
  readonly content: Content | null;
  /** The template that is put around it by default. */
  readonly template: string;
}

/**
 * Reads the documents of a source, one at a time; `dropped` is called for each that is left out
 * because it is empty, or because no prompt has anything to say of it.
 *
 * @throws {ConfigError} if the entry names an unknown format, template, prompt or part.
 * @throws {FileError} if a file or a row cannot be used, or a part of a split is empty.
 */
export async function* readDocuments(
  entry: DataEntry,
  dropped: () => void = () => {},
): AsyncGenerator<Document> {
  const prompts = entry.prompts === undefined ? null : readPrompts(entry.prompts);
  const settings = settingsByTemplate(entry);
  const items = readItems(entry, prompts);
  for await (const item of entry.split ? await partOf(entry, entry.split, items) : items) {
    const draws = new Draws(entry.seed ?? 0, item.number);
    const content = item.content ?? phrase(item.row, prompts!.list, draws)?.content;
    if (content?.empty === null) yield toDocument(content, settings(item.template), draws);
    else if (content === undefined || entry.on_empty === "drop") dropped();
    else throw new FileError(`${content.origin}: found ${content.empty}, wanted text to learn`);
  }
}

async function* readItems(entry: DataEntry, prompts: Prompts | null): AsyncGenerator<Item> {
  const { format: name, positive_examples: positiveExamples = POSITIVE_EXAMPLES } = entry;
  let number = 0;
  for (const path of await findFiles(entry.path)) {
    let format: Format | undefined;
    for await (const row of readRows(path)) {
      if (prompts) {
        for (const inner of rowsIn(row)) {
          yield { number: number++, row: inner, content: null, template: prompts.template };
        }
        continue;
      }
      format ??= chooseFormat(name, row);
      const { template = DEFAULT_TEMPLATE } = format;
      const contents = format.read(row, { positiveExamples });
      for (const content of Array.isArray(contents) ? contents : [contents]) {
        yield { number: number++, row, content, template };
      }
    }
  }
}

/** The settings of documents by the default template, each worked out once. */
function settingsByTemplate(entry: DataEntry): (template: string) => DocumentSettings {
  const { train_on: trainOn = TRAIN_ON[0], eos: eosAfterText = false } = entry;
  const known = new Map<string, DocumentSettings>();
  return (template) => {
    const found = known.get(template) ??
      { templates: resolveTemplates(entry.template, template), trainOn, eosAfterText };
    known.set(template, found);
    return found;
  };
}

/** The items of one part; those of the same text fall into the same, whatever is drawn for them. */
async function partOf(
  { path }: DataEntry,
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
