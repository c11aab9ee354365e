/**
 * The training loop, in the order in which things happen.
 *
 * @module
 */
import { Ring } from "../gpu/ring.ts";
import type { Metrics } from "../runs/events.ts";
import { isStopWanted, orStopped } from "../stop.ts";
import { saveCheckpoint } from "./checkpoint.ts";
import {
  beforeUpdate,
  hasNoCheckpoint,
  type Planned,
  sweep,
  type UpdateOptions,
} from "./prepare_update.ts";
import { scheduleFactor } from "./schedule.ts";
import type { Session } from "./session.ts";
import { refuseBroken } from "./trouble/trouble.ts";
import { type ReplayTag, UpdateLog } from "./update_log.ts";

export interface LoopOptions extends UpdateOptions {
  /** The folder of checkpoints. */
  readonly checkpoints: string;
  /** Called for each logged update, some updates late. */
  readonly onUpdate?: (metrics: Metrics) => void;
  /** Called with what was measured before an update, some updates late. */
  readonly onMeasure?: (step: number, values: Readonly<Record<string, number>>) => void;
  readonly onCheckpoint?: (step: number, path: string) => void;
  /** Looked at after each update, beside what `stoppable` asks: the run ends after a checkpoint. */
  readonly stop?: Pick<AbortSignal, "aborted">;
}

/** How a run ended. */
export interface LoopResult {
  /** Updates done. */
  readonly step: number;
  readonly stopped: boolean;
}

/** Updates whose losses are fetched together at most, without a hook that looks back further. */
const GATHERED = 8;

/** Milliseconds between losses that come back, where an update takes no longer. */
const PATIENCE = 1000;

/**
 * Trains. The GPU is awaited only to save, and when it is several steps behind.
 *
 * @throws {Trouble} where a number of an update is not finite; none is made after that.
 */
export async function trainLoop(session: Session, options: LoopOptions): Promise<LoopResult> {
  const { engine: { device }, parts, replaysPerUpdate, capacity } = session;
  const lag = Math.max(0, ...parts.map(({ hook }) => hook?.lag ?? 0));
  const slots = Math.max(GATHERED, lag) * replaysPerUpdate;
  const ring = new Ring<ReplayTag>(device, capacity + 1, { slots, most: PATIENCE });
  try {
    return await makeUpdates(session, options, ring);
  } finally {
    await ring.close();
  }
}

async function makeUpdates(
  session: Session,
  options: LoopOptions,
  ring: Ring<ReplayTag>,
): Promise<LoopResult> {
  const { engine: { device, store }, config: { train }, optimizer, parts, steps } = session;
  const hooks = parts.flatMap(({ hook }) => hook ?? []);
  const log = new UpdateLog(session, options);
  const save = async (step: number) => {
    log.take(await ring.drain()); // a sync point; trouble throws before it is saved
    await log.settled();
    const state = await session.state();
    const path = await saveCheckpoint(store, options.checkpoints, step, state);
    sweep(session);
    options.onCheckpoint?.(step, path);
  };

  let step = options.start;
  let stopped = false;
  let replays: readonly Planned[] = [];
  while (step < steps && !stopped && !hooks.some(({ isOver }) => isOver)) {
    const planned = await orStopped(() => beforeUpdate(session, step, { ring, log, options }));
    if (planned === null) { // nothing of the update has been made
      stopped = true;
      await save(step);
      break;
    }
    replays = planned;
    const rate = hooks.reduce(
      (rate, hook) => rate * hook.rate,
      train.lr * scheduleFactor({ ...train, steps }, step),
    );
    for (const [i, { replay, objective }] of replays.entries()) {
      await ring.freeSlot(); // waits only while the GPU is several updates behind
      const isLast = i === replays.length - 1;
      const { losses } = replay;
      const number = step * session.replaysPerUpdate + i;
      replay.run(number, isLast ? undefined : (encoder) => ring.load(encoder, [losses]));
      optimizer.accumulate(i === 0);
      if (isLast) {
        const age = Math.min(step + 1, ...hooks.map((hook) => hook.age(step)));
        optimizer.step(rate, age, (encoder) => ring.load(encoder, [losses, optimizer.norm]));
      }
      const normAt = isLast ? losses.size / 4 : null;
      ring.send({ step, rate, objective, tokens: replay.tokens, normAt });
    }
    log.take(ring.arrived());
    step++;

    stopped = (options.stop?.aborted ?? false) || isStopWanted();
    const isDue = train.checkpoint_every > 0 && step % train.checkpoint_every === 0;
    if (stopped || isDue) await save(step);
  }
  log.take(await ring.drain()); // a sync point
  await log.settled();
  const [last] = replays;
  if (last && !stopped) {
    const draw = (step - 1) * session.replaysPerUpdate;
    await refuseBroken(device, last.replay, { step, draw });
  }
  if (!stopped && hasNoCheckpoint(session, options)) sweep(session);
  return { step, stopped };
}
