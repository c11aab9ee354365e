/**
 * What a run depends on beside its configuration, which it becomes a part of: the commits of models,
 * adapters and rows on the hub, and the day that chat templates are told.
 *
 * @module
 */
import { settingsOf } from "../adapters/continued.ts";
import { readPeft } from "../adapters/peft/folder.ts";
import { isFile, isObject, readJsonObject } from "../io/files.ts";
import { type HubOptions, locate, locateData } from "../io/hub/mod.ts";
import type {
  AdapterConfig,
  Config,
  DataConfig,
  ParsedConfig,
  SizedConfig,
  TrainConfig,
} from "../config/mod.ts";
import { today } from "../data/mod.ts";
import { runFiles } from "../runs/folder.ts";

/** The keys of `train` that a run chooses by itself. */
const SIZES = ["tokens_per_batch", "micro_batch_tokens", "recompute"] as const;

/** A configuration whose models, adapters and rows are on this machine, and whose data has a day. */
export interface ResolvedModel {
  /** As it was, with the commit of every repository and the day of all data. */
  readonly parsed: ParsedConfig;
  /** Folder of the base model. */
  readonly model: string;
  /** `adapter` of the configuration, `from` a folder. */
  readonly adapter: AdapterConfig;
  /** `objective` of the configuration, what it names in folders. */
  readonly objective: Config["objective"];
}

/**
 * Downloads what is not on this machine. A run that is resumed goes on with the commits, the day and
 * the sizes that it began with, unless the configuration asks for others.
 *
 * @throws {FileError} where a repository cannot be had.
 */
export async function resolveModel(
  { config, origin }: ParsedConfig,
  { resume = false, ...options }: HubOptions & { readonly resume?: boolean } = {},
): Promise<ResolvedModel> {
  const path = runFiles(config.out).config;
  const saved = resume && isFile(path) ? readJsonObject(path) : {};
  const before = isObject(saved["adapter"]) ? saved["adapter"]["from"] : undefined;
  const model = await locate(pinnedBefore(config.model, saved["model"]), "model", options);
  const from = config.adapter.from === undefined
    ? undefined
    : await locate(pinnedBefore(config.adapter.from, before), "adapter", options);
  const adapter = from === undefined ? config.adapter : {
    ...config.adapter,
    ...savedSettings(config.adapter, origin, from.folder),
    from: from.pinned,
  };
  const objective = await objectiveHere(config.objective, saved["objective"], options);
  const settle = (given: readonly DataConfig[], before: unknown) =>
    Promise.all(given.map(async (entry, i) => {
      const { date: savedDate, path: savedPath } = (Array.isArray(before) && before[i]) || {};
      const date = entry.date ?? (resume ? savedDate : today());
      const path = await pinnedRows(entry.path, savedPath, options);
      return { ...entry, path, ...(typeof date === "string" && { date }) };
    }));
  const data = await settle(config.data, saved["data"]);
  const { data: evaluation, tasks } = isObject(saved["eval"]) ? saved["eval"] : {};
  const pinned = (path: string, i: number) =>
    pinnedRows(path, Array.isArray(tasks) ? tasks[i]?.path : undefined, options);
  const tested = {
    ...config.eval,
    data: await settle(config.eval.data, evaluation),
    tasks: await Promise.all(
      config.eval.tasks.map(async (task, i) => ({ ...task, path: await pinned(task.path, i) })),
    ),
  };
  const text = isObject(saved["guard"]) ? saved["guard"]["text"] : undefined;
  const guard = config.guard &&
    { ...config.guard, text: await pinnedRows(config.guard.text, text, options) };
  const train = { ...config.train, ...sizesBefore(config.train, saved) };
  return {
    parsed: {
      config: {
        ...{ ...config, model: model.pinned, data, eval: tested, adapter, train, guard },
        objective: objective.pinned,
      },
      origin,
    },
    model: model.folder,
    adapter: { ...adapter, ...(from && { from: from.folder }) },
    objective: objective.here,
  };
}

/** What an objective may name, and what lies there. */
const NAMED = [["teacher", "model"], ["reference", "adapter"]] as const;

/** An objective with the commits of what it names, and with the folders of that on this machine. */
async function objectiveHere(
  objective: Config["objective"],
  saved: unknown,
  options: HubOptions,
): Promise<Record<"pinned" | "here", Config["objective"]>> {
  let [pinned, here] = [objective, objective];
  for (const [key, kind] of NAMED) {
    const place = (objective as { readonly [key in "teacher" | "reference"]?: string })[key];
    if (place === undefined) continue;
    const before = isObject(saved) ? saved[key] : undefined;
    const found = await locate(pinnedBefore(place, before), kind, options);
    pinned = { ...pinned, [key]: found.pinned };
    here = { ...here, [key]: found.folder };
  }
  return { pinned, here };
}

/** The pin that a saved run has of `place`, or `place` itself. */
function pinnedBefore(place: string, saved: unknown): string {
  return typeof saved === "string" && saved.startsWith(`${place}@`) ? saved : place;
}

/** Paths with the commits of those that are datasets of the hub, which are downloaded. */
async function pinnedRows<Path extends DataConfig["path"]>(
  path: Path,
  saved: unknown,
  options: HubOptions,
): Promise<Path> {
  const pinned = async (path: string, saved: unknown) =>
    (await locateData(pinnedRowsBefore(path, saved), options))?.pinned ?? path;
  const before = (i: number) => Array.isArray(saved) ? saved[i] : undefined;
  const found = typeof path === "string"
    ? await pinned(path, saved)
    : await Promise.all(path.map((path, i) => pinned(path, before(i))));
  return found as Path;
}

/** The same of rows: the part stands after the commit. */
function pinnedRowsBefore(path: string, saved: unknown): string {
  const [, place, part = ""] = /^([^:]*)(:.*)?$/.exec(path) ?? [];
  const isPin = typeof saved === "string" && saved.startsWith(`${place}@`) && saved.endsWith(part);
  return isPin ? saved : path;
}

/** A configuration with the sizes that a run has chosen: nobody has set those. */
export function sizedAs(config: SizedConfig, { origin }: ParsedConfig): ParsedConfig {
  const chosen = Object.fromEntries(SIZES.map((key) => [`train.${key}`, "default"] as const));
  return { config, origin: { ...chosen, ...origin } };
}

/** The sizes that a saved run has chosen by itself, where nobody has set them now. */
function sizesBefore(now: TrainConfig, saved: Readonly<Record<string, unknown>>) {
  const { train, $origin: origin } = saved;
  if (!isObject(train) || !isObject(origin)) return {};
  const chosen = SIZES.filter((key) =>
    now[key] === undefined && origin[`train.${key}`] === "default" && train[key] !== undefined
  );
  return Object.fromEntries(chosen.map((key) => [key, train[key]]));
}

/** What a saved adapter is set to where nobody has said otherwise: it cannot be anything else. */
function savedSettings(
  asked: AdapterConfig,
  origin: ParsedConfig["origin"],
  folder: string,
): Partial<AdapterConfig> {
  const saved = Object.entries(settingsOf(readPeft(folder)));
  return Object.fromEntries(
    saved.filter(([key]) =>
      asked[key as keyof AdapterConfig] === undefined || origin[`adapter.${key}`] === "default"
    ),
  );
}
