/**
 * The training loop, in the order in which things happen.
 *
 * @module
 */
import type { Batch, Stream } from "../data/mod.ts";
import { Ring } from "../gpu/buffer.ts";
import { LAG } from "../forgetting/steer/guard.ts";
import type { GuardProgram } from "../forgetting/steer/parts.ts";
import { saveCheckpoint } from "./checkpoint.ts";
import type { Metrics } from "./metrics.ts";
import { scheduleFactor } from "./schedule.ts";
import type { Say } from "./rows.ts";
import type { Session } from "./setup.ts";
import { type MicroTag, UpdateLog } from "./update_log.ts";

export interface LoopOptions {
  /** Updates that were done before: the store holds what they left. */
  readonly start: number;
  /** The folder of checkpoints. */
  readonly checkpoints: string;
  /** Called for each logged update, some updates late. */
  readonly onUpdate: (metrics: Metrics, steps: number) => void;
  readonly say: Say;
  /** Asked after each update; true ends the run after a checkpoint. */
  readonly stopWanted: () => boolean;
}

/** How a run ended. */
export interface LoopResult {
  /** Updates done. */
  readonly step: number;
  readonly stopped: boolean;
}

/** Micro-batches under way at a time, at least. */
const UNDER_WAY = 8;

/** Trains. The GPU is awaited only to save, and when it is several steps behind. */
export async function trainLoop(session: Session, options: LoopOptions): Promise<LoopResult> {
  const { engine: { device, store }, config: { train }, program, optimizer, steps } = session;
  const guard = session.guarding?.guard ?? null;
  const slots = Math.max(UNDER_WAY, guard ? LAG * session.microsPerUpdate : 0);
  const ring = new Ring<MicroTag>(device, program.capacity + 1, slots);
  const log = new UpdateLog(session, (metrics) => options.onUpdate(metrics, steps));

  let step = options.start;
  let stopped = false;
  for (; step < steps && !stopped; step++) {
    if (guard) {
      while (!guard.isReady(step)) log.take(await ring.next());
      const wentBack = await guard.steer(step);
      if (wentBack) options.say(wentBack);
    }
    if (guard?.isDue(step) || isDue(session, step)) {
      log.measured(step, await measure(session, step));
    }

    const { micros, lambdas, rate } = await planUpdate(session, step);
    for (const [i, { program, batch, weights, isGuard }] of micros.entries()) {
      const isLast = i === micros.length - 1;
      const losses = program.compiled.output("losses");
      const normAt = isLast ? program.capacity : null;
      const tag = { step, rate, lambdas, batch, isGuard, normAt };
      await ring.room(); // waits only while the GPU is several micro-batches behind
      program.feed(batch, weights, step * session.microsPerUpdate + i);
      program.run(isLast ? undefined : (encoder) => ring.load(encoder, [losses]));
      optimizer.accumulate(i === 0);
      if (isLast) {
        const age = guard?.age(step) ?? step + 1;
        optimizer.step(rate, age, (encoder) => ring.load(encoder, [losses, optimizer.norm]));
      }
      ring.send(tag);
    }
    log.take(ring.arrived());

    stopped = options.stopWanted();
    if (stopped || (train.checkpoint_every > 0 && (step + 1) % train.checkpoint_every === 0)) {
      log.take(await ring.drain()); // a sync point; a loss that is no number throws before it is saved
      await log.settled();
      await saveCheckpoint(store, options.checkpoints, step + 1, await guard?.state());
      guard?.sweep();
    }
  }
  log.take(await ring.drain()); // a sync point
  await log.settled();
  ring.destroy();
  return { step, stopped };
}

/** As often as the config says; the guard has a rhythm of its own. */
function isDue({ config: { train: { eval_every: every } } }: Session, step: number): boolean {
  return every > 0 && step % every === 0;
}

/** Submits what is to be measured before an update; the fields of its metrics follow. */
export async function measure(
  { guarding, evaluate, config }: Session,
  step: number,
): Promise<Promise<Record<string, number>>[]> {
  const { eval_every: every } = config.train;
  const found: Promise<Record<string, number>>[] = [];
  if (guarding?.guard.isDue(step)) {
    const { result } = await guarding.guard.measure(step);
    found.push(result.then((entry) => guarding.guard.fields(entry)));
  }
  if (evaluate && every > 0 && step % every === 0) {
    const { result } = await evaluate();
    found.push(result.then(({ nll }) => ({ eval_loss: nll })));
  }
  return found;
}

/** One replay of an update. */
interface Micro {
  readonly program: GuardProgram;
  readonly batch: Batch;
  readonly weights: Float32Array;
  /** Of the guard. */
  readonly isGuard: boolean;
}

/** The micro-batches of an update, the task's before the guard's, and its learning rate. */
async function planUpdate(session: Session, step: number) {
  const { config: { train }, program, stream, microBatches, steps } = session;
  const guard = session.guarding?.guard;
  const batches = await taskBatches(stream, step, microBatches);
  const tokens = batches.reduce((sum, { supervised }) => sum + supervised, 0);
  const weights = tokenWeights(batches);
  const task = batches.map((batch, i): Micro => {
    return { program, batch, weights: weights[i]!, isGuard: false };
  });
  const guarded = guard?.micros(step, tokens);
  const rows = guarded?.micros.map((micro): Micro => {
    return { program: guard!.program, ...micro, isGuard: true };
  });
  return {
    micros: [...task, ...rows ?? []],
    lambdas: guarded?.lambdas ?? [],
    rate: train.lr * scheduleFactor({ ...train, steps }, step) * (guard?.rate ?? 1),
  };
}

async function taskBatches(stream: Stream, step: number, count: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (let index = step * count; index < (step + 1) * count; index++) {
    await stream.arrived(index); // at once, unless it takes longer to encode rows than to train
    batches.push(stream.micro(index));
  }
  return batches;
}

/**
 * What each supervised token of an update's task rows counts: 1 / their number over the whole
 * update, so that packing and micro-batches change nothing.
 */
export function tokenWeights(micros: readonly Batch[]): Float32Array[] {
  const tokens = micros.reduce((sum, { supervised }) => sum + supervised, 0);
  return micros.map(({ supervised }) => new Float32Array(supervised).fill(1 / tokens));
}
