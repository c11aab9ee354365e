/**
 * A model folder, with an adapter where one is given, ready for graphs.
 *
 * @module
 */
import { join } from "node:path";
import { Adapter } from "../adapters/adapter.ts";
import { nameOfMethod } from "../adapters/methods/mod.ts";
import { type PeftAdapter, readPeft } from "../adapters/peft/folder.ts";
import { refuseResized, resizedBy } from "../adapters/resized.ts";
import { ConfigError } from "../errors.ts";
import type { Device } from "../gpu/device.ts";
import { type Engine, openEngine } from "../graph/compile.ts";
import { exists } from "../io/files.ts";
import { isGguf } from "../io/model_files.ts";
import { parseRepoName } from "../io/hub/mod.ts";
import { notesOf } from "../models/left_over.ts";
import { Model, type ModelOptions, SCORE } from "../models/model.ts";
import type { Adapt } from "../models/layers/adapt.ts";

/** An open model on a device. */
export class OpenModel implements Disposable {
  /** Use {@linkcode openModel}. */
  constructor(
    readonly engine: Engine,
    readonly model: Model,
    /** Absent where the base stands alone. */
    readonly adapter: Adapter | undefined,
  ) {}

  /** What it puts into the graphs of the model. */
  get adapt(): Adapt | undefined {
    return this.adapter?.adapt;
  }

  /** Frees weights, caches and files; the device stays open. */
  [Symbol.dispose](): void {
    this.engine.store.destroy();
    this.model[Symbol.dispose]();
  }
}

/** How to open a model, and who hears what is worth saying of it. */
export interface OpenOptions extends Omit<ModelOptions, "scores"> {
  /** Whether the adapter is to give scores rather than to write; false where absent. */
  readonly scores?: boolean;
  readonly say?: (line: string) => void;
}

/**
 * Opens a checkpoint folder or a GGUF file and puts an adapter beside it; weights are loaded when a graph is
 * compiled.
 *
 * @param adapter A PEFT folder, or the folder of a run.
 * @throws {FileError} where a file is missing, damaged or of a kind that is not built.
 * @throws {ConfigError} where the adapter does not fit the model.
 */
export function openModel(
  device: Device,
  folder: string,
  adapter?: string,
  options: OpenOptions = {},
): OpenModel {
  const { scores: wantsScores = false, ...given } = options;
  const read = adapter === undefined ? undefined : readPeft(adapterFolder(adapter));
  const scores = read ? scoresOf(read) : 0;
  if ((scores > 0) !== wantsScores) {
    throw new ConfigError(
      wantsScores
        ? `Found ${adapter ?? "no adapter"}, wanted an adapter with a head of scores`
        : `Found ${adapter}, whose head gives scores, wanted an adapter that writes; ` +
          "deno task eval measures it",
    );
  }
  const model = new Model(folder, {
    ...{ ...given, scores },
    ...(read && baseFor(read, adapter!)),
  });
  const engine = openEngine(device);
  const open = (adapter?: Adapter) => new OpenModel(engine, model, adapter);
  try {
    if (options.say) { for (const note of notesOf(engine, model)) options.say(note); }
    return open(read && loadAdapter(engine, model, read));
  } catch (fault) {
    open()[Symbol.dispose]();
    throw fault;
  }
}

/** An adapter beside an open base, over the same weights; what it frees is its own numbers. */
export class OpenAdapter implements Disposable {
  private constructor(readonly engine: Engine, readonly adapter: Adapter) {}

  /** @throws as {@linkcode openModel}. */
  static open({ engine, model }: OpenModel, folder: string): OpenAdapter {
    const beside = { ...engine, store: engine.store.beside() };
    try {
      const read = readPeft(adapterFolder(folder));
      refuseResized(model.checkpoint, read, "merge it and serve that");
      refusePrompt(read, folder);
      return new OpenAdapter(beside, loadAdapter(beside, model, read));
    } catch (fault) {
      beside.store.destroy();
      throw fault;
    }
  }

  [Symbol.dispose](): void {
    this.engine.store.destroy();
  }
}

/**
 * For where several answer over one base.
 *
 * @throws {ConfigError} for virtual tokens, which would stand in front of all that they read.
 */
function refusePrompt({ prompt, config }: PeftAdapter, folder: string): void {
  if (!prompt) return;
  throw new ConfigError(
    `Found ${folder} of ${
      nameOfMethod(config)
    } beside other models over one base, wanted it alone ` +
      "(chat, generate and eval take it)",
  );
}

/** How many scores an adapter gives a document, 0 for one that writes. */
export const scoresOf = ({ whole = [] }: PeftAdapter): number =>
  whole.find(({ name }) => name === SCORE)?.shape[0] ?? 0;

/** How the base of an adapter is opened: with the adapter's vocabulary where it has one. */
function baseFor(read: PeftAdapter, adapter: string): Partial<ModelOptions> {
  const folder = adapterFolder(adapter);
  const hasTokenizer = exists(join(folder, "tokenizer.json"));
  return {
    over: (checkpoint) => resizedBy(checkpoint, read),
    ...(hasTokenizer && { tokenizerFolder: folder }),
  };
}

/** Puts an adapter's numbers into the store of an engine. */
function loadAdapter(engine: Engine, model: Model, read: PeftAdapter): Adapter {
  const adapter = Adapter.of(engine, model, read);
  const { adapt } = adapter;
  const { graph } = model.scores > 0
    ? model.scoreGraph(engine, { T: 8, adapt })
    : model.lossGraph(engine, { T: 8, adapt });
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  adapter.load(engine.store, 0);
  return adapter;
}

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
