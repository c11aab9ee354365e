/**
 * The guard of a run: what it adds to an update, what it measures, and how it steers.
 *
 * @module
 */
import type { Batch } from "../../data/mod.ts";
import type { Queued } from "../../eval/documents.ts";
import { queuePerplexity } from "../../eval/perplexity.ts";
import { clear } from "../../gpu/buffer.ts";
import { Archive, type Entry } from "./archive.ts";
import { Controller } from "./controller.ts";
import type { Shift } from "../gauge.ts";
import type {
  GuardParts,
  GuardProgram,
  GuardSettings,
  GuardState,
  Observation,
  TracePoint,
} from "./parts.ts";
import type { Slice } from "../text/retention.ts";
import type { GuardUpdate } from "../text/rows.ts";
import { putSnapshot, takeSnapshot } from "../ship/strength.ts";

/** What the steering knows comes this many updates late, always: so runs repeat, and never wait. */
export const LAG = 4;

/** Extra measurements while the controller has seen little. */
const EARLY = [5, 10];

/** Steers a run. All it does is a function of the updates so far, not of when numbers arrive. */
export class Guard {
  readonly #parts: GuardParts;
  readonly #settings: GuardSettings;
  readonly #controllers: readonly Controller[];
  readonly #pending: Map<number, Observation>;
  readonly #measuring: Map<number, Promise<Entry>>;
  readonly #trace: TracePoint[];
  readonly archive: Archive;
  /** The last measurement before a run goes on from a checkpoint. */
  readonly before: Entry | undefined;
  #rollbacks: number;
  /** The update that the optimizer's moments begin with. */
  #fresh: number;

  constructor(parts: GuardParts, settings: GuardSettings, state?: GuardState) {
    this.#parts = parts;
    this.#settings = settings;
    this.#controllers = parts.slices.map(({ budget }, i) =>
      new Controller(
        budget.epsilon,
        settings.controller,
        settings.every,
        state?.controllers[i],
      )
    );
    this.archive = new Archive(parts.folder, this.epsilons, state?.entries);
    this.#trace = [...state?.trace ?? []];
    this.#pending = new Map(state?.pending);
    this.#measuring = new Map(state?.measured.map((entry) => [entry.step, Promise.resolve(entry)]));
    this.before = state?.measured.at(-1) ?? state?.trace.at(-1);
    this.#rollbacks = state?.rollbacks ?? 0;
    this.#fresh = state?.fresh ?? 0;
  }

  get slices(): readonly Slice[] {
    return this.#parts.slices;
  }

  /** The budget of each slice, in nats a token. */
  get epsilons(): number[] {
    return this.slices.map(({ budget }) => budget.epsilon);
  }

  get program(): GuardProgram {
    return this.#parts.program;
  }

  get trace(): readonly TracePoint[] {
    return this.#trace;
  }

  /** What the learning rate is multiplied by: half after each roll-back. */
  get rate(): number {
    return 0.5 ** this.#rollbacks;
  }

  /** How often the run went back. */
  get rollbacks(): number {
    return this.#rollbacks;
  }

  /** The number of an update for the optimizer, counted from 1 since its moments were fresh. */
  age(step: number): number {
    return step + 1 - this.#fresh;
  }

  /** The guard's part of an update of that many task tokens, and the weight of each slice in it. */
  micros(step: number, taskTokens: number): GuardUpdate {
    const { weight } = this.#settings;
    return this.#parts.rows.update(step, (tokens) => {
      if (weight === null) return this.#controllers.map(({ lambda }) => lambda);
      return tokens.map((count) => weight === "tokens" ? count / taskTokens : weight);
    });
  }

  /** Adds the weighted losses of a micro-batch to the sums of their slices. */
  addLosses(batch: Batch, losses: Float32Array, sums: number[]): void {
    this.#parts.rows.addLosses(batch, losses, sums);
  }

  /** Whether the model is to be measured before that update. */
  isDue(step: number): boolean {
    const { every, weight } = this.#settings;
    return step % every === 0 || (weight === null && EARLY.includes(step));
  }

  /** Submits a measurement of the model as it is before that update. */
  async measure(step: number): Promise<Queued<Entry>> {
    const { store, control, task, tuned } = this.#parts;
    const snapshot = takeSnapshot(store);
    const shifts = (await control.queue()).result;
    const onTask = (await queuePerplexity(tuned, task)).result;
    const result = (async () => {
      const [params, found, { nll }] = await Promise.all([snapshot, shifts, onTask]);
      this.archive.write(step, params);
      return { step, task: nll, shifts: found.map(inShort) };
    })();
    result.catch(() => {}); // as in queueDocuments()
    this.#measuring.set(step, result);
    return { result };
  }

  /** The fields of the metrics that a measurement fills, in the units of the budgets. */
  fields({ shifts, task }: Entry): Record<string, number> {
    const rises = shifts.map(({ mean }, i) =>
      this.slices[i]!.budget.metric === "ppl" ? Math.expm1(mean) : mean
    );
    return {
      ...this.named("forgetting", rises),
      ...this.named("retention_perplexity", shifts.map(({ nll }) => Math.exp(nll))),
      task_loss: task,
    };
  }

  /**
   * Numbers of each slice as fields: `lambda` of the only slice, `lambda.code` among several; or one
   * number of all slices together.
   */
  named(field: string, values: readonly number[]): Record<string, number> {
    const name = (i: number) => values.length > 1 ? `${field}.${this.slices[i]!.name}` : field;
    return Object.fromEntries(
      values.flatMap((value, i) => Number.isFinite(value) ? [[name(i), value]] : []),
    );
  }

  /** Takes what an update's guard rows came to, whenever it arrives. */
  observed(step: number, observation: Observation): void {
    this.#pending.set(step, observation);
  }

  /** Whether everything is known that {@link steer} uses before that update. */
  isReady(step: number): boolean {
    return step < LAG || this.#pending.has(step - LAG) || step - LAG < this.#fresh;
  }

  /**
   * Steers by the update and the measurement of {@link LAG} updates ago.
   *
   * @returns what to say, where the run went back.
   */
  async steer(step: number): Promise<string | null> {
    const seen = step - LAG;
    const observation = this.#pending.get(seen);
    this.#pending.delete(seen);
    if (observation && seen >= this.#fresh) {
      for (const [i, controller] of this.#controllers.entries()) {
        const loss = observation.losses[i]!;
        if (Number.isFinite(loss)) controller.observe(loss, this.#settings.toFall(seen));
      }
    }
    const measuring = this.#measuring.get(seen);
    if (!measuring) return null;
    this.#measuring.delete(seen);
    const entry = await measuring;
    if (seen < this.#fresh) return null; // of a model that is gone
    this.#add(entry);
    for (const [i, controller] of this.#controllers.entries()) {
      controller.correct(entry.shifts[i]!.mean);
    }
    return this.#isOver(entry, step) ? this.#goBack(entry, step) : null;
  }

  /** Measures the model at the end of the run. A sync point. */
  async finish(step: number): Promise<void> {
    const waiting = [...this.#measuring.keys()].filter((seen) => seen >= this.#fresh);
    for (const seen of waiting.sort((a, b) => a - b)) this.#add(await this.#measuring.get(seen)!);
    this.#measuring.clear();
    if (this.#trace.at(-1)?.step !== step) this.#add(await (await this.measure(step)).result);
    this.#measuring.clear();
  }

  /** For a checkpoint. A sync point where a measurement is under way. */
  async state(): Promise<GuardState> {
    return {
      controllers: this.#controllers.map(({ state }) => state),
      entries: this.archive.entries,
      trace: this.#trace,
      pending: [...this.#pending],
      measured: await Promise.all(this.#measuring.values()),
      rollbacks: this.#rollbacks,
      fresh: this.#fresh,
    };
  }

  /** Removes what a checkpoint that holds {@link state} no longer needs. */
  sweep(): void {
    this.archive.sweep(this.#measuring.keys());
  }

  #add(entry: Entry): void {
    this.archive.add(entry);
    const steers = this.#settings.weight === null;
    const lambdas = steers ? this.#controllers.map(({ lambda }) => lambda) : [];
    this.#trace.push({ ...entry, lambdas });
  }

  /** Only in the second half: before it the controller finds its weight, and the rate is high. */
  #isOver({ shifts }: Entry, step: number): boolean {
    const { wall: { at, most }, steps, weight } = this.#settings;
    if (at === 0 || weight !== null || step < steps / 2 || this.#rollbacks >= most) return false;
    return shifts.some(({ mean, se }, i) => mean - 1.64 * se > at * this.epsilons[i]!);
  }

  #goBack({ step: measured }: Entry, step: number): string | null {
    const target = this.archive.lastFeasible;
    if (!target) return null;
    const { store } = this.#parts;
    putSnapshot(store, this.archive.read(target.step));
    for (const moment of ["m", "v"] as const) clear(store.device, store.flat(moment));
    this.#rollbacks++;
    this.#fresh = step;
    for (const [i, controller] of this.#controllers.entries()) {
      controller.restart(target.shifts[i]!.mean);
    }
    return `forgetting at step ${measured} was far beyond the budget: back to step ` +
      `${target.step}, with half the learning rate and twice the guard's weight`;
  }
}

const inShort = ({ mean, se, nll }: Shift) => ({ mean, se, nll });
