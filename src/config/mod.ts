/**
 * Reads a configuration: defaults, then a preset, a file and flags, all checked by one table.
 *
 * @module
 */

import { dirname } from "node:path";
import { ConfigError } from "../errors.ts";
import { isObject } from "../io/files.ts";
import { type ConfigFault, configFaults } from "./faults.ts";
import { idleFaults } from "./idle.ts";
import { assign, keysOf, prepare, table, valueAt } from "./keys.ts";
import { type PresetName, PRESETS } from "./presets.ts";
import { readConfigFile } from "./read.ts";
import { type Config, configSchema } from "./table.ts";

export { nearestKey } from "./faults.ts";
export { refuseIdleInPretraining } from "./idle.ts";
export { type PresetName, presetNamed, PRESETS } from "./presets.ts";
export { readConfigFile } from "./read.ts";
export { SCHEMA_FILE } from "./schema_file.ts";
export { configHelp, configLines } from "./show.ts";
export type { DataConfig } from "./data.ts";
export type { GuardConfig } from "../forgetting/settings.ts";
export type {
  AdapterConfig,
  Config,
  EvalConfig,
  SizedConfig,
  SizedTrain,
  TrainConfig,
} from "./table.ts";
export { isHeeded, OPTIMIZER_KEYS } from "./optimizer.ts";
export type { OptimizerConfig, OptimizerName } from "./optimizer.ts";
export type { RanksConfig, SumsConfig } from "./ranks.ts";
export type { ScheduleConfig, ScheduleName } from "./schedule.ts";
export type { ToldConfig } from "./told.ts";

/** Where a value came from; `call` is an object handed over in code. */
export type Origin = "default" | "preset" | "file" | "call" | "flag";

/** What a configuration is made of; flags win over the rest. */
export interface ConfigSources {
  /** Settings that lie beneath all others. */
  readonly preset?: PresetName;
  /** A file of JSON, JSON with comments or YAML. */
  readonly file?: string;
  /** The same in code, in place of a file. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** The folder that paths in `values` are relative to, the working directory where absent. */
  readonly folder?: string;
  /** Dotted keys, such as `train.lr`, with their values as typed. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** A resolved configuration, with the origin of each value by its dotted key. */
export interface ParsedConfig {
  /** Every default filled in, every path absolute. */
  readonly config: Config;
  /** Where each value came from. */
  readonly origin: Readonly<Record<string, Origin>>;
}

/** Keys that a file may carry for its readers: a schema for editors, the origins of a saved run. */
const NOTES = ["$schema", "$origin"];

/** Keys of which only one may be set: a flag for one unsets the other. */
const RIVALS: Readonly<Record<string, string>> = {
  "train.steps": "epochs",
  "train.epochs": "steps",
};

/**
 * Resolves a configuration. `null` unsets a key. A path is relative to the folder of the file that
 * holds it, or to the working directory when it comes from a flag or from code; `out` is always
 * relative to the working directory. `model` and `adapter.from` may name a repository of the hub
 * (`owner/name`, `owner/name@revision`); a folder of that name wins. The result is frozen.
 *
 * @throws {ConfigError} With one line for each fault, or if the file cannot be read.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const { config, origin } = parseConfig({ flags: { model: "base", data: "rows.jsonl" } });
 * assert.equal(config.adapter.alpha, 2 * config.adapter.rank);
 * assert.equal(origin["train.lr"], "default");
 * ```
 */
export function parseConfig(sources: ConfigSources): ParsedConfig {
  const { file, flags = {}, preset } = sources;
  const { given: own, before } = readGiven(sources);
  const given = preset === undefined ? own : withPreset(preset, own);
  const flagKeys = Object.entries(flags).map(([key, text]) => {
    dropRival(given, key, flags);
    return assign(given, key, text);
  });
  const raw = prepare(given, ".", table);
  const refuse = (faults: readonly ConfigFault[]) => {
    const lines = faults.map(({ key, message }) => `${place(key, flagKeys, file)}: ${message}`);
    return new ConfigError(lines.join("\n"));
  };
  const result = configSchema.safeParse(raw);
  if (!result.success) throw refuse(configFaults(raw, result.error.issues));
  const origins = [...valueKeys(result.data)].map((key): [string, Origin] => {
    if (valueAt(raw, key) === undefined) return [key, "default"];
    if (flagKeys.some((flag) => holds(flag, key))) return [key, "flag"];
    if (preset !== undefined && valueAt(own, key) === undefined) return [key, "preset"];
    if (file === undefined) return [key, "call"];
    return [key, originBefore(before[key])];
  });
  const isSet = (outer: string) =>
    origins.some(([key, origin]) => origin !== "default" && holds(outer, key));
  const idle = idleFaults(result.data, isSet, (key) => valueAt(result.data, key));
  if (idle.length > 0) throw refuse(idle);
  return { config: freeze(result.data), origin: Object.freeze(Object.fromEntries(origins)) };
}

/**
 * The tasks of a file `{"tasks": [...]}`, each as an entry of `eval.tasks`.
 *
 * @throws {ConfigError} With one line for each fault.
 */
export function parseTasks(tasks: unknown, folder: string): Config["eval"]["tasks"] {
  const rest = { model: ".", data: [{ path: "." }] }; // no part of it, but a config has them
  return parseConfig({ values: { ...rest, eval: { tasks } }, folder }).config.eval.tasks;
}

/** What is saved beside an adapter: the configuration, and where each value came from. */
export function savedConfig({ config, origin }: ParsedConfig): Record<string, unknown> {
  return { ...config, $origin: origin };
}

/** Every value by its dotted key. */
export const valuesByKey = (config: Config): Record<string, unknown> =>
  Object.fromEntries([...valueKeys(config)].map((key) => [key, valueAt(config, key)]));

/** The dotted keys in which a saved configuration and another differ; origins do not count. */
export function changedKeys(saved: Record<string, unknown>, now: Record<string, unknown>) {
  const keys = new Set([...valueKeys(saved), ...valueKeys(now)]);
  return [...keys].filter((key) => !key.startsWith("$"))
    .map((key) => ({ key, before: valueAt(saved, key), after: valueAt(now, key) }))
    .filter(({ before, after }) => JSON.stringify(before) !== JSON.stringify(after));
}

/** Places of which a checkpoint knows the contents: a run goes on with the same elsewhere. */
export function isComparedByContents(key: string): boolean {
  return /^(model|data\.\d+\.path|guard\.text)$/.test(key);
}

/** Whether a value can be given to `key`. */
export function isConfigKey(key: string): boolean {
  return [...keysOf(table)].some(([known]) => known === key);
}

/** The JSON Schema of a configuration file, for editors and other tools. */
export function jsonSchema(): Record<string, unknown> {
  return structuredClone(table) as Record<string, unknown>;
}

/** What is given beside the flags, and where a saved run has its values from. */
function readGiven({ file, values = {}, folder = "." }: ConfigSources) {
  const prepared = (value: unknown, folder: string) =>
    prepare(value, folder, table) as Record<string, unknown>;
  if (file === undefined) return { given: prepared(structuredClone(values), folder), before: {} };
  const given = prepared(readConfigFile(file), dirname(file));
  const { $origin } = given;
  for (const note of NOTES) delete given[note];
  return { given, before: isObject($origin) ? $origin : {} };
}

/** That of a run that was saved; a file's own values are its own. */
const originBefore = (saved: unknown): Origin =>
  saved === "default" || saved === "preset" ? saved : "file";

/** A preset beneath what was given; of rivals what was given wins. */
function withPreset(name: PresetName, given: Record<string, unknown>): Record<string, unknown> {
  const preset: Record<string, unknown> = structuredClone(PRESETS[name]);
  for (const key of Object.keys(RIVALS)) {
    if (valueAt(given, key) !== undefined) dropRival(preset, key, {});
  }
  return merged(preset, given);
}

/** Objects key by key; of anything else what lies above. */
function merged(below: Record<string, unknown>, above: Record<string, unknown>) {
  const result = { ...below };
  for (const [key, value] of Object.entries(above)) {
    const under = result[key];
    result[key] = isObject(under) && isObject(value) ? merged(under, value) : value;
  }
  return result;
}

function dropRival(given: Record<string, unknown>, key: string, flags: object): void {
  const rival = RIVALS[key];
  if (rival === undefined || Object.hasOwn(flags, `train.${rival}`)) return;
  if (isObject(given.train)) delete given.train[rival];
}

/** Where a key was set, for messages. */
function place(key: string, flags: readonly string[], file: string | undefined): string {
  if (flags.some((flag) => holds(flag, key))) return `--${key}`;
  const within = flags.find((flag) => holds(key, flag));
  if (within !== undefined) return `--${within}`;
  return file === undefined ? key : `${file}: ${key}`;
}

/** Whether a value given to `outer` sets `key`. */
function holds(outer: string, key: string): boolean {
  return key === outer || key.startsWith(`${outer}.`);
}

/** The dotted keys of all values; a list of plain values is one value. */
function* valueKeys(value: unknown, key = ""): Generator<string> {
  const isEmpty = isObject(value) && key !== "" && Object.keys(value).length === 0;
  const isPart = isObject(value) || (Array.isArray(value) && value.some(isObject));
  if (!isPart || isEmpty) return yield key;
  for (const [name, inner] of Object.entries(value)) {
    yield* valueKeys(inner, key === "" ? name : `${key}.${name}`);
  }
}

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(freeze);
  return Object.freeze(value);
}
