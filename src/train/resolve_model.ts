/**
 * What a run depends on beside its configuration, which it becomes a part of: the commits of a base
 * model and a first adapter on the hub, and the day that chat templates are told.
 *
 * @module
 */
import { settingsOf } from "../adapters/continued.ts";
import { readPeft } from "../adapters/peft/folder.ts";
import { isFile, isObject, readJsonObject } from "../io/files.ts";
import { type HubOptions, locate } from "../io/hub/mod.ts";
import type {
  AdapterConfig,
  DataConfig,
  ParsedConfig,
  SizedConfig,
  TrainConfig,
} from "../config/mod.ts";
import { today } from "../data/mod.ts";
import { runFiles } from "../runs/folder.ts";

/** The keys of `train` that a run chooses by itself. */
const SIZES = ["tokens_per_batch", "micro_batch_tokens", "recompute"] as const;

/** A configuration whose model and adapter are on this machine, and whose data has a day. */
export interface ResolvedModel {
  /** As it was, with the commit of every repository and the day of all data. */
  readonly parsed: ParsedConfig;
  /** Folder of the base model. */
  readonly model: string;
  /** `adapter` of the configuration, `from` a folder. */
  readonly adapter: AdapterConfig;
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
  const day = (given: readonly DataConfig[], before: unknown) =>
    given.map((entry, i) => {
      const saved = Array.isArray(before) ? before[i]?.date : undefined;
      const date = entry.date ?? (resume ? saved : today());
      return { ...entry, ...(typeof date === "string" && { date }) };
    });
  const data = day(config.data, saved["data"]);
  const evaluation = isObject(saved["eval"]) ? saved["eval"]["data"] : undefined;
  const tested = { ...config.eval, data: day(config.eval.data, evaluation) };
  const train = { ...config.train, ...sizesBefore(config.train, saved) };
  return {
    parsed: {
      config: { ...config, model: model.pinned, data, eval: tested, adapter, train },
      origin,
    },
    model: model.folder,
    adapter: { ...adapter, ...(from && { from: from.folder }) },
  };
}

/** The pin that a saved run has of `place`, or `place` itself. */
function pinnedBefore(place: string, saved: unknown): string {
  return typeof saved === "string" && saved.startsWith(`${place}@`) ? saved : place;
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
