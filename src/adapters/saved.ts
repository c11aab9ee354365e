/**
 * Saved adapters: where they and their bases lie, and how their numbers get to a device.
 *
 * @module
 */
import { join } from "node:path";
import { ConfigError } from "../errors.ts";
import type { Engine } from "../graph/compile.ts";
import { exists } from "../io/files.ts";
import { parseRepoName } from "../io/hub/mod.ts";
import { isGguf } from "../io/model_files.ts";
import type { Model } from "../models/model.ts";
import { Adapter } from "./adapter.ts";
import { type PeftAdapter, readPeft } from "./peft/folder.ts";

/** The adapter's own folder, where the folder of a run is given. */
export function adapterFolder(path: string): string {
  const inRun = join(path, "adapter");
  return exists(join(inRun, "adapter_config.json")) ? inRun : path;
}

/**
 * The base that the adapter names: a path from here or from the adapter's folder, or a name on the
 * hub with its commit.
 *
 * @throws {ConfigError} where it names none.
 */
export function baseOf(adapter: string): string {
  const { baseModel, config } = readPeft(adapter);
  const folder = baseFolderOf(adapter, baseModel);
  if (folder !== undefined) return folder;
  const revision = config["revision"];
  if (parseRepoName(baseModel)) return revision ? `${baseModel}@${revision}` : baseModel;
  const named = baseModel === "" ? "no base" : `the base "${baseModel}", which is no folder here`;
  throw new ConfigError(`${join(adapter, "adapter_config.json")} names ${named}; give --base`);
}

/** Where the base that an adapter names lies, from here or from the adapter's folder. */
export const baseFolderOf = (adapter: string, baseModel: string): string | undefined =>
  [baseModel, join(adapter, baseModel)]
    .find((path) => baseModel !== "" && exists(isGguf(path) ? path : join(path, "config.json")));

/** Puts an adapter's numbers into the store of an engine. */
export function loadAdapter(engine: Engine, model: Model, read: PeftAdapter): Adapter {
  const adapter = Adapter.of(engine, model, read);
  const { adapt } = adapter;
  const { graph } = model.scores > 0
    ? model.scoreGraph(engine, { T: 8, adapt })
    : model.lossGraph(engine, { T: 8, adapt });
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  adapter.load(engine.store, 0);
  return adapter;
}
