/**
 * Where a run's base model and its first adapter lie: in folders, or on the hub, whose commits are
 * then part of the configuration.
 *
 * @module
 */
import { settingsOf } from "../adapters/continued.ts";
import { readPeft } from "../adapters/peft/folder.ts";
import { isFile, isObject, readJsonObject } from "../io/files.ts";
import { type HubOptions, locate } from "../io/hub/mod.ts";
import type { AdapterConfig, ParsedConfig } from "../config/mod.ts";
import { runFiles } from "../runs/folder.ts";

/** A configuration whose model and adapter are on this machine. */
export interface ResolvedModel {
  /** As it was, with the commit of every repository. */
  readonly parsed: ParsedConfig;
  /** Folder of the base model. */
  readonly model: string;
  /** `adapter` of the configuration, `from` a folder. */
  readonly adapter: AdapterConfig;
}

/**
 * Downloads what is not on this machine. A run that is resumed goes on with the commits that it
 * began with, unless the configuration asks for a revision by name.
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
  return {
    parsed: { config: { ...config, model: model.pinned, adapter }, origin },
    model: model.folder,
    adapter: { ...adapter, ...(from && { from: from.folder }) },
  };
}

/** The pin that a saved run has of `place`, or `place` itself. */
function pinnedBefore(place: string, saved: unknown): string {
  return typeof saved === "string" && saved.startsWith(`${place}@`) ? saved : place;
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
