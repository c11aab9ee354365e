/**
 * Models that answers are compared beside: the base alone, or with an adapter that does not change.
 *
 * @module
 */
import { join } from "node:path";
import { Adapter } from "../../adapters/adapter.ts";
import { type PeftAdapter, readPeft } from "../../adapters/peft/folder.ts";
import { HUB_WEIGHTS } from "../../adapters/peft/adapter_hub.ts";
import { refuseResized } from "../../adapters/resized.ts";
import { adapterFolder, baseFolderOf, loadAdapter } from "../../adapters/saved.ts";
import { ConfigError } from "../../errors.ts";
import type { Engine } from "../../graph/compile.ts";
import { exists } from "../../io/files.ts";
import { fileSha256, modelFingerprint } from "../../io/fingerprint.ts";
import { LossProgram } from "../../models/loss_program.ts";
import type { Model } from "../../models/model.ts";

/** The files of an adapter that say what it is, of which it has some. */
const FILES = ["adapter_config.json", "adapter_model.safetensors", HUB_WEIGHTS];

/** A model that measures answers and is not trained. */
export interface ReferenceModel {
  /** As messages call it. */
  readonly name: string;
  /** What tells it from others over the same base; "" of the base alone. */
  readonly fingerprint: string;
  /** Opens its loss over T tokens for as long as `use` takes. */
  with<R>(T: number, use: (program: LossProgram) => Promise<R>): Promise<R>;
}

/** The base as it is. */
export const baseAlone = (engine: Engine, model: Model): ReferenceModel => ({
  name: "the base",
  fingerprint: "",
  with: (T, use) => opened(LossProgram.open(engine, model, { T }), use),
});

/** The base with a saved adapter. */
export class ReferenceAdapter implements ReferenceModel {
  readonly #folder: string;
  readonly #read: PeftAdapter;

  /**
   * Reads the adapter.
   *
   * @throws {ConfigError} {FileError} where it is none, or fits another model.
   */
  constructor(private readonly engine: Engine, private readonly model: Model, place: string) {
    this.#folder = adapterFolder(place);
    this.#read = readPeft(this.#folder);
    if (this.#read.prompt) {
      throw new ConfigError(
        `objective.reference: found virtual tokens in ${this.#folder}, wanted an adapter of modules`,
      );
    }
    try {
      refuseResized(model.checkpoint, this.#read, "merge it and train on that");
      Adapter.of(engine, model, this.#read);
    } catch (fault) {
      if (!(fault instanceof ConfigError)) throw fault;
      throw new ConfigError(
        `objective.reference: found ${this.#folder}, which does not fit ` +
          `${model.folder}, wanted an adapter of that base: ${fault.message}`,
      );
    }
  }

  get name(): string {
    return this.#folder;
  }

  get fingerprint(): string {
    const paths = FILES.map((file) => join(this.#folder, file)).filter(exists);
    return paths.map((path) => fileSha256(path)).join();
  }

  /** @throws {ConfigError} where it was made for another base, as far as that is on this machine. */
  refuseOtherBase(): void {
    const { folder } = this.model;
    const base = baseFolderOf(this.#folder, this.#read.baseModel);
    if (base === undefined || modelFingerprint(base) === modelFingerprint(folder)) return;
    throw new ConfigError(
      `objective.reference: found ${this.#folder} of the base ${base}, wanted one of ${folder}, ` +
        "which holds other files",
    );
  }

  async with<R>(T: number, use: (program: LossProgram) => Promise<R>): Promise<R> {
    const beside = { ...this.engine, store: this.engine.store.beside() };
    try {
      const { adapt } = loadAdapter(beside, this.model, this.#read);
      return await opened(LossProgram.open(beside, this.model, { T, adapt }), use);
    } finally {
      beside.store.destroy();
    }
  }
}

async function opened<R>(
  opening: Promise<LossProgram>,
  use: (program: LossProgram) => Promise<R>,
): Promise<R> {
  const program = await opening;
  try {
    return await use(program);
  } finally {
    program.compiled.destroy();
  }
}
