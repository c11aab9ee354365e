/**
 * What a command line names: the values of its flags and what stands beside them, the strings of its
 * configuration, and what these lead to, such as the base of an adapter.
 *
 * @module
 */
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

/** A value of a command line, and the flag that it follows. */
export interface Value {
  readonly flag: string | null;
  readonly text: string;
}

/** The values of a command line, `--flag value` and `--flag=value` alike. */
export function valuesOf(args: readonly string[]): Value[] {
  const values: Value[] = [];
  let flag: string | null = null;
  for (const arg of args) {
    const [, name, text] = /^--?([^=]+)(?:=([^]*))?$/.exec(arg) ?? [];
    if (name === undefined) values.push({ flag, text: arg });
    else if (text !== undefined) values.push({ flag: name, text });
    flag = text === undefined ? name ?? null : null;
  }
  return values;
}

/** The strings that one may stand for: a list with commas, NAME=PLACE, PROMPTS@ROWS, or JSON. */
export function wordsOf(text: string): string[] {
  return [text, ...text.split(/[,@]/), ...text.split(/^[^=]*=/), ...stringsIn(jsonOf(text))]
    .filter((word) => word !== "");
}

/** The list or object that a value is, in JSON; null where it is none. */
export const jsonOf = (text: string): unknown => /^\s*[[{]/.test(text) ? parsed(text) : null;

/** Every string within a JSON value. */
export function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsIn) : [];
}

/** Every string under that key within a JSON value. */
export function stringsOf(key: string, value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name === key && typeof inner === "string" ? [inner] : stringsOf(key, inner)
  );
}

/** Bytes; a larger JSON file is none that a person wrote. */
const LARGEST = 2 ** 20;

/** The object in a small JSON file; null where it is anything else. */
export function jsonIn(path: string): Record<string, unknown> | null {
  try {
    const isSmall = /\.json$/i.test(path) && statSync(path).size <= LARGEST;
    const value = isSmall ? parsed(readFileSync(path, "utf8")) : null;
    return typeof value === "object" && !Array.isArray(value)
      ? value as Record<string, unknown> | null
      : null;
  } catch {
    return null; // whatever is wrong with it, the command says it
  }
}

/** The object in a configuration; null where it is none. */
export async function configIn(path: string): Promise<Record<string, unknown> | null> {
  if (!/\.(jsonc|ya?ml)$/i.test(path)) return jsonIn(path);
  try {
    if (statSync(path).size > LARGEST) return null;
    const { readConfigFile } = await import("../../config/read.ts");
    return readConfigFile(path);
  } catch {
    return null;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A path as it is written and, where it is a link, as it is; of a pattern, the folder. */
export function placesOf(folder: string, word: string): string[] {
  const path = resolve(folder, word.includes("*") ? dirname(word) : word);
  try {
    return [path, realpathSync(path)];
  } catch {
    return [path];
  }
}

/** What belongs to a path that is named: the run around an adapter, the base of both, and so on. */
export function ledToBy(path: string): string[] {
  return [...basesOf(path), ...besideFolder(path), ...besideTask(path)];
}

/** The base that an adapter, or that of a run, names; only a model counts as one. */
function basesOf(path: string): string[] {
  return [path, join(path, "adapter")].flatMap((folder) => {
    const named = baseNamedIn(folder);
    if (named === undefined) return [];
    return [resolve(named), resolve(folder, named)]
      .filter((base) => isThere(/\.gguf$/i.test(base) ? base : join(base, "config.json")));
  });
}

/** Whether an adapter names a base that is none of this machine, such as one of the hub. */
export function namesBaseElsewhere(path: string): boolean {
  return [path, join(path, "adapter")].some((folder) => {
    return baseNamedIn(folder) !== undefined && basesOf(path).length === 0;
  });
}

/** The base that the config of an adapter names, by PEFT's field or AdapterHub's. */
function baseNamedIn(folder: string): string | undefined {
  const config = jsonIn(join(folder, "adapter_config.json"));
  const named = config?.["base_model_name_or_path"] ?? config?.["model_name"];
  return typeof named === "string" && named !== "" ? named : undefined;
}

/** The folder of a run around that of an adapter or model; of any other, the file that would tell. */
function besideFolder(path: string): string[] {
  const above = dirname(path);
  const config = join(above, "config.json");
  return [jsonIn(config)?.["$origin"] === undefined ? config : above];
}

/** The folder of a run that `path` is or lies in; null where there is none. */
export function runAround(path: string): string | null {
  const isRun = (folder: string) => jsonIn(join(folder, "config.json"))?.["$origin"] !== undefined;
  return [path, dirname(path)].find(isRun) ?? null;
}

/**
 * What tasks lead to: YAML may include what lies in its folder and YAML of the folder above; rows of
 * instruction-induction are asked in the words of `annotations/` beside them.
 */
function besideTask(path: string): string[] {
  const folder = dirname(path);
  if (/^(execute|induce)$/.test(basename(folder))) return [join(folder, "../../annotations")];
  if (!/\.ya?ml$/i.test(path)) return [];
  return [folder, ...filesOf(dirname(folder)).filter((file) => /\.ya?ml$/i.test(file))];
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Whether something is there that may be looked at. */
export function isThere(path: string): boolean {
  try {
    return statSync(path) !== undefined;
  } catch {
    return false;
  }
}
