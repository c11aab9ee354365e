/**
 * The guard of a run: what it adds to an update, what it measures, and how it is controlled.
 *
 * @module
 */
import type { Queued } from "../../eval/documents.ts";
import { clear } from "../../gpu/buffer.ts";
import type {
  Fields,
  Hook,
  Meter,
  Objective,
  Observed,
  Replay,
} from "../../objectives/objective.ts";
import { type Entry, Snapshots } from "./snapshots.ts";
import { Controller } from "./controller.ts";
import type { Shift } from "../measure.ts";
import type { GuardParts, GuardSettings, GuardState, HistoryPoint, Observation } from "./parts.ts";
import type { Domain } from "../text/retention.ts";
import { putSnapshot, takeSnapshot } from "../select/strength.ts";

/** What the controller knows comes this many updates late, always: so runs repeat, and never wait. */
export const LAG = 4;

/** Extra measurements while the controller has seen little. */
const EARLY = [5, 10];

/** Controls a run. All it does is a function of the updates so far, not of when numbers arrive. */
export class Guard implements Objective, Hook, Meter {
  readonly lag = LAG;
  readonly #parts: GuardParts;
  readonly #settings: GuardSettings;
  readonly #controllers: readonly Controller[];
  readonly #pending: Map<number, Observation>;
  readonly #measuring: Map<number, Promise<Entry>>;
  readonly #history: HistoryPoint[];
  /** The weight of each domain in the updates under way. */
  readonly #lambdas = new Map<number, readonly number[]>();
  readonly snapshots: Snapshots;
  /** The last measurement before a run goes on from a checkpoint. */
  readonly #last: Entry | undefined;
  #rollbacks: number;
  /** The update that the optimizer's moments begin with. */
  #fresh: number;
  /** The last update that {@link before} has acted before, so that it acts once. */
  #acted: number;

  constructor(parts: GuardParts, settings: GuardSettings, state?: GuardState) {
    this.#parts = parts;
    this.#settings = settings;
    this.#controllers = parts.domains.map(({ budget }, i) =>
      new Controller(
        budget.epsilon,
        settings.controller,
        settings.every,
        state?.controllers[i],
      )
    );
    const better = parts.metric?.better ?? null;
    this.snapshots = new Snapshots(parts.folder, this.epsilons, state?.entries, better);
    this.#history = [...state?.history ?? []];
    this.#pending = new Map(state?.pending);
    this.#measuring = new Map(state?.measured.map((entry) => [entry.step, Promise.resolve(entry)]));
    this.#last = state?.measured.at(-1) ?? state?.history.at(-1);
    this.#rollbacks = state?.rollbacks ?? 0;
    this.#fresh = state?.fresh ?? 0;
    this.#acted = state?.acted ?? -1;
  }

  get domains(): readonly Domain[] {
    return this.#parts.domains;
  }

  /** The budget of each domain, in nats a token. */
  get epsilons(): number[] {
    return this.domains.map(({ budget }) => budget.epsilon);
  }

  get count(): number {
    return this.#parts.count;
  }

  get capacity(): number {
    return this.#parts.term?.capacity ?? 0;
  }

  get known(): Fields {
    return this.#last ? this.fields(this.#last) : {};
  }

  get history(): readonly HistoryPoint[] {
    return this.#history;
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

  async plan(
    step: number,
    { supervised }: { readonly supervised: number },
  ): Promise<readonly Replay[]> {
    const { weight } = this.#settings;
    const planned = await this.#parts.term?.plan(step, (tokens) => {
      if (weight === null) return this.#controllers.map(({ lambda }) => lambda);
      return tokens.map((count) => weight === "tokens" ? count / supervised : weight);
    });
    this.#lambdas.set(step, planned?.lambdas ?? []);
    return planned?.replays ?? [];
  }

  /** Takes what an update's retention rows came to, whenever it arrives. */
  observe(step: number, weighted: readonly Float32Array[]): Observed {
    const lambdas = this.#lambdas.get(step)!;
    this.#lambdas.delete(step);
    const sums = this.#parts.term?.sums(step, weighted) ?? [];
    const losses = sums.map((sum, i) => sum / lambdas[i]!);
    this.#pending.set(step, { losses });
    return {
      minimised: sums.reduce((total, sum) => total + sum, 0),
      fields: { ...this.named("guard_loss", losses), ...this.named("lambda", lambdas) },
    };
  }

  /** Whether the model is to be measured before that update. */
  isDue(step: number): boolean {
    const { every, weight } = this.#settings;
    return step % every === 0 || (weight === null && EARLY.includes(step));
  }

  /** Submits a measurement of the model as it is before that update. */
  async measure(step: number): Promise<Queued<Fields>> {
    const { result } = await this.#measure(step);
    return { result: result.then((entry) => this.fields(entry)) };
  }

  /** Takes what else is measured of a moment: the metric that moments are compared by. */
  hear(step: number, values: Promise<Fields>): void {
    const measuring = this.#measuring.get(step);
    if (measuring) this.#measuring.set(step, this.#valued(measuring, values));
  }

  async #valued(measuring: Promise<Entry>, values: Promise<Fields>): Promise<Entry> {
    const { [this.#parts.metric!.field]: value } = await values;
    return { ...await measuring, ...(value !== undefined && { value }) };
  }

  async #measure(step: number): Promise<Queued<Entry>> {
    const { store, control, task } = this.#parts;
    const snapshot = takeSnapshot(store);
    const shifts = (await control.queue()).result;
    const onTask = (await task.queue()).result;
    const result = (async () => {
      const [params, found, loss] = await Promise.all([snapshot, shifts, onTask]);
      this.snapshots.write(step, params);
      return { step, task: loss, shifts: found.map(inShort) };
    })();
    result.catch(() => {}); // as in queueDocuments()
    this.#measuring.set(step, result);
    return { result };
  }

  /** The fields of the metrics that a measurement fills, in the units of the budgets. */
  fields({ shifts, task }: Entry): Record<string, number> {
    const rises = shifts.map(({ mean }, i) =>
      this.domains[i]!.budget.metric === "ppl" ? Math.expm1(mean) : mean
    );
    return {
      ...this.named("forgetting", rises),
      ...this.named("retention_perplexity", shifts.map(({ nll }) => Math.exp(nll))),
      task_loss: task,
    };
  }

  /**
   * Numbers of each domain as fields: `lambda` of the only domain, `lambda.code` among several; or one
   * number of all domains together.
   */
  named(field: string, values: readonly number[]): Record<string, number> {
    const name = (i: number) => values.length > 1 ? `${field}.${this.domains[i]!.name}` : field;
    return Object.fromEntries(
      values.flatMap((value, i) => Number.isFinite(value) ? [[name(i), value]] : []),
    );
  }

  /** Whether everything is known that {@link before} uses before that update. */
  isReady(step: number): boolean {
    return step < LAG || step === this.#acted || this.#pending.has(step - LAG) ||
      step - LAG < this.#fresh;
  }

  /**
   * Corrects the weights by the update and the measurement of {@link LAG} updates ago.
   *
   * @returns what to say, where the run went back.
   */
  async before(step: number): Promise<string | null> {
    if (step === this.#acted) return null; // of a run that was stopped before this very update
    this.#acted = step;
    const seen = step - LAG;
    const observation = this.#pending.get(seen);
    this.#pending.delete(seen);
    if (observation && seen >= this.#fresh) {
      for (const [i, controller] of this.#controllers.entries()) {
        const loss = observation.losses[i]!;
        if (Number.isFinite(loss)) controller.observe(loss, this.#settings.remainingDecay(seen));
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
    if (this.#history.at(-1)?.step !== step) {
      const entry = await (await this.#measure(step)).result;
      const value = await this.#parts.metric?.measure();
      this.#add({ ...entry, ...(value !== undefined && { value }) });
    }
    this.#measuring.clear();
  }

  /** For a checkpoint. A sync point where a measurement is under way. */
  async state(): Promise<GuardState> {
    return {
      controllers: this.#controllers.map(({ state }) => state),
      entries: this.snapshots.entries,
      history: this.#history,
      pending: [...this.#pending],
      measured: await Promise.all(this.#measuring.values()),
      rollbacks: this.#rollbacks,
      fresh: this.#fresh,
      acted: this.#acted,
    };
  }

  /** Removes what a checkpoint that holds {@link state} no longer needs. */
  sweep(): void {
    this.snapshots.sweep(this.#measuring.keys());
  }

  #add(entry: Entry): void {
    this.snapshots.add(entry);
    const isControlled = this.#settings.weight === null;
    const lambdas = isControlled ? this.#controllers.map(({ lambda }) => lambda) : [];
    this.#history.push({ ...entry, lambdas });
  }

  /** Only in the second half: before it the controller finds its weight, and the rate is high. */
  #isOver({ shifts }: Entry, step: number): boolean {
    const { rollback: { at, most }, steps, weight } = this.#settings;
    if (at === 0 || weight !== null || step < steps / 2 || this.#rollbacks >= most) return false;
    return shifts.some(({ mean, se }, i) => mean - 1.64 * se > at * this.epsilons[i]!);
  }

  #goBack({ step: measured }: Entry, step: number): string | null {
    const target = this.snapshots.lastFeasible;
    if (!target) return null;
    const { store } = this.#parts;
    putSnapshot(store, this.snapshots.read(target.step));
    for (const { name } of store.moments) clear(store.device, store.flat(name));
    this.#rollbacks++;
    this.#fresh = step;
    for (const [i, controller] of this.#controllers.entries()) {
      controller.restart(target.shifts[i]!.mean);
    }
    return `forgetting at step ${measured} was far beyond the budget: back to step ` +
      `${target.step}, with half the learning rate and twice the guard's weight`;
  }
}

const inShort = ({ mean, se, net, nll }: Shift) => ({ mean, se, net, nll });
