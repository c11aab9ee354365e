/**
 * The training loop, in the order in which things happen.
 *
 * @module
 */
import { FileError } from "../errors.ts";
import type { Metrics } from "../runs/events.ts";
import { isStopWanted, orStopped } from "../stop.ts";
import { saveCheckpoint } from "./checkpoint.ts";
import {
  beforeUpdate,
  hasNoCheckpoint,
  type Planned,
  sweep,
  type UpdateOptions,
} from "./updates/prepare.ts";
import { scheduleFactor } from "./schedule.ts";
import type { Session } from "./session.ts";
import { refuseBroken } from "./trouble/trouble.ts";
import { LocalUpdates } from "./updates/local.ts";
import { UpdateLog } from "./updates/log.ts";
import { SharedUpdates } from "./updates/shared.ts";
import { ownUpdates, type Updates } from "./updates/updates.ts";

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

/**
 * Trains. The GPU is awaited only to save, and when it is several steps behind.
 *
 * @throws {Trouble} where a number of an update is not finite; none is made after that.
 */
export async function trainLoop(session: Session, options: LoopOptions): Promise<LoopResult> {
  const updates = updatesOf(session);
  try {
    return await makeUpdates(session, options, updates);
  } finally {
    await updates.close();
  }
}

function updatesOf(session: Session): Updates {
  const { sharing } = session;
  if (!sharing) return ownUpdates(session);
  const { local } = sharing;
  return local === null
    ? new SharedUpdates(session, sharing)
    : new LocalUpdates(session, { ...sharing, local });
}

async function makeUpdates(
  session: Session,
  options: LoopOptions,
  updates: Updates,
): Promise<LoopResult> {
  const { engine: { device, store }, config: { train }, parts, steps, sharing } = session;
  const hooks = parts.flatMap(({ hook }) => hook ?? []);
  const log = new UpdateLog(session, options);
  const save = async (step: number) => {
    log.take(await updates.drain()); // a sync point; trouble throws before it is saved
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
    const before = () => beforeUpdate(session, step, { updates, log, options });
    const planned = await orStopped(before).catch(async (fault) => {
      // A reward that fails, say: what was learnt is whole, and nothing of the update has been made.
      if (fault instanceof FileError && step > options.start && !sharing) await save(step);
      throw fault;
    });
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
    const age = Math.min(step + 1, ...hooks.map((hook) => hook.age(step)));
    await updates.make({ step, replays, rate, age });
    log.take(updates.arrived());
    step++;

    stopped = updates.isEnding((options.stop?.aborted ?? false) || isStopWanted());
    const isDue = train.checkpoint_every > 0 && step % train.checkpoint_every === 0;
    if (stopped || isDue) await save(step);
  }
  log.take(await updates.drain()); // a sync point
  await log.settled();
  const [last] = replays;
  if (last && !stopped) {
    const draw = (step - 1) * session.replaysPerUpdate;
    await refuseBroken(device, last.replay, { step, draw });
  }
  if (!stopped && hasNoCheckpoint(session, options)) sweep(session);
  return { step, stopped };
}
