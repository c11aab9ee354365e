/**
 * A part of the rows of a source as a file of their own, for what is trained on or asked.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename, join, resolve } from "node:path";
import { parseConfig } from "../../config/mod.ts";
import { readRowTexts, type RowText } from "../../curate/mod.ts";
import { ConfigError, FileError } from "../../errors.ts";
import { exists, isObject, readJsonObject, writeText } from "../../io/files.ts";
import { makeFolder } from "../../io/folders.ts";
import { permutation } from "../../random.ts";
import { studyFiles } from "../engine/folder.ts";
import type { Place } from "../engine/study.ts";
import type { Values } from "./trial.ts";

/** Which rows of a source. */
export interface Choice {
  /** Only rows with these values in these fields. */
  readonly where?: Readonly<Record<string, string>> | undefined;
  /** A seeded sample of so many; all where there are no more. */
  readonly count?: number | undefined;
  readonly seed?: number;
}

/** All rows of an entry of data. */
export async function rowTextsOf(entry: Values, { folder }: Place): Promise<RowText[]> {
  const { config } = parseConfig({ folder, values: { model: ".", data: [entry] } });
  return await Array.fromAsync(readRowTexts(config.data[0]!));
}

/**
 * An entry that has only some of the rows of another: a file of the study, unless all are wanted.
 *
 * @throws {FileError} where none is left.
 */
export async function chosenEntry(
  entry: Values,
  { where, count, seed = 0 }: Choice,
  place: Place,
): Promise<Values> {
  if (where === undefined && count === undefined) return entry;
  const all = await rowTextsOf(entry, place);
  const fitting = where === undefined ? all : all.filter((row) => hasFields(row, where));
  if (fitting.length === 0) {
    throw new FileError(
      `${entry["path"]}: found no row with ${JSON.stringify(where)}, wanted some`,
    );
  }
  if (where === undefined && count! >= all.length) return entry;
  const order = permutation(fitting.length, seed).subarray(0, count).sort();
  const words = Object.values(where ?? {}).join(" ");
  const name = [words, `${order.length} rows`, ...(count === undefined ? [] : [`seed ${seed}`])];
  return entryOfRows(entry, Array.from(order, (i) => fitting[i]!), name.join(" ").trim(), place);
}

/** An entry of tasks that asks only some of the rows of another. */
export async function askedEntry(task: Values, choice: Choice, place: Place): Promise<Values> {
  const { path, format, prompts, ...rest } = task;
  const given = {
    path,
    ...(format !== undefined && { format }),
    ...(prompts !== undefined && { prompts }),
  };
  return { ...rest, ...await chosenEntry(given, choice, place) };
}

function hasFields({ line }: RowText, where: Readonly<Record<string, string>>): boolean {
  const fields: unknown = JSON.parse(line);
  return isObject(fields) &&
    Object.entries(where).every(([field, value]) => String(fields[field]) === value);
}

/** Writes rows into a file of the study; an entry of it in place of that of all rows. */
export function entryOfRows(
  entry: Values,
  rows: readonly RowText[],
  name: string,
  place: Place,
): Values {
  const stem = stemOf(String(entry["path"]));
  const path = fileOf(
    `${stem} ${name}`,
    ".jsonl",
    rows.map(({ line }) => `${line}\n`).join(""),
    place,
  );
  const { format: _, positive_examples: _examples, ...rest } = entry;
  return { ...rest, path };
}

const stemOf = (path: string): string => basename(path).replace(/\..*$/, "");

/** Writes a file of the study, unless it is there; its path, which has a hash of its text. */
export function fileOf(name: string, extension: string, text: string, { out }: Place): string {
  const { data } = studyFiles(out);
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8);
  const path = join(data, `${name.replace(/[^\w -]/g, "-")} ${hash}${extension}`);
  makeFolder(data);
  if (!exists(path)) writeText(path, text);
  return path;
}

/**
 * The first prompts of a setting.
 *
 * @throws {ConfigError} where it has fewer.
 */
export function firstPrompts(setting: unknown, count: number, place: Place): unknown {
  const enough = <T>(list: readonly T[], from: string): readonly T[] => {
    if (list.length >= count) return list.slice(0, count);
    throw new ConfigError(`${from}: found ${list.length} prompts, wanted ${count} at least`);
  };
  if (Array.isArray(setting)) return enough(setting, "prompts");
  const { instructions, flan, task } = isObject(setting) ? setting : {};
  if (typeof instructions === "string") {
    const { annotations } = readJsonObject(resolve(place.folder, instructions));
    const kept = enough(Array.isArray(annotations) ? annotations : [], instructions);
    const text = `${JSON.stringify({ annotations: kept })}\n`;
    return {
      instructions: fileOf(`${stemOf(instructions)} ${count} prompts`, ".json", text, place),
    };
  }
  if (typeof flan === "string" && typeof task === "string") {
    return enough(patternsOf(setting, place), flan);
  }
  throw new ConfigError(
    `Found ${
      JSON.stringify(setting)
    }, wanted a list of prompts, or {instructions}, or {flan, task}`,
  );
}

/**
 * The patterns of a list, or of a task in a file like FLAN's.
 *
 * @throws {ConfigError} where it is neither.
 */
export function patternsOf(setting: unknown, { folder }: Place): readonly unknown[] {
  if (Array.isArray(setting)) return setting;
  const { flan, task } = isObject(setting) ? setting : {};
  if (typeof flan !== "string" || typeof task !== "string") {
    throw new ConfigError(
      `Found ${JSON.stringify(setting)}, wanted a list of prompts or {flan, task}`,
    );
  }
  const path = resolve(folder, flan);
  const list = readJsonObject(path)[task];
  if (!Array.isArray(list)) throw new ConfigError(`${path}: found no prompts of ${task}`);
  return list.map((pair) => Array.isArray(pair) ? { input: pair[0], target: pair[1] } : pair);
}
