/**
 * A whole run: folder, model, session, loop, result; and what it says of itself meanwhile.
 *
 * @module
 */
import { join } from "node:path";
import type { PeftAdapter } from "../adapters/peft/folder.ts";
import type { Config, ParsedConfig } from "../config/mod.ts";
import { type Device, openDevice } from "../gpu/device.ts";
import { openEngine } from "../graph/compile.ts";
import { methodsOf } from "../methods.ts";
import { writeFreshModel } from "../models/init.ts";
import { Model } from "../models/model.ts";
import type { Ending } from "../objectives/objective.ts";
import type { Metrics, RunEnd, RunEvent, RunListener } from "../runs/events.ts";
import { claimRunFolder, refuseOtherRun, runFiles } from "../runs/folder.ts";
import { folderListeners } from "../runs/mod.ts";
import { loadCheckpoint } from "./checkpoint.ts";
import { trainLoop } from "./loop.ts";
import { openPlaces } from "./places.ts";
import { openRows } from "./rows.ts";
import { describePlan, openSession, type Session } from "./session.ts";
import { trainAdapter, trainFull } from "./trainable.ts";

/** How to run. */
export interface TrainOptions {
  /** `adapter` (the default) on a frozen base, or every parameter from random weights. */
  readonly kind?: "adapter" | "pretrain";
  /** Goes on from the last checkpoint of the run folder. */
  readonly resume?: boolean;
  /** Follows the run. */
  readonly on?: RunListener;
  /** Ends the run after the update under way, with a checkpoint. */
  readonly stop?: Pick<AbortSignal, "aborted">;
  /** Any device; one is opened, and closed at the end, where absent. */
  readonly device?: Device;
}

/** A run that leaves nothing on the disk: its adapter is in the result. */
export interface FreeOptions extends Omit<TrainOptions, "resume"> {
  readonly out: null;
}

/** What a run came to. */
export interface RunResult extends RunEnd {
  /** The folder of the adapter or model. */
  readonly saved: string;
}

/** What a run without a folder came to. */
export interface FreeResult extends RunEnd {
  readonly saved: null;
  /** What it trained; null where it stopped. */
  readonly adapter: PeftAdapter | null;
}

/**
 * Trains as the config says and leaves the run folder behind.
 *
 * @throws {ConfigError} {FileError} {GpuError} with one sentence; a run folder that another run
 * holds is left as it is.
 */
export async function train(given: ParsedConfig, options: FreeOptions): Promise<FreeResult>;
export async function train(given: ParsedConfig, options?: TrainOptions): Promise<RunResult>;
export async function train(
  given: ParsedConfig,
  options: TrainOptions & { readonly out?: null } = {},
): Promise<RunResult | FreeResult> {
  const { resume = false, on = () => {} } = options;
  const listeners = [on];
  const emit = (event: RunEvent) => listeners.forEach((listener) => listener(event));
  const log = (line: string) => emit({ kind: "log", line });
  using temporary = options.out === null ? temporaryFolder() : null;
  const run = { log, emit, unclaim: () => {} };
  try {
    methodsOf(given.config, options.kind);
    const { parsed } = await openPlaces(given, { resume, say: log });
    const out = temporary?.folder ?? parsed.config.out;
    if (!temporary) {
      refuseOtherRun(out, parsed, resume);
      listeners.unshift(...folderListeners(out));
    }
    const result = await withSession(parsed.config, { ...options, log, out }, (session) => {
      return runSession(session, { ...options, parsed, out, isKept: !temporary, run });
    });
    const { adapter, saved, ...end } = result;
    emit({ kind: "end", result: { ...end, saved } });
    return saved === null ? { ...end, saved, adapter } : { ...end, saved };
  } catch (error) {
    quietly(() => emit({ kind: "fault", error: error as Error }));
    quietly(run.unclaim);
    throw error;
  }
}

/** What follows a fault must not hide it. */
function quietly(action: () => void): void {
  try {
    action();
  } catch { /* the first fault is the one to tell */ }
}

export interface SessionSettings extends Pick<TrainOptions, "kind" | "device"> {
  readonly log?: (line: string) => void;
  /** The folder of the run; that of the config where absent. */
  readonly out?: string;
}

/** Opens model and session of a config for as long as `use` takes. */
export async function withSession<T>(
  config: Config,
  { kind = "adapter", device: given, log = () => {}, out = config.out }: SessionSettings,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const { model: folder, adapter } = await openPlaces({ config, origin: {} }, { say: log });
  const device = given ?? await openDevice();
  const engine = openEngine(device);
  try {
    using fresh = kind === "pretrain" ? temporaryFolder() : null;
    if (fresh) writeFreshModel(folder, fresh.folder, config.train.seed);
    using model = new Model(fresh?.folder ?? folder);
    log(`adapter: ${device.adapter}${device.software ? " (software)" : ""}`);
    await using rows = await openRows(model, config, log);
    const trained = kind === "adapter"
      ? trainAdapter(engine, model, adapter, config.train.seed)
      : trainFull(model, "BF16");
    for (const note of trained.notes) log(note);
    const checkpoints = runFiles(out).checkpoints;
    const options = { engine, model, config, trained, rows, folder: checkpoints, log };
    const session = await openSession(options);
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

/** What is on disk for only as long as a run needs it. */
function temporaryFolder(): { folder: string } & Disposable {
  const folder = Deno.makeTempDirSync({ prefix: "graft-" });
  return { folder, [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }) };
}

/** How a run ended, and what it trained where it has no folder. */
type Ended = RunEnd & Pick<FreeResult, "adapter">;

interface SessionRun extends TrainOptions {
  readonly parsed: ParsedConfig;
  /** The folder of the run. */
  readonly out: string;
  /** Whether the folder outlives the run. */
  readonly isKept: boolean;
  readonly run: {
    readonly log: (line: string) => void;
    readonly emit: RunListener;
    /** Takes back what a run has written that is not to be kept. */
    unclaim: () => void;
  };
}

async function runSession(session: Session, options: SessionRun): Promise<Ended> {
  const { parsed, out, isKept, resume = false, run: { log, emit } } = options;
  const files = runFiles(out);
  const { step: done, sections } = resume
    ? loadCheckpoint(session.engine.store, files.checkpoints)
    : { step: 0, sections: {} };
  if (done > 0) { for (const part of session.parts) part.restore?.(sections[part.name]); }
  // Whatever can be refused has been by now, but for rows that are encoded while it trains.
  const unclaim = isKept && !resume ? claimRunFolder(out, parsed) : () => {};
  emit(startOf(session, options, done));
  if (resume) log(`resumed after ${done} updates`);
  try {
    return await trainAndEnd(session, options, done);
  } catch (error) {
    if (session.rows.isFault(error)) {
      options.run.unclaim = () => {
        unclaim();
        log(`${out}: nothing is kept of a run that a row has stopped`);
      };
    }
    throw error;
  }
}

function startOf(
  { steps, memory, parts, engine: { device } }: Session,
  { kind = "adapter", parsed, out, isKept }: SessionRun,
  done: number,
): RunEvent {
  return {
    kind: "start",
    ...parsed,
    trains: kind,
    out: isKept ? out : null,
    steps,
    done,
    memory,
    columns: parts.flatMap(({ columns }) => columns ?? []),
    device: { adapter: device.adapter, software: device.software },
  };
}

async function trainAndEnd(
  session: Session,
  options: SessionRun,
  start: number,
): Promise<Ended> {
  const { out, isKept, stop, run: { log, emit } } = options;
  const { config: { train }, trained, steps } = session;
  const micros = train.tokens_per_batch / train.micro_batch_tokens;
  log(`training: ${steps} updates of ${train.tokens_per_batch} tokens in ${micros} micro-batches`);
  let first: Metrics | null = null;
  let last: Metrics | null = null;
  const clock = new Clock(steps, train.log_every);
  const { step, stopped } = await trainLoop(session, {
    start,
    checkpoints: runFiles(out).checkpoints,
    ...(stop && { stop }),
    log,
    onUpdate: (metrics) => {
      first ??= metrics;
      last = metrics;
      emit({ kind: "update", metrics, secondsLeft: clock.left(metrics.step) });
    },
    onMeasure: (step, values) => emit({ kind: "measure", step, values }),
    onCheckpoint: (step, path) => emit({ kind: "checkpoint", step, path }),
  });
  const saved = isKept ? join(out, trained.folder) : null;
  const result = { step, stopped, saved, first, last, adapter: null };
  if (stopped) return { ...result, measured: {}, reports: {} };
  const { ending: { measured, report }, adapter } = await finish(session, options, {
    step,
    seconds: clock.seconds,
  });
  if (report) emit({ kind: "report", report });
  return { ...result, measured, reports: report ? { [report.name]: report.data } : {}, adapter };
}

/** Saves and measures what was trained; a part that has its own end decides what that is. */
async function finish(
  session: Session,
  { out, isKept, run: { log } }: SessionRun,
  done: { readonly step: number; readonly seconds: number },
): Promise<{ ending: Ending; adapter: PeftAdapter | null }> {
  const { trained, engine: { store }, parts } = session;
  let adapter: PeftAdapter | null = null;
  const save = async ({ scaling = 1, folder = trained.folder } = {}) => {
    if (isKept) await trained.save(store, join(out, folder), scaling);
    else if (folder === trained.folder) adapter = await trained.read(store, scaling);
  };
  await session.rows.finished();
  const ender = parts.find((part) => part.end);
  if (ender) {
    const ending = await ender.end!({ ...done, measure: session.measure, save, log });
    return { ending, adapter };
  }
  await save();
  return { ending: { measured: await session.measure(), report: null }, adapter };
}

/** How long updates have taken. */
class Clock {
  readonly #started = performance.now();
  #lines = 0;

  constructor(private readonly steps: number, private readonly logEvery: number) {}

  get seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  /** Expected seconds until the last update, by the lines so far; this is one of them. */
  left(step: number): number {
    this.#lines++;
    return this.seconds / this.#lines * (this.steps - 1 - step) / this.logEvery;
  }
}
