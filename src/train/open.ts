/**
 * Model, rows and session of a config, opened for as long as something uses them.
 *
 * @module
 */
import type { Config, ParsedConfig } from "../config/mod.ts";
import { ConfigError, FileError } from "../errors.ts";
import type { Device } from "../gpu/device.ts";
import { openTuned } from "../tune/cache.ts";
import { openEngine } from "../graph/compile.ts";
import { modelFingerprint } from "../io/fingerprint.ts";
import { remove } from "../io/folders.ts";
import { type Methods, methodsOf } from "../methods.ts";
import { writeFreshModel } from "../models/init.ts";
import { notesOf } from "../models/left_over.ts";
import { Model } from "../models/model.ts";
import type { AttemptLedger } from "../objectives/attempts.ts";
import { NOTHING_SEEN } from "../objectives/documents.ts";
import { documentsSeenBy } from "../runs/documents.ts";
import { runFiles } from "../runs/folder.ts";
import { resolveModel } from "./resolve_model.ts";
import { openRows, rowsOf } from "./rows.ts";
import type { TrainOptions } from "./run.ts";
import { describePlan, openSession, type Session } from "./session.ts";
import { trainAdapter, trainFull } from "./trainable.ts";

/** What a session is opened with beside its config. */
export interface SessionSettings extends Pick<TrainOptions, "kind" | "data"> {
  /** Any device; one is opened, and closed at the end, where absent. */
  readonly device?: Device | undefined;
  /** What one that is opened is to be like; as the adapter suggests where absent. */
  readonly like?: Pick<Device, "kernelSet" | "matrixReads"> | undefined;
  /** What an update minimises and what is beside it, in place of what the config has. */
  readonly methods?: Partial<Methods>;
  /** Where tests are counted; nowhere where absent. */
  readonly attempts?: AttemptLedger | null;
  readonly log?: (line: string) => void;
  /** The folder of the run; that of the config where absent. */
  readonly out?: string;
}

/** Opens model and session of a config for as long as `use` takes. */
export async function withSession<T>(
  config: Config,
  settings: SessionSettings,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const { kind = "adapter", device: given, data, log = () => {}, out = config.out } = settings;
  const { attempts = null } = settings;
  const { model: folder, adapter } = await resolveModel({ config, origin: {} }, { say: log });
  const { kernelSet, matrixReads } = settings.like ?? {};
  const device = given ?? await openTuned(
    kernelSet && matrixReads ? { kernelSet, matrixReads } : {},
    log,
  );
  const engine = openEngine(device);
  try {
    using fresh = kind === "pretrain" ? temporaryFolder() : null;
    if (fresh) writeFreshModel(folder, fresh.folder, config.train.seed);
    const methods = { ...methodsOf(config, kind), ...settings.methods };
    const { scores } = methods.main;
    using model = new Model(fresh?.folder ?? folder, { ...config, scores });
    await using rows = data ? rowsOf(data) : await openRows(model, config, log);
    const trained = kind === "adapter"
      ? trainAdapter(engine, model, adapter, config.train.seed)
      : trainFull(model, "BF16");
    const found = kind === "adapter" ? notesOf(engine, model) : [];
    for (const note of [...found, ...trained.notes]) log(note);
    const checkpoints = runFiles(out).checkpoints;
    const base = modelFingerprint(folder);
    const isFresh = kind === "pretrain" || adapter.from === undefined;
    const seen = isFresh ? NOTHING_SEEN : documentsSeenBy(adapter.from!);
    const session = await openSession({
      ...{ engine, model, config, trained, rows, base, seen, attempts, methods },
      folder: checkpoints,
      log,
    });
    try {
      return await use(session);
    } finally {
      session.close();
    }
  } catch (fault) {
    throw fault instanceof ConfigError || fault instanceof FileError
      ? fault
      : await device.behind(fault);
  } finally {
    engine.store.destroy();
    if (!given) device.close();
  }
}

/** Every dispatch of a training step, without training. */
export async function explainPlan(given: ParsedConfig): Promise<string> {
  const { parsed: { config }, model: folder, adapter } = await resolveModel(given);
  using device = await openTuned();
  const engine = openEngine(device);
  const { scores } = methodsOf(config).main;
  using model = new Model(folder, { ...config, scores });
  const trained = trainAdapter(engine, model, adapter, config.train.seed);
  return describePlan({ engine, model, config, trained });
}

/** What is on disk for only as long as a run needs it. */
export function temporaryFolder(): { folder: string } & Disposable {
  const folder = Deno.makeTempDirSync({ prefix: "graft-" });
  return { folder, [Symbol.dispose]: () => remove(folder) };
}
