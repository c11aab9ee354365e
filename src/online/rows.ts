/**
 * What rewards are told of a row: what it asks, and its columns.
 *
 * @module
 */
import { asked, type Content, type DataEntry, type Example, readContents } from "../data/mod.ts";
import { findFiles, readRows } from "../rows/sources/read.ts";
import type { Answered } from "../rewards/mod.ts";

/** A row as rewards see it. */
type Told = Pick<Answered, "prompt" | "row">;

/** Rows by where they stand. */
export class ToldRows {
  private constructor(private readonly rows: ReadonlyMap<string, Told>) {}

  /** Reads the rows of some sources. @throws {FileError} where one cannot be read. */
  static async read(entries: readonly DataEntry[]): Promise<ToldRows> {
    const columns = new Map<string, Told["row"]>();
    const rows = new Map<string, Told>();
    for (const entry of entries) {
      for (const path of [entry.path].flat()) {
        for (const file of await findFiles(path)) {
          for await (const { origin, fields } of readRows(file, entry.max_row_mib)) {
            columns.set(origin, fields);
          }
        }
      }
      for await (const { content } of readContents(entry)) {
        const { origin } = content;
        rows.set(origin, { prompt: promptOf(content), row: columnsAt(columns, origin) });
      }
    }
    return new ToldRows(rows);
  }

  /** What is told of an example; of one that stands in no file, its prompt as the model reads it. */
  of({ origin }: Example, prompt: () => string): Omit<Answered, "completion"> {
    return { ...this.rows.get(origin) ?? { prompt: prompt(), row: {} }, origin };
  }
}

/** Those of the row itself where an origin names a part of one: `rows.jsonl:12 (instances[0])`. */
function columnsAt(columns: ReadonlyMap<string, Told["row"]>, origin: string): Told["row"] {
  for (let at = origin; at !== ""; at = at.slice(0, Math.max(0, at.lastIndexOf(" (")))) {
    const found = columns.get(at);
    if (found) return found;
  }
  return {};
}

/** What is asked, without a template. */
function promptOf(content: Content): string {
  if (content.kind === "instruction") return asked(content);
  if (content.kind !== "chat") return "";
  return content.messages.filter(({ role }) => role === "user").map(({ content }) => content)
    .at(-1) ?? "";
}
