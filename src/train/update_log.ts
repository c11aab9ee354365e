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
  /** The learning rate. */
  readonly rate: number;
  /** The weight of each slice of the guard. */
  readonly lambdas: readonly number[];
  readonly batch: Batch;
  /** Whether its rows are the guard's. */
  readonly isGuard: boolean;
  /** Where the gradient norm lies among the numbers: in the last of an update. */
  readonly normAt: number | null;
}

type Fields = Record<string, number>;

/** Adds up an update's micro-batches and reports it, in order, once what was measured is there. */
export class UpdateLog {
  readonly #session: Session;
  readonly #report: (metrics: Metrics) => void;
  readonly #measured = new Map<number, { readonly done: Promise<void>; fields: Fields | null }>();
  readonly #finished: Metrics[] = [];
  #latest: Fields;
  #fault: unknown = null;
  #task = 0;
  /** The guard's weighted losses by slice. */
  #guard: number[];
  #tokens = 0;
  #supervised = 0;
  /** When recent updates came back, with their tokens: several come at once, so one tells little. */
  #recent: { at: number; tokens: number }[] = [{ at: performance.now(), tokens: 0 }];

  constructor(session: Session, report: (metrics: Metrics) => void) {
    this.#session = session;
    this.#report = report;
    const guard = session.guarding?.guard;
    this.#guard = guard?.slices.map(() => 0) ?? [];
    this.#latest = guard?.before ? guard.fields(guard.before) : {};
  }

  /** Fields that are on their way and go with the update of that step. */
  measured(step: number, parts: readonly Promise<Fields>[]): void {
    const waiting: { done: Promise<void>; fields: Fields | null } = {
      done: Promise.all(parts).then((found) => {
        waiting.fields = Object.assign({}, ...found);
        this.#flush();
      }).catch((fault) => void (this.#fault ??= fault)),
      fields: null,
    };
    this.#measured.set(step, waiting);
  }

  /** @throws {GpuError} where a loss is no number. */
  take(arrivals: readonly Arrival<MicroTag>[]): void {
    for (const { tag, values } of arrivals) {
      this.#add(tag, values);
      if (tag.normAt !== null) this.#finish(tag, values[tag.normAt]!);
    }
    if (this.#fault) throw this.#fault;
  }

  /** Waits for what was measured, so that every finished update has been reported. */
  async settled(): Promise<void> {
    await Promise.all([...this.#measured.values()].map(({ done }) => done));
    if (this.#fault) throw this.#fault;
  }

  #add({ batch, isGuard }: MicroTag, losses: Float32Array): void {
    if (isGuard) this.#session.guarding!.guard.addLosses(batch, losses, this.#guard);
    else for (let row = 0; row < batch.supervised; row++) this.#task += losses[row]!;
    this.#tokens += batch.used;
    this.#supervised += isGuard ? 0 : batch.supervised;
  }

  #finish({ step, rate, lambdas }: MicroTag, squares: number): void {
    const { guarding } = this.#session;
    const guardLosses = lambdas.map((lambda, i) => this.#guard[i]! / lambda);
    if (!Number.isFinite(this.#task + this.#guard.reduce((sum, loss) => sum + loss, 0))) {
      throw new GpuError(`The loss of step ${step} is ${this.#task}; lower train.lr`);
    }
    guarding?.guard.observed(step, { losses: guardLosses });
    this.#recent = [...this.#recent, { at: performance.now(), tokens: this.#tokens }].slice(
      -RECENT,
    );
    this.#finished.push({
      step,
      loss: this.#task,
      ...guarding?.guard.named("guard_loss", guardLosses),
      ...guarding?.guard.named("lambda", lambdas),
      tokens: this.#tokens,
      supervised: this.#supervised,
      lr: rate,
      grad_norm: Math.sqrt(squares),
      tokens_per_second: this.#speed(),
    });
    this.#task = this.#tokens = this.#supervised = 0;
    this.#guard.fill(0);
    this.#flush();
  }

  /** Reports finished updates up to the first that waits for what was measured before it. */
  #flush(): void {
    const { config: { train: { log_every: every } }, steps } = this.#session;
    while (this.#finished.length > 0) {
      const metrics = this.#finished[0]!;
      const measured = this.#measured.get(metrics.step);
      if (measured?.fields === null) return;
      this.#measured.delete(metrics.step);
      this.#latest = { ...this.#latest, ...measured?.fields };
      this.#finished.shift();
      const isLogged = metrics.step % every === 0 || metrics.step === steps - 1;
      if (isLogged) this.#report({ ...metrics, ...this.#latest });
    }
  }

  #speed(): number {
    const [first, ...later] = this.#recent;
    const tokens = later.reduce((sum, update) => sum + update.tokens, 0);
    return tokens / ((performance.now() - first!.at) / 1000);
  }
}
