/**
 * Losses that come back from the GPU some steps late, put together update by update.
 *
 * @module
 */
import type { Batch } from "../data/mod.ts";
import { GpuError } from "../errors.ts";
import type { Arrival } from "../gpu/buffer.ts";
import type { Metrics } from "./metrics.ts";
import type { Session } from "./setup.ts";

/** Updates that the speed is averaged over. */
const RECENT = 32;

/** What a micro-batch's losses are known by. */
export interface MicroTag {
  readonly step: number;
  readonly rate: number;
  readonly micro: Batch;
  /** The last of its update, which brings the gradient norm. */
  readonly last: boolean;
}

/** Adds up an update's micro-batches and reports it. */
export class UpdateLog {
  readonly #session: Session;
  readonly #report: (metrics: Metrics) => void;
  readonly #measured = new Map<number, Record<string, number>>();
  #latest: Record<string, number> = {};
  #task = 0;
  #retention = 0;
  #tokens = 0;
  #supervised = 0;
  /** When recent updates came back, with their tokens: several come at once, so one tells little. */
  #recent: { at: number; tokens: number }[] = [{ at: performance.now(), tokens: 0 }];

  constructor(session: Session, report: (metrics: Metrics) => void) {
    this.#session = session;
    this.#report = report;
  }

  /** Fields to go with the update of that step; measuring does not count as training time. */
  measured(step: number, fields: Record<string, number>): void {
    this.#measured.set(step, fields);
    this.#recent = [{ at: performance.now(), tokens: 0 }];
  }

  /** @throws {GpuError} where a loss is no number. */
  take(arrivals: readonly Arrival<MicroTag>[]): void {
    for (const { tag, values } of arrivals) {
      this.#add(tag.micro, values);
      if (tag.last) this.#finish(tag, values.at(-1)!);
    }
  }

  #add(micro: Batch, losses: Float32Array): void {
    for (const { example, rowBegin, rowEnd } of micro.documents) {
      let sum = 0;
      for (let row = rowBegin; row < rowEnd; row++) sum += losses[row]!;
      if (this.#session.stream.isRetention(example)) this.#retention += sum;
      else this.#task += sum;
    }
    this.#tokens += micro.used;
    this.#supervised += micro.supervised;
  }

  #finish({ step, rate }: MicroTag, squares: number): void {
    const { guard, train } = this.#session.config;
    if (!Number.isFinite(this.#task + this.#retention)) {
      throw new GpuError(`The loss of step ${step} is ${this.#task}; lower train.lr`);
    }
    this.#latest = { ...this.#latest, ...this.#measured.get(step) };
    this.#recent = [...this.#recent, { at: performance.now(), tokens: this.#tokens }].slice(
      -RECENT,
    );
    if (step % train.log_every === 0 || step === this.#session.steps - 1) {
      this.#report({
        step,
        loss: this.#task,
        ...(guard && this.#retention > 0 ? { retention_loss: this.#retention / guard.weight } : {}),
        tokens: this.#tokens,
        supervised: this.#supervised,
        lr: rate,
        grad_norm: Math.sqrt(squares),
        tokens_per_second: this.#speed(),
        ...this.#latest,
      });
    }
    this.#measured.delete(step);
    this.#task =
      this.#retention =
      this.#tokens =
      this.#supervised =
        0;
  }
  #speed(): number {
    const [first, ...later] = this.#recent;
    const tokens = later.reduce((sum, update) => sum + update.tokens, 0);
    return tokens / ((performance.now() - first!.at) / 1000);
  }
}
