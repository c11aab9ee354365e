/**
 * Model, rows and session of a config, opened for as long as something uses them.
 *
 * @module
 */
import type { Config, SizedConfig } from "../config/mod.ts";
import type { Examples } from "../data/mod.ts";
import { ConfigError, FileError } from "../errors.ts";
import type { Communicator } from "../distributed/communicator.ts";
import type { Device } from "../gpu/device.ts";
import { openTuned } from "../tune/cache.ts";
import { openEngine } from "../graph/compile.ts";
import { printPlan } from "../graph/plan.ts";
import { modelFingerprint } from "../io/fingerprint.ts";
import { remove } from "../io/folders.ts";
import { modelText } from "../io/model_files.ts";
import { type Methods, methodsOf } from "../methods.ts";
import { writeFreshModel } from "../models/init.ts";
import { notesOf } from "../models/left_over.ts";
import { Model, type ModelOptions } from "../models/model.ts";
import type { AttemptLedger } from "../objectives/attempts.ts";
import { NOTHING_SEEN } from "../objectives/documents.ts";
import { row } from "../runs/panel.ts";
import { documentsSeenBy } from "../runs/documents.ts";
import { runFiles } from "../runs/folder.ts";
import { resolveModel } from "./resolve_model.ts";
import { lengthsIn, lengthsOf, readRows, rowsOf } from "./rows.ts";
import type { TrainOptions } from "./options.ts";
import { measureInit } from "./measured_init.ts";
import { openSession, type Session, type SessionOptions } from "./session.ts";
import { type SizedRun, sizeRun } from "./sizes/choice.ts";
import { type MemoryLimit, memoryLimitOf, requireMemory } from "./sizes/memory.ts";
import { planRun, type RunPlan, type RunShape } from "./sizes/run_plan.ts";
import { trainAdapter, trainFull } from "./trainable.ts";

/** What a session is opened with beside its config. */
export interface SessionSettings extends ShapeSettings {
  /** Encoded rows to train on, in place of those of the config. */
  readonly data?: TrainOptions["data"];
  /** Where tests are counted; nowhere where absent. */
  readonly attempts?: AttemptLedger | null;
  /** The folder of the run; that of the config where absent. */
  readonly out?: string;
  /** The ranks that train together; one alone where absent. */
  readonly ranks?: Communicator | null;
  /** Told what the run has chosen that nobody had set. */
  readonly onSized?: (config: SizedConfig) => void;
}

/** What the shape of a run is opened with beside its config. */
export interface ShapeSettings extends Pick<TrainOptions, "kind"> {
  /** Any device; one is opened, and closed at the end, where absent. */
  readonly device?: Device | undefined;
  /** What one that is opened is to be like; as the adapter suggests where absent. */
  readonly like?: Pick<Device, "kernelSet" | "matrixReads"> | undefined;
  /** What an update minimises and what is beside it, in place of what the config has. */
  readonly methods?: Partial<Methods>;
  /** How the model is opened. */
  readonly model?: Pick<ModelOptions, "shapeOnly">;
  readonly log?: (line: string) => void;
}

/** A run's shape, and the folders that it is made from. */
interface OpenShape extends RunShape {
  /** Of the base model. */
  readonly folder: string;
  /** Of the adapter that it starts from. */
  readonly from: string | undefined;
}

/** Opens device, model and what is trained for as long as `use` takes. */
export async function withShape<T>(
  config: Config,
  settings: ShapeSettings,
  use: (shape: OpenShape) => Promise<T>,
): Promise<T> {
  const { kind = "adapter", device: given, log = () => {} } = settings;
  const resolved = await resolveModel({ config, origin: {} }, { say: log });
  const { model: folder, adapter, objective } = resolved;
  const { kernelSet, matrixReads } = settings.like ?? {};
  const like = kernelSet && matrixReads ? { kernelSet, matrixReads } : {};
  const device = given ?? await openTuned(like, log);
  const engine = openEngine(device);
  try {
    using fresh = kind === "pretrain" ? temporaryFolder() : null;
    if (fresh) writeFreshModel(folder, fresh.folder, config.train.seed);
    const methods = { ...methodsOf({ ...config, objective }, kind), ...settings.methods };
    const { scores } = methods.main;
    using model = new Model(fresh?.folder ?? folder, { ...config, scores, ...settings.model });
    const trained = kind === "adapter"
      ? trainAdapter(engine, model, adapter, { ...methods.main, seed: config.train.seed })
      : trainFull(model, "BF16");
    return await use({ engine, model, trained, methods, folder, from: adapter.from });
  } catch (fault) {
    throw fault instanceof ConfigError || fault instanceof FileError
      ? fault
      : await device.behind(fault);
  } finally {
    engine.store.destroy();
    if (!given) device.close();
  }
}

/** Opens model and session of a config for as long as `use` takes. */
export async function withSession<T>(
  config: Config,
  settings: SessionSettings,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const {
    kind = "adapter",
    data,
    log = () => {},
    out = config.out,
    attempts = null,
    ranks = null,
  } = settings;
  return await withShape(config, settings, async (shape) => {
    const { engine: { device }, model, folder, from } = shape;
    await using read = data ? null : await readRows(model, config, log);
    const limit = memoryLimitOf(device, config.train);
    const sized = await sizeRun(
      shape,
      config,
      limit,
      async () =>
        read
          ? [...read.lengths(), ...await lengthsIn(model, config.eval.data, config)]
          : lengthsOf(data!),
    );
    requireMemory(limit, sized.plan.memory);
    settings.onSized?.(sized.plan.config);
    log(row("rows of", describeLength(sized.plan, sized.why)));
    const found = kind === "adapter" ? notesOf(shape.engine, model) : [];
    for (const note of [...found, ...shape.trained.notes]) log(note);
    const rows = read ? await read.encode(sized.plan.config) : rowsOf(data!);
    const { trained, plan, measured } = await withRanks(shape, sized.plan, rows.examples, log);
    requireMemory(limit, plan.memory);
    const session = await openSession({
      ...{ plan, trained, measured, rows, attempts, ranks, log },
      base: modelFingerprint(folder),
      seen: kind === "pretrain" || from === undefined ? NOTHING_SEEN : documentsSeenBy(from),
      folder: runFiles(out).checkpoints,
    });
    try {
      return await use(session);
    } finally {
      session.close();
    }
  });
}

/** The ranks of EVA depend on the rows: they are measured before the run is planned once more. */
async function withRanks(
  shape: OpenShape,
  plan: RunPlan,
  examples: Examples,
  log: (line: string) => void,
): Promise<Pick<SessionOptions, "trained" | "plan" | "measured">> {
  const { trained, methods, engine, model } = shape;
  const { config } = plan;
  const { adapter, train: { seed } } = config;
  if (!trained.measures || adapter.init !== "eva") return { trained, plan, measured: null };
  const { factors, ranks } = await measureInit("eva", {
    ...{ engine, model, adapter, modules: trained.measures, examples, seed, log },
  });
  const shared = trainAdapter(engine, model, adapter, {
    ...{ ...methods.main, seed },
    ...(ranks && { ranks }),
  });
  const again = await planRun({ ...shape, trained: shared }, config);
  return { trained: shared, plan: again, measured: factors };
}

/** Tokens of a row, and why so many. */
export const describeLength = ({ config: { train }, context: { model } }: RunPlan, why: string) =>
  `${train.micro_batch_tokens} tokens: ${why}; the model reads up to ${model.config.context}`;

/** A run that was planned and is not trained. */
export interface PlannedRun extends SizedRun {
  /** Every dispatch of a training step. */
  readonly dispatches: string;
  /** What it may take; null where that is not known. */
  readonly limit: MemoryLimit | null;
  readonly device: Pick<Device, "adapter" | "kernelSet" | "matrixReads">;
}

/**
 * Plans a run. Of its model the shape is enough; rows are read where they decide its length, if
 * there is a tokenizer.
 *
 * @throws {ConfigError} {FileError} for what would be refused in training, as far as it is looked at.
 */
export async function explainRun(
  config: Config,
  settings: Pick<ShapeSettings, "like"> = {},
): Promise<PlannedRun> {
  const opening = { ...settings, model: { shapeOnly: true } };
  return await withShape(config, opening, async (shape) => {
    const { engine, model, folder } = shape;
    const lengths = async () => {
      if (modelText(folder, "tokenizer.json") === undefined) return null;
      return await lengthsIn(model, [...config.data, ...config.eval.data], config);
    };
    const limit = memoryLimitOf(engine.device, config.train);
    const run = await sizeRun(shape, config, limit, lengths);
    const { adapter, kernelSet, matrixReads } = engine.device;
    const device = { adapter, kernelSet, matrixReads };
    return { ...run, dispatches: printPlan(run.plan.main.step.plan), limit, device };
  });
}

/** What is on disk for only as long as a run needs it. */
export function temporaryFolder(): { folder: string } & Disposable {
  const folder = Deno.makeTempDirSync({ prefix: "graft-" });
  return { folder, [Symbol.dispose]: () => remove(folder) };
}
