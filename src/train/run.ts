/**
 * A whole run: folder, model, session, loop, result.
 *
 * @module
 */
import { join } from "node:path";
import { type Device, openDevice } from "../gpu/device.ts";
import { openEngine } from "../graph/compile.ts";
import { ConfigError } from "../errors.ts";
import type { ForgettingReport } from "../forgetting/report/format.ts";
import { writeFreshModel } from "../models/init.ts";
import { Model } from "../models/model.ts";
import { loadCheckpoint } from "./checkpoint.ts";
import type { Config, ParsedConfig } from "../config/mod.ts";
import { finish } from "./finish.ts";
import { trainLoop } from "./loop.ts";
import { type Metrics, MetricsFile, metricsLine } from "./metrics.ts";
import { claimRunFolder, refuseOtherRun, runFiles, RunLog } from "./run_folder.ts";
import { openPlaces } from "./places.ts";
import { openRows, type Say } from "./rows.ts";
import { describePlan, openSession, type Session } from "./setup.ts";
import { trainAdapter, trainFull } from "./trained.ts";

/** What to train, and who watches. */
export interface RunOptions {
  /** `adapter` on a frozen base, or every parameter from random weights. */
  readonly kind: "adapter" | "pretrain";
  /** Goes on from the last checkpoint of the run folder. */
  readonly resume?: boolean;
  /** Asked after each update; true ends the run after a checkpoint. */
  readonly stopWanted?: () => boolean;
  /** Lines of progress. */
  readonly say?: (line: string) => void;
  /** Any device; one is opened, and closed at the end, where absent. */
  readonly device?: Device;
}

/** What a run came to. */
export interface RunResult {
  /** Updates done. */
  readonly step: number;
  /** Whether it was asked to stop before its end. */
  readonly stopped: boolean;
  /** The folder of the adapter or model. */
  readonly saved: string;
  /** What was measured at the end: `forgetting`, `eval_loss`, ...; nothing where it stopped. */
  readonly measured: Readonly<Record<string, number>>;
  /** What the guard says of the result; null without a guard, or where the run stopped. */
  readonly forgetting: ForgettingReport | null;
  /** The first logged update; null where a resumed run had none left. */
  readonly first: Metrics | null;
  /** The last logged update. */
  readonly last: Metrics | null;
}

/**
 * Trains as the config says and leaves the run folder behind.
 *
 * @throws {ConfigError} {FileError} {GpuError} with one sentence; a run folder that another run
 * holds is left as it is.
 */
export async function train(given: ParsedConfig, options: RunOptions): Promise<RunResult> {
  if (options.kind === "pretrain" && given.config.guard) {
    throw new ConfigError("guard: a model from nothing has nothing to forget");
  }
  const { resume = false, say = () => {}, stopWanted = () => false } = options;
  const { parsed } = await openPlaces(given, { resume, say });
  const { config } = parsed;
  refuseOtherRun(config.out, parsed, resume);
  const log = new RunLog(runFiles(config.out).log, say);
  return await withSession(config, { ...options, say: log.tell }, async (session) => {
    const { engine, guarding } = session;
    const { step: start, guard } = resume
      ? loadCheckpoint(engine.store, runFiles(config.out).checkpoints)
      : { step: 0, guard: null };
    if (guarding && start > 0) guarding.resume(guard);
    // Whatever can be refused has been by now, but for rows that are encoded while it trains.
    const unclaim = resume ? null : claimRunFolder(config.out, parsed);
    log.open();
    if (resume) log.tell(`resumed after ${start} updates`);
    try {
      return await runSession(session, { start, stopWanted, tell: log.tell });
    } catch (error) {
      if (unclaim && session.rows.isFault(error)) {
        unclaim();
        say(`${config.out}: nothing is kept of a run that a row has stopped`);
      }
      throw error;
    }
  });
}

/** Opens model and session of a config for as long as `use` takes. */
export async function withSession<T>(
  config: Config,
  { kind, device: given, say = () => {} }: Pick<RunOptions, "kind" | "device" | "say">,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const { model: folder, adapter } = await openPlaces({ config, origin: {} }, { say });
  const device = given ?? await openDevice();
  const engine = openEngine(device);
  try {
    using fresh = kind === "pretrain" ? temporaryFolder() : null;
    if (fresh) writeFreshModel(folder, fresh.folder, config.train.seed);
    using model = new Model(fresh?.folder ?? folder);
    say(`adapter: ${device.adapter}${device.software ? " (software)" : ""}`);
    await using rows = await openRows(model, config, say);
    const trained = kind === "adapter"
      ? trainAdapter(engine, model, adapter, config.train.seed)
      : trainFull(model, "BF16");
    for (const note of trained.notes) say(note);
    const session = await openSession({ engine, model, config, trained, rows, say });
    try {
      return await use(session);
    } finally {
      session.close();
    }
  } finally {
    engine.store.destroy();
    if (!given) device.close();
  }
}

/** Every dispatch of a training step, without training. */
export async function explainPlan(given: ParsedConfig): Promise<string> {
  const { parsed: { config }, model: folder, adapter } = await openPlaces(given);
  using device = await openDevice();
  const engine = openEngine(device);
  using model = new Model(folder);
  const trained = trainAdapter(engine, model, adapter, config.train.seed);
  return describePlan({ engine, model, config, trained });
}

/** For random weights, which are on disk for as long as the run needs them. */
function temporaryFolder(): { folder: string } & Disposable {
  const folder = Deno.makeTempDirSync({ prefix: "graft-" });
  return { folder, [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
}

interface SessionRun {
  /** Updates that were done before. */
  readonly start: number;
  readonly stopWanted: () => boolean;
  readonly tell: Say;
}

async function runSession(
  session: Session,
  { start, stopWanted, tell }: SessionRun,
): Promise<RunResult> {
  const { config, trained, steps, microBatches } = session;
  const files = runFiles(config.out);
  const { tokens_per_batch: tokens } = config.train;
  tell(`training: ${steps} updates of ${tokens} tokens in ${microBatches} micro-batches`);
  using metrics = new MetricsFile(files.metrics, start);
  let first: Metrics | null = null;
  let last: Metrics | null = null;
  const started = performance.now();
  let since = 0;
  const { step, stopped } = await trainLoop(session, {
    start,
    checkpoints: files.checkpoints,
    stopWanted,
    say: tell,
    onUpdate: (update) => {
      metrics.append(update);
      first ??= update;
      last = update;
      since++;
      const perLine = (performance.now() - started) / 1000 / since;
      const linesLeft = (steps - 1 - update.step) / config.train.log_every;
      const slices = session.guarding?.guard.slices ?? [];
      tell(metricsLine(update, { steps, secondsLeft: perLine * linesLeft, slices }));
    },
  });
  const saved = join(config.out, trained.folder);
  const result = { step, stopped, saved, first, last };
  if (stopped) return { ...result, measured: {}, forgetting: null };
  const seconds = (performance.now() - started) / 1000;
  const { measured, report } = await finish(session, step, seconds, tell);
  return { ...result, measured, forgetting: report };
}
