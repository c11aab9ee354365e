/**
 * The training loop, in the order in which things happen.
 *
 * @module
 */
import type { Batch, Stream } from "../data/mod.ts";
import { Ring } from "../gpu/buffer.ts";
import { supervisedCapacity } from "../ops/mod.ts";
import { saveCheckpoint } from "./checkpoint.ts";
import type { Metrics } from "./metrics.ts";
import { scheduleFactor } from "./schedule.ts";
import type { Session } from "./setup.ts";
import { type MicroTag, UpdateLog } from "./update_log.ts";

export interface LoopOptions {
  /** Updates that were done before: the store holds what they left. */
  readonly start: number;
  /** The folder of checkpoints. */
  readonly checkpoints: string;
  /** Called for each logged update, some updates late. */
  readonly onUpdate: (metrics: Metrics, steps: number) => void;
  /** Asked after each update; true ends the run after a checkpoint. */
  readonly stopWanted: () => boolean;
}

/** How a run ended. */
export interface LoopResult {
  /** Updates done. */
  readonly step: number;
  readonly stopped: boolean;
}

/** Trains. The GPU is awaited only to measure, to save, and when it is several steps behind. */
export async function trainLoop(session: Session, options: LoopOptions): Promise<LoopResult> {
  const { engine: { device, store }, config: { train }, program, optimizer, stream } = session;
  const { microBatches, steps } = session;
  const losses = program.compiled.output("losses");
  const ring = new Ring<MicroTag>(device, supervisedCapacity(program.T) + 1, 8);
  const log = new UpdateLog(session, (metrics) => options.onUpdate(metrics, steps));

  let step = options.start;
  let stopped = false;
  for (; step < steps && !stopped; step++) {
    if (isDue(session, step, options.start)) {
      log.take(await ring.drain()); // a sync point
      log.measured(step, await measure(session));
    }

    const micros = Array.from(
      { length: microBatches },
      (_, i) => stream.micro(step * microBatches + i),
    );
    const weights = tokenWeights(stream, micros, session.config.guard);
    const rate = train.lr * scheduleFactor({ ...train, steps }, step);
    for (const [i, micro] of micros.entries()) {
      const last = i === microBatches - 1;
      const tag = { step, rate, micro, last };
      await ring.room(); // waits only while the GPU is several micro-batches behind
      program.feed(micro, weights[i]);
      program.run(last ? undefined : (encoder) => ring.load(encoder, [losses]));
      optimizer.accumulate(i === 0);
      if (last) {
        optimizer.step(rate, step + 1, (encoder) => ring.load(encoder, [losses, optimizer.norm]));
      }
      ring.send(tag);
    }
    log.take(ring.arrived());

    stopped = options.stopWanted();
    if (stopped || (train.checkpoint_every > 0 && (step + 1) % train.checkpoint_every === 0)) {
      log.take(await ring.drain()); // a sync point; a loss that is no number throws before it is saved
      await saveCheckpoint(store, options.checkpoints, step + 1);
    }
  }
  log.take(await ring.drain()); // a sync point
  ring.destroy();
  return { step, stopped };
}

/** Before training, when a run goes on, and as often as the config says. */
function isDue({ config, probe }: Session, step: number, start: number): boolean {
  const { guard, train: { eval_every: every } } = config;
  const guarded = probe !== null && guard !== false;
  return (guarded && (step === start || step % guard.every === 0)) ||
    (every > 0 && step % every === 0);
}

/** What the probes see now; fields of the metrics. A sync point. */
export async function measure({ probe, evaluate }: Session): Promise<Record<string, number>> {
  const found = await probe?.measure();
  return {
    ...(found ? { forgetting: found.forgetting, retention_perplexity: found.perplexity } : {}),
    ...(evaluate ? { eval_loss: await evaluate() } : {}),
  };
}

/**
 * What each supervised token of an update counts: 1 / task tokens, or guard weight / retention
 * tokens. Normalised over the whole update, so that packing and micro-batches change nothing, and
 * apart, so that one kind's length does not weigh on the other.
 */
export function tokenWeights(
  stream: Stream,
  micros: readonly Batch[],
  guard: false | { readonly weight: number },
): Float32Array[] {
  const rowsOf = (micro: Batch) =>
    micro.documents.flatMap(({ example, rowBegin, rowEnd }) =>
      Array<boolean>(rowEnd - rowBegin).fill(stream.isRetention(example))
    );
  const kinds = micros.map(rowsOf);
  const retention = kinds.flat().filter((isRetention) => isRetention).length;
  const task = kinds.flat().length - retention;
  return kinds.map((rows) =>
    Float32Array.from(rows, (isRetention) => {
      if (isRetention) return (guard ? guard.weight : 1) / retention;
      return 1 / task;
    })
  );
}
