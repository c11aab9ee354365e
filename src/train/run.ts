/**
 * A whole run: folder, model, session, loop, result; and what it says of itself meanwhile.
 *
 * @module
 */
import { join } from "node:path";
import { type ParsedConfig, refuseIdleInPretraining } from "../config/mod.ts";
import type { Communicator } from "../distributed/communicator.ts";
import { dealtTo } from "../distributed/dealing.ts";
import { read, upload } from "../gpu/buffer.ts";
import { refuseOccupied } from "../io/checkpoint.ts";
import { placed } from "../io/patience.ts";
import { type Methods, methodsOf } from "../methods.ts";
import type { Metrics, RunEnd, RunListener, SampleText } from "../runs/events.ts";
import { type ClaimedFolder, claimRunFolder, refuseOtherRun, runFiles } from "../runs/folder.ts";
import { attemptsOf } from "../runs/history/attempts.ts";
import { folderListeners } from "../runs/mod.ts";
import { Rescue } from "../runs/rescue.ts";
import { followed } from "../progress.ts";
import { Audience, quietly } from "./audience.ts";
import { refuseOtherContents } from "./contents.ts";
import { loadCheckpoint, saveCheckpoint } from "./checkpoint.ts";
import { startOf } from "./facts.ts";
import { finish } from "./finish.ts";
import { temporaryFolder, withSession } from "./open.ts";
import { resolveModel, sizedAs } from "./resolve_model.ts";
import type { FreeOptions, FreeResult, RunResult, TrainOptions } from "./options.ts";
import {
  orAllStopped,
  requireSameConfig,
  requireSameSession,
  shareFolder,
  trainTogether,
} from "./ranks.ts";
import type { Session } from "./session.ts";
import { onWorkingDevice } from "./trouble/device.ts";
import type { RecoveryOptions } from "./trouble/recovery.ts";
import { Clock } from "./updates/log.ts";
import { leads } from "./updates/prepare.ts";

/**
 * Trains as the config says and leaves the run folder behind.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseConfig, train } from "@graft/lora";
 *
 * const data = [{ path: "configs/quickstart/instructions.jsonl", template: "plain" }];
 * const sizes = { steps: 1, tokens_per_batch: 256, micro_batch_tokens: 256 };
 * const values = { model: "configs/quickstart/base", data, train: sizes };
 * const { step, adapter } = await train(parseConfig({ values }), { out: null });
 * assert.equal(step, 1);
 * assert.equal(adapter?.modules.length, 14); // seven matrices of two blocks
 * ```
 *
 * @throws {ConfigError} {FileError} {GpuError} with one sentence; a run folder that another run
 * holds is left as it is.
 */
export function train(given: ParsedConfig, options: FreeOptions): Promise<FreeResult>;
/** Trains as the config says and leaves the run folder behind. */
export function train(given: ParsedConfig, options?: TrainOptions): Promise<RunResult>;
export function train(
  given: ParsedConfig,
  options: TrainOptions & { readonly out?: null } = {},
): Promise<RunResult | FreeResult> {
  return trainWith({}, given, options);
}

/**
 * {@linkcode train} as one of some ranks, which all call it alike: rank 0 leaves the run folder behind,
 * the others nothing.
 */
export function trainInRanks(
  given: ParsedConfig,
  ranks: Communicator,
  options: TrainOptions = {},
): Promise<RunResult | FreeResult> {
  const own = { ...options, ranks, ...(ranks.rank > 0 && { out: null }) };
  return dealtTo(ranks, () => trainWith({}, given, own));
}

/** How a run is begun within Graft. */
interface RunSettings extends TrainOptions {
  readonly out?: null;
  /** The ranks that train together; one alone where absent. */
  readonly ranks?: Communicator;
}

/** {@linkcode train} with other methods than those of the config. */
export function trainWith(
  methods: Partial<Methods>,
  given: ParsedConfig,
  options: RunSettings = {},
): Promise<RunResult | FreeResult> {
  const audience = new Audience(options.on);
  return followed(
    (progress) => audience.tell({ kind: "progress", progress }),
    () => trainTold(methods, given, options, audience),
  ).finally(() => audience.settled());
}

async function trainTold(
  methods: Partial<Methods>,
  given: ParsedConfig,
  options: RunSettings,
  audience: Audience,
): Promise<RunResult | FreeResult> {
  const { resume = false, on = () => {}, rescue: elsewhere, ranks } = options;
  const emit: RunListener = (event) => audience.tell(event);
  const log = (line: string) => emit({ kind: "log", line });
  using temporary = options.out === null ? temporaryFolder() : null;
  using held = new DisposableStack();
  const claim = <T extends Disposable>(folder: T) => held.use(folder);
  const say = (line: string) => on({ kind: "log", line });
  const run: OpenRun = {
    ...{ log, say, emit, claim, audience, folder: null, rescue: null, reached: null },
    unclaim: () => {},
  };
  try {
    methodsOf(given.config, options.kind);
    if (options.kind === "pretrain") refuseIdleInPretraining(given);
    const { parsed } = await resolveModel(given, { resume, say: log });
    await requireSameConfig(ranks, parsed);
    const out = temporary?.folder ?? parsed.config.out;
    if (!temporary) {
      refuseOtherRun(out, parsed, resume);
      if (elsewhere !== undefined) refuseOccupied(elsewhere);
      audience.join(folderListeners(out, { config: parsed.config, log }));
    }
    const attempts = temporary || !parsed.config.history ? null : attemptsOf(out, out, log);
    const settings = { ...options, parsed, out, isKept: !temporary, run };
    const first = { config: parsed.config, device: options.device, isShared: !!ranks };
    const result = await onWorkingDevice(first, ({ config, device, after }, onSized) => {
      const opening = { ...options, device, like: options.device, methods, attempts, log, out };
      return audience.patiently(() =>
        withSession(config, { ...opening, onSized }, (session) => {
          const own = { parsed: sizedAs(session.config, parsed), after };
          return runSession(session, { ...settings, ...own });
        })
      );
    });
    const { adapter, saved: to, ...end } = result;
    const saved = to === null ? null : audience.patiently(() => placed(to));
    emit({ kind: "end", result: { ...end, saved } });
    if (saved === null) return { ...end, saved, adapter };
    return { ...end, saved, out: run.rescue?.folder ?? out };
  } catch (error) {
    audience.tellFault(error as Error);
    quietly(run.unclaim);
    throw error;
  }
}

/** How a run ended, and what it trained where it has no folder. */
type Ended = RunEnd & Pick<FreeResult, "adapter">;

interface SessionRun extends Omit<RunSettings, "out"> {
  readonly parsed: ParsedConfig;
  /** The folder of the run. */
  readonly out: string;
  /** Whether the folder outlives the run. */
  readonly isKept: boolean;
  /** Why an attempt before this one has ended; null for the first. */
  readonly after: string | null;
  readonly run: OpenRun;
}

/** What the attempts of a run have in common. */
interface OpenRun {
  readonly log: (line: string) => void;
  readonly emit: RunListener;
  /** Whoever is told of it. */
  readonly audience: Audience;
  /** What becomes of writes into its folder that fail, once there is something to lose. */
  rescue: Rescue | null;
  /** Says it to whoever follows the run, not to its folder. */
  readonly say: (line: string) => void;
  /** Keeps a folder from others until the last event has been told. */
  readonly claim: <T extends Disposable>(folder: T) => T;
  /** The folder, once it is claimed. */
  folder: ClaimedFolder | null;
  /** The last update that is known of; null before the run has started. */
  reached: number | null;
  /** Takes back what a run has written that is not to be kept. */
  unclaim: () => void;
}

async function runSession(session: Session, options: SessionRun): Promise<Ended> {
  const { parsed, out, isKept, run, after, ranks } = options;
  const { log, emit, reached } = run;
  const resume = options.resume || reached !== null;
  const files = runFiles(out);
  const beginning = structuredClone(await session.state());
  await requireSameSession(ranks, session, beginning);
  const claim = () => isKept ? run.claim(claimRunFolder(out, parsed, { resume, say: log })) : null;
  if (resume) run.folder ??= claim();
  if (resume) await shareFolder(ranks, files.checkpoints);
  const { step: done, sections } = resume
    ? loadCheckpoint(session.engine.store, files.checkpoints, { say: log })
    : { step: 0, sections: {} };
  refuseOtherContents(session, sections);
  if (done > 0) { for (const part of session.parts) part.restore?.(sections[part.name]); }
  // Whatever can be refused has been by now, but for rows that are encoded while it trains.
  run.folder ??= claim();
  run.folder?.saveConfig();
  if (reached !== null) {
    emit({ kind: "back", step: reached, reason: after!, to: done, rate: 1, blackBox: null });
  } else {
    if (after !== null) log(after);
    const { kind = "adapter" } = options;
    const { origin } = parsed;
    emit(startOf(session, { origin, trains: kind, out: isKept ? out : null, done }));
    if (resume) log(`resumed after ${done} updates`);
  }
  run.reached = done;
  if (run.folder) {
    const { rescue: to = null, waits = false } = options;
    const claimed = run.folder;
    run.rescue ??= run.claim(new Rescue({ parsed, claimed, to, waits, say: run.say }));
    run.audience.patience = run.rescue;
  }
  try {
    const end = () => trainAndEnd(session, options, { start: done, beginning });
    return await run.audience.patiently(end);
  } catch (error) {
    if (session.rows.isFault(error)) {
      run.unclaim = () => {
        run.folder?.undo();
        log(`${out}: nothing is kept of a run that a row has stopped`);
      };
    }
    throw error;
  }
}

async function trainAndEnd(
  session: Session,
  options: SessionRun,
  from: Pick<RecoveryOptions, "start" | "beginning">,
): Promise<Ended> {
  const { out, isKept, kind = "adapter", stop, run } = options;
  const { log, emit } = run;
  const { config: { train }, trained, steps, engine: { store } } = session;
  const { checkpoints, trouble: troubles } = runFiles(out);
  let first: Metrics | null = null;
  let last: Metrics | null = null;
  const clock = new Clock(steps, train.log_every);
  const onSample = (step: number, samples: readonly SampleText[]) =>
    emit({ kind: "sample", step, samples });
  const { step, stopped } = await trainTogether(session, {
    ...from,
    checkpoints,
    blackBoxes: isKept ? troubles : null,
    onGoneBack: (gone) => emit({ kind: "back", ...gone }),
    ...(stop && { stop }),
    log,
    onUpdate: (metrics) => {
      first ??= metrics;
      last = metrics;
      run.reached = metrics.step + 1;
      emit({ kind: "update", metrics, secondsLeft: clock.left(metrics.step) });
    },
    onMeasure: (step, values) => emit({ kind: "measure", step, values }),
    onSample,
    onCheckpoint: (step, path) => emit({ kind: "checkpoint", step, path }),
  });
  const saved = isKept ? join(out, trained.folder) : null;
  const result = { step, stopped, saved, first, last, adapter: null };
  const early = { ...result, stopped: true, measured: {}, reports: {} };
  if (stopped) return early;
  // Parts that end the run try other params: what was trained is kept until they have chosen.
  const params = await read(store.device, store.flat("params"));
  const finished = await orAllStopped(session, async () => {
    for (const { sampler } of session.parts) {
      if (leads(session) && sampler) onSample(step, await sampler.sample());
    }
    return await finish(session, { out, isKept, kind, log }, { step, seconds: clock.seconds });
  });
  if (finished === null) {
    upload(store.device, store.flat("params"), params);
    const path = await saveCheckpoint(store, checkpoints, step, await session.state());
    emit({ kind: "checkpoint", step, path });
    return early;
  }
  const { ending: { measured, report }, adapter } = finished;
  if (report) emit({ kind: "report", report });
  return { ...result, measured, reports: report ? { [report.name]: report.data } : {}, adapter };
}
