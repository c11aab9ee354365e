/**
 * A whole run: folder, model, session, loop, result.
 *
 * @module
 */
import { join } from "node:path";
import { ExampleStore } from "../data/mod.ts";
import { type Device, openDevice } from "../gpu/device.ts";
import { openEngine } from "../graph/compile.ts";
import { writeJson } from "../io/files.ts";
import { writeFreshModel } from "../models/init.ts";
import { Model } from "../models/model.ts";
import { loadCheckpoint } from "./checkpoint.ts";
import type { ParsedConfig } from "./config/mod.ts";
import { measure, trainLoop } from "./loop.ts";
import { type Metrics, MetricsFile, metricsLine } from "./metrics.ts";
import { claimRunFolder, refuseOtherRun, runFiles, RunLog } from "./run_folder.ts";
import { describePlan, loadRows, openSession, type Say, type Session } from "./setup.ts";
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
  /** What the probes saw at the end: `forgetting`, `eval_loss`, ...; nothing where it stopped. */
  readonly measured: Readonly<Record<string, number>>;
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
export async function train(parsed: ParsedConfig, options: RunOptions): Promise<RunResult> {
  const { config } = parsed;
  const { kind, resume = false, say = () => {}, stopWanted = () => false } = options;
  refuseOtherRun(config.out, parsed, resume);
  const device = options.device ?? await openDevice();
  const engine = openEngine(device);
  const log = new RunLog(runFiles(config.out).log, say);
  try {
    using fresh = kind === "pretrain" ? temporaryFolder() : null;
    if (fresh) writeFreshModel(config.model, fresh.folder, config.train.seed);
    using model = new Model(fresh?.folder ?? config.model);
    log.tell(`adapter: ${device.adapter}${device.software ? " (software)" : ""}`);
    using store = new ExampleStore();
    const rows = await loadRows(model, config.data, config.train, log.tell, store);
    const trained = kind === "adapter"
      ? trainAdapter(engine, model, config.adapter, config.train.seed)
      : trainFull(model, "BF16");
    const session = await openSession({ engine, model, config, trained, rows, say: log.tell });
    const start = resume ? loadCheckpoint(engine.store, runFiles(config.out).checkpoints) : 0;
    if (!resume) claimRunFolder(config.out, parsed); // whatever can be refused has been by now
    log.open();
    if (resume) log.tell(`resumed after ${start} updates`);
    try {
      return await runSession(session, { start, stopWanted, tell: log.tell });
    } finally {
      session.close();
    }
  } finally {
    engine.store.destroy();
    if (!options.device) device.close();
  }
}

/** Every dispatch of a training step, without training. */
export async function explainPlan({ config }: ParsedConfig): Promise<string> {
  using device = await openDevice();
  const engine = openEngine(device);
  using model = new Model(config.model);
  const trained = trainAdapter(engine, model, config.adapter, config.train.seed);
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
  const { config, trained, engine, steps, microBatches } = session;
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
    onUpdate: (update) => {
      metrics.append(update);
      first ??= update;
      last = update;
      since++;
      const perLine = (performance.now() - started) / 1000 / since;
      const linesLeft = (steps - 1 - update.step) / config.train.log_every;
      tell(metricsLine(update, { steps, secondsLeft: perLine * linesLeft }));
    },
  });
  const saved = join(config.out, trained.folder);
  if (stopped) return { step, stopped, saved, measured: {}, first, last };
  const measured = await measure(session);
  await trained.save(engine.store, config.out);
  if (session.probe) writeJson(files.forgetting, forgettingReport(session, measured));
  return { step, stopped, saved, measured, first, last };
}

/** What was measured, and what was not: this run makes no promise about other text. */
function forgettingReport({ probe }: Session, measured: Record<string, number>) {
  const { base, held } = probe!;
  return {
    documents: held.length,
    tokens: base.tokens,
    base_perplexity: base.perplexity,
    tuned_perplexity: measured["retention_perplexity"],
    forgetting: measured["forgetting"],
    certified: false,
    note: "measured on held-back retention text; says nothing about other text or abilities",
  };
}
