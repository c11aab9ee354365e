/**
 * A model folder, with an adapter where one is given, ready for graphs.
 *
 * @module
 */
import { join } from "node:path";
import type { Adapter } from "../adapters/adapter.ts";
import { type PeftAdapter, readPeft } from "../adapters/peft/folder.ts";
import { refuseResized, resizedBy } from "../adapters/resized.ts";
import { adapterFolder, loadAdapter } from "../adapters/saved.ts";
import { ConfigError } from "../errors.ts";
import type { Device } from "../gpu/device.ts";
import { type Engine, openEngine } from "../graph/compile.ts";
import { exists } from "../io/files.ts";
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
