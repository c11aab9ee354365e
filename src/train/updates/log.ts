/**
 * Losses that come back from the GPU some steps late, put together update by update.
 *
 * @module
 */
import type { Arrival } from "../../gpu/ring.ts";
import type { Fields, Objective, Observed } from "../../objectives/objective.ts";
import type { Metrics } from "../../runs/events.ts";
import type { LoopOptions } from "../loop.ts";
import type { Session } from "../session.ts";
import { Trouble } from "../trouble/trouble.ts";
import { Watch } from "../trouble/watch.ts";

/** Updates that the speed is averaged over. */
const RECENT = 32;

/** Updates that trouble tells of. */
const TOLD = 20;

/** What a replay's losses are known by. */
export interface ReplayTag {
  readonly step: number;
  /** The learning rate. */
  readonly rate: number;
  readonly objective: Objective;
  readonly tokens: number;
  /** Where the squared norm of the gradient lies among the numbers: in the last of an update. */
  readonly normAt: number | null;
  /** What else is known of its update. */
  readonly fields?: Fields;
}

/** What is measured before an update, until all of it is there. */
interface Measuring {
  readonly waiting: Promise<void>[];
  readonly fields: Fields[];
}

/** Adds up an update's replays and reports it, in order, once what was measured is there. */
export class UpdateLog {
  readonly #session: Session;
  readonly #listeners: Pick<LoopOptions, "onUpdate" | "onMeasure" | "log">;
  readonly #measuring = new Map<number, Measuring>();
  readonly #finished: Metrics[] = [];
  #latest: Fields;
  #fault: unknown = null;
  /** Losses of the update under way, by objective. */
  #losses = new Map<Objective, Float32Array[]>();
  #tokens = 0;
  #last: readonly Metrics[] = [];
  readonly #watch: Watch;
  /** When recent updates came back, with their tokens: several come at once, so one tells little. */
  #recent: { at: number; tokens: number }[] = [{ at: performance.now(), tokens: 0 }];

  constructor(session: Session, listeners: Pick<LoopOptions, "onUpdate" | "onMeasure" | "log">) {
    this.#session = session;
    this.#listeners = listeners;
    this.#watch = new Watch(Math.log(session.model.config.vocabSize));
    const meters = session.parts.flatMap(({ meters }) => meters ?? []);
    this.#latest = Object.assign({}, ...meters.map(({ known }) => known));
  }

  /** Fields that are on their way and go with the update of that step. */
  measured(step: number, part: Promise<Fields>): void {
    const measuring = this.#measuring.getOrInsertComputed(
      step,
      () => ({ waiting: [], fields: [] }),
    );
    const done = part.then((fields) => {
      measuring.fields.push(fields);
      this.#flush();
    });
    measuring.waiting.push(done.catch((fault) => void (this.#fault ??= fault)));
  }

  /** @throws {Trouble} where a loss or the norm of the gradient is no finite number. */
  take(arrivals: readonly Arrival<ReplayTag>[]): void {
    for (const { tag, values } of arrivals) {
      this.#losses.getOrInsertComputed(tag.objective, () => []).push(values);
      this.#tokens += tag.tokens;
      if (tag.normAt !== null) this.#finish(tag, values[tag.normAt]!);
    }
    if (this.#fault) throw this.#fault;
  }

  /** Waits for what was measured, so that every finished update has been reported. */
  async settled(): Promise<void> {
    await Promise.all([...this.#measuring.values()].flatMap(({ waiting }) => waiting));
    if (this.#fault) throw this.#fault;
  }

  #finish({ step, rate, fields: known }: ReplayTag, squares: number): void {
    const observed = this.#session.parts.flatMap(({ objective }): Observed[] =>
      objective ? [objective.observe(step, this.#losses.get(objective) ?? [])] : []
    );
    this.#losses = new Map();
    const minimised = observed.reduce((sum, { minimised }) => sum + minimised, 0);
    if (!Number.isFinite(minimised)) {
      throw new Trouble(step, "loss", minimised, this.#last);
    }
    if (!Number.isFinite(squares)) {
      throw new Trouble(step, "gradient norm", Math.sqrt(squares), this.#last);
    }
    this.#recent = [...this.#recent, { at: performance.now(), tokens: this.#tokens }].slice(
      -RECENT,
    );
    const fields: Fields = Object.assign({}, ...observed.map(({ fields }) => fields));
    const metrics: Metrics = {
      step,
      loss: fields["loss"]!,
      ...fields,
      tokens: this.#tokens,
      lr: rate,
      grad_norm: Math.sqrt(squares),
      tokens_per_second: this.#speed(),
      ...known,
    };
    this.#finished.push(metrics);
    const odd = this.#watch.look(metrics);
    if (odd !== null) this.#listeners.log?.(odd);
    this.#last = [...this.#last, metrics].slice(-TOLD);
    this.#tokens = 0;
    this.#flush();
  }

  /** Reports finished updates up to the first that waits for what was measured before it. */
  #flush(): void {
    const { config: { train: { log_every: every } }, steps } = this.#session;
    while (this.#finished.length > 0) {
      const metrics = this.#finished[0]!;
      const measuring = this.#measuring.get(metrics.step);
      if (measuring && measuring.fields.length < measuring.waiting.length) return;
      this.#measuring.delete(metrics.step);
      this.#finished.shift();
      if (measuring) {
        const values: Fields = Object.assign({}, ...measuring.fields);
        this.#latest = { ...this.#latest, ...values };
        this.#listeners.onMeasure?.(metrics.step, values);
      }
      const isLogged = metrics.step % every === 0 || metrics.step === steps - 1;
      if (isLogged) this.#listeners.onUpdate?.({ ...metrics, ...this.#latest });
    }
  }

  #speed(): number {
    const [first, ...later] = this.#recent;
    const tokens = later.reduce((sum, update) => sum + update.tokens, 0);
    return tokens / ((performance.now() - first!.at) / 1000);
  }
}

/** How long updates have taken. */
export class Clock {
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
