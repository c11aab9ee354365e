/**
 * Tasks as they are named: files, folders of them, prompts over rows.
 *
 * @module
 */
import { basename, dirname } from "node:path";
import { findFiles } from "../../rows/sources/read.ts";
import { ConfigError } from "../../errors.ts";
import { exists } from "../../io/files.ts";
import { builtinEntry, isBuiltin } from "./builtin.ts";
import type { TaskEntry } from "./entry.ts";
import { readTaskYaml } from "./lm_eval/yaml.ts";
import { readLmEval } from "./lm_eval/task.ts";
import { readRowsTask } from "./rows.ts";
import { checkBehaviours, checkChoices, type Task } from "./task.ts";

const YAML = /\.ya?ml$/i;

/**
 * The entry that a command line names: a path, or YAML and the rows that it is over, as
 * `templates.yaml@rows.jsonl`.
 *
 * @throws {ConfigError} for prompts without rows.
 */
export function entryOf(spec: string): TaskEntry {
  if (isBuiltin(spec)) return { path: spec };
  const at = spec.lastIndexOf("@");
  const [path, rows] = at < 0 || exists(spec)
    ? [spec, undefined]
    : [spec.slice(0, at), spec.slice(at + 1)];
  if (!YAML.test(path)) return { path: spec };
  const isPrompts = isPromptSource(path);
  if (rows === undefined && isPrompts) {
    throw new ConfigError(`${path}: found prompts without rows, wanted ${basename(path)}@ROWS`);
  }
  if (rows === undefined) return { path };
  return isPrompts ? { path: rows, prompts: { promptsource: path } } : { path, rows };
}

/** PromptSource has tags of its own, which other YAML lacks. */
const isPromptSource = (path: string): boolean => Object.hasOwn(readTaskYaml(path), "templates");

/**
 * Reads tasks; of a folder or a pattern each file is one.
 *
 * @throws {ConfigError} for what is not known, or two tasks of one name.
 * @throws {FileError} for files and rows that cannot be used.
 */
export async function readTasks(entries: readonly TaskEntry[]): Promise<Task[]> {
  const files = (await Promise.all(entries.map(entriesOfFiles))).flat();
  const names = namesOf(files);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) {
    throw new ConfigError(`Found two tasks of the name ${twice}, wanted a name for each`);
  }
  const tasks: Task[] = [];
  for (const [i, entry] of files.entries()) {
    const read = YAML.test(entry.path) ? readLmEval : readRowsTask;
    const task = await read(entry, names[i]!);
    checkChoices(task);
    checkBehaviours(task);
    tasks.push(task);
  }
  return tasks;
}

async function entriesOfFiles(given: TaskEntry): Promise<TaskEntry[]> {
  const entry = builtinEntry(given);
  const files = await findFiles(entry.path);
  const isOne = files.length === 1;
  return files.map((path) => ({
    ...entry,
    path,
    ...(entry.name !== undefined && !isOne && { name: `${entry.name}_${stemOf(path)}` }),
  }));
}

/** Names of files, with that of the folder where it takes that to tell them apart. */
function namesOf(entries: readonly TaskEntry[]): string[] {
  const short = entries.map(({ path, name }) => name ?? nameOf(path));
  return entries.map(({ path, name }, i) => {
    const isShared = short.indexOf(short[i]!) !== short.lastIndexOf(short[i]!);
    return name ?? (isShared ? `${basename(dirname(path))}_${stemOf(path)}` : short[i]!);
  });
}

/** Of a file of a split, such as `task002/test.json`, the folder's name. */
function nameOf(path: string): string {
  const stem = stemOf(path);
  const folder = basename(dirname(path));
  return /^(train|test|dev|valid|validation)$/.test(stem) && folder !== "." && folder !== ""
    ? folder
    : stem;
}

/** A name without what follows its first dot; a name in metrics has no slash. */
const stemOf = (path: string): string => basename(path).replace(/\..*$/, "") || basename(path);
