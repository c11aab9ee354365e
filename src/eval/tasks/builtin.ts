/**
 * Tasks that come with Graft.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { MODEL_TEMPLATE } from "../../data/templates/setting.ts";
import { ConfigError } from "../../errors.ts";
import { didYouMean } from "../../io/nearest.ts";
import type { TaskEntry } from "./entry.ts";

/** What such a task is named by, in place of a path. */
const BUILTIN = "builtin:";

/** Their names: folders of `configs/slices/`, in which each file is a task. */
const NAMES = ["refusal"];

/** Whether a path names one. */
export const isBuiltin = (path: string): boolean => path.startsWith(BUILTIN);

/**
 * The entry with the folder of the task, asked in the model's own template where none is named.
 *
 * @throws {ConfigError} where there is none of that name, or Graft itself is not on this machine.
 */
export function builtinEntry(entry: TaskEntry): TaskEntry {
  if (!isBuiltin(entry.path)) return entry;
  const name = entry.path.slice(BUILTIN.length);
  if (!NAMES.includes(name)) {
    const wanted = `one of ${NAMES.map((name) => BUILTIN + name).join(", ")}`;
    throw new ConfigError(
      `Found the task ${entry.path}, wanted ${wanted}${didYouMean(name, NAMES)}`,
    );
  }
  const url = new URL(`../../../configs/slices/${name}`, import.meta.url);
  if (url.protocol === "file:") {
    return { template: MODEL_TEMPLATE, ...entry, path: fileURLToPath(url) };
  }
  throw new ConfigError(
    `Found ${entry.path} where Graft runs from ${url.origin}, wanted a copy of it`,
  );
}
