/**
 * The spec of a study: a JSON file, and what it names.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { z } from "../../deps/zod.ts";
import { ConfigError } from "../../errors.ts";
import { exists, isObject, onDisk, readJsonObject } from "../../io/files.ts";

/** Stands in a spec for the folder that `--files` names. */
const FILES = "{files}";

/** A spec that was read. */
export interface ReadSpec<S> {
  readonly spec: S;
  /** As it is written, without the place of anything: what must not change. */
  readonly written: Readonly<Record<string, unknown>>;
  /** Hashes of the files and folders that it names, by the words in which it does. */
  readonly files: Readonly<Record<string, string>>;
  readonly folder: string;
}

/**
 * Reads and checks a spec.
 *
 * @param files the folder that `{files}` stands for, where it is named.
 * @throws {ConfigError} where a key is unknown or missing, or `{files}` has no folder.
 */
export function readSpec<S>(
  path: string,
  schema: z.ZodType<S>,
  files: string | undefined,
): ReadSpec<S> {
  const written = readJsonObject(path);
  const folder = resolve(dirname(path));
  const placed = mapTexts(written, (text) => {
    if (!text.startsWith(FILES)) return text;
    if (files !== undefined) return resolve(files) + text.slice(FILES.length);
    throw new ConfigError(
      `${path}: found ${text} without --files, wanted --files DIR for its place`,
    );
  });
  const parsed = schema.safeParse(placed);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const key = issue!.path.join(".");
    throw new ConfigError(`${path}: ${key === "" ? "" : `${key}: `}${issue!.message}`);
  }
  const hashes: Record<string, string> = {};
  mapTexts(written, (text) => {
    const place = text.startsWith(FILES) ? resolve(files!) + text.slice(FILES.length) : text;
    const at = isAbsolute(place) ? place : join(folder, place);
    if (looksLikePath(text) && exists(at)) hashes[text] = hashOf(at);
    return text;
  });
  return { spec: parsed.data, written, files: hashes, folder };
}

/** Names of tasks and metrics are no paths, even where a file has one. */
const looksLikePath = (text: string): boolean => /[/\\]|\.\w+$/.test(text) && !text.includes("\n");

/** The same value with other texts. */
function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === "string") return change(value);
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, change));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, mapTexts(inner, change)]),
  );
}

/** SHA-256 of a file, or of the files of a folder and their names. */
function hashOf(path: string): string {
  const hash = createHash("sha256");
  const add = (path: string, name: string): void => {
    const { isDirectory } = onDisk(`Cannot read ${path}`, () => Deno.statSync(path));
    if (!isDirectory) {
      hash.update(`${name}\n`).update(onDisk(`Cannot read ${path}`, () => Deno.readFileSync(path)));
      return;
    }
    const inner = onDisk(`Cannot read ${path}`, () => [...Deno.readDirSync(path)]);
    for (const { name: own } of inner.sort((a, b) => a.name < b.name ? -1 : 1)) {
      add(join(path, own), `${name}/${own}`);
    }
  };
  add(path, "");
  return hash.digest("hex");
}
