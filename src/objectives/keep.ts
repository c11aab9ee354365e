/**
 * Which moment of a run is kept, by a metric that it measures, and whether it ends early.
 *
 * @module
 */
import { join } from "node:path";
import { FileError } from "../errors.ts";
import { read, upload } from "../gpu/buffer.ts";
import type { Store } from "../graph/store.ts";
import { makeFolder, namesIn, remove } from "../io/folders.ts";
import { openSafetensors, writeSafetensors } from "../io/safetensors/safetensors.ts";
import type {
  EndContext,
  Ending,
  Fields,
  Hook,
  Metric,
  Part,
  SideContext,
  SideMethod,
} from "./objective.ts";
import { metricOf } from "./measured.ts";
import type { KeepConfig } from "./settings.ts";

/** What was measured is acted upon this many updates later, always: so runs repeat. */
const LAG = 4;

/** Checkpoints whose best moments stay on the disk, the last one and those before it. */
const GENERATIONS = 4;

const NAME = /^best-(\d+)\.safetensors$/;

/** A moment of a run. */
interface Moment {
  /** Updates done by then. */
  readonly step: number;
  /** All that was measured. */
  readonly fields: Fields;
}

/** What a checkpoint keeps. */
interface KeepState {
  readonly best: Moment | null;
  /** Measurements so far, and those since the best. */
  readonly measured: number;
  readonly since: number;
  readonly pending: readonly Moment[];
}

type Params = Uint8Array<ArrayBuffer>;

/**
 * Keeps the best moment by `settings.metric`, and ends a run that has not become better for so many
 * measurements as `settings.patience` says.
 */
export const keeping = (settings: KeepConfig): SideMethod => ({
  plan: ({ engine: { store } }) => {
    const open = (run: SideContext) =>
      Promise.resolve(new Keeper(settings, store, run, metricOf(settings.metric, run.metrics)));
    const prepare = () => Promise.resolve({ compares: true, open });
    return Promise.resolve({ count: 0, memory: {}, measures: false, prepare });
  },
});

/** All it does is a function of the updates so far, not of when numbers arrive. */
class Keeper implements Part, Hook {
  readonly name = "keep";
  readonly lag = LAG;
  readonly rate = 1;
  readonly #pending = new Map<
    number,
    { values: Promise<Fields>; params: Promise<Params> | null }
  >();
  /** What the best moments of the last checkpoints were. */
  readonly #generations: number[][] = [];
  #best: Moment | null = null;
  #measured = 0;
  #since = 0;
  readonly end?: (context: EndContext) => Promise<Ending>;

  constructor(
    private readonly settings: KeepConfig,
    private readonly store: Store,
    private readonly run: SideContext,
    private readonly metric: Metric,
  ) {
    if (settings.keep === "best") this.end = (context) => this.#end(context);
  }

  get hook(): Hook {
    return this;
  }

  get isOver(): boolean {
    const { patience = Infinity } = this.settings;
    return this.#since >= patience;
  }

  isReady(): boolean {
    return true;
  }

  hear(step: number, values: Promise<Fields>): void {
    values.catch(() => {}); // whoever logs it says so
    const params = this.settings.keep === "best" ? this.#params() : null;
    this.#pending.set(step, { values, params });
  }

  async before(step: number): Promise<string | null> {
    for (const seen of [...this.#pending.keys()].filter((seen) => seen <= step - LAG)) {
      await this.#take(seen);
      if (this.isOver) return this.#overWords();
    }
    return null;
  }

  age(step: number): number {
    return step + 1;
  }

  async state(): Promise<KeepState> {
    const pending: Moment[] = [];
    for (const [step, { values, params }] of this.#pending) {
      pending.push({ step, fields: await values });
      if (params) this.#write(step, await params);
    }
    return { best: this.#best, measured: this.#measured, since: this.#since, pending };
  }

  restore(state: unknown): void {
    const { folder } = this.run;
    if (!state) throw new FileError(`Cannot resume: ${folder} holds nothing of what is kept`);
    const { best, measured, since, pending } = state as KeepState;
    [this.#best, this.#measured, this.#since] = [best, measured, since];
    this.#pending.clear();
    for (const { step, fields } of pending) {
      const params = this.settings.keep === "best" ? Promise.resolve(this.#read(step)) : null;
      this.#pending.set(step, { values: Promise.resolve(fields), params });
    }
  }

  /** A checkpoint of before may be gone back to: what it holds stays. */
  sweep(): void {
    const { folder } = this.run;
    const held = [...this.#pending.keys(), ...(this.#best ? [this.#best.step] : [])];
    this.#generations.push(held);
    if (this.#generations.length <= GENERATIONS) return;
    this.#generations.shift();
    const stay = new Set(this.#generations.flat());
    for (const name of namesIn(folder)) {
      const step = NAME.exec(name)?.[1];
      if (step !== undefined && !stay.has(Number(step))) remove(join(folder, name));
    }
  }

  close(): void {}

  /** Judges what was measured of a moment. */
  async #take(step: number): Promise<void> {
    const { values, params } = this.#pending.get(step)!;
    const fields = await values;
    const value = fields[this.metric.field];
    if (value === undefined) return void this.#pending.delete(step); // others were measured
    this.#measured++;
    if (this.#isBetter(value)) {
      if (params) this.#write(step, await params);
      this.#best = { step, fields };
      this.#since = 0;
    } else this.#since++;
    this.#pending.delete(step);
  }

  #isBetter(value: number): boolean {
    if (Number.isNaN(value)) return false;
    if (this.#best === null) return true;
    const gain = value - this.#best.fields[this.metric.field]!;
    return (this.metric.better === "higher" ? gain : -gain) > this.settings.min_delta;
  }

  /** Measures the last moment too, and saves the best. */
  async #end(context: EndContext): Promise<Ending> {
    const [best, measured, since] = [this.#best, this.#measured, this.#since];
    const pending = [...this.#pending];
    try {
      return await this.#keepBest(context);
    } catch (fault) { // where it was stopped, it is done again
      [this.#best, this.#measured, this.#since] = [best, measured, since];
      for (const [seen, moment] of pending) this.#pending.set(seen, moment);
      this.#pending.delete(context.step);
      throw fault;
    }
  }

  async #keepBest({ step, measure, save, log }: EndContext): Promise<Ending> {
    for (const seen of [...this.#pending.keys()]) await this.#take(seen);
    const last = await measure();
    this.#pending.set(step, { values: Promise.resolve(last), params: this.#params() });
    await this.#take(step);
    const { step: best, fields } = this.#best ?? { step, fields: last };
    if (best !== step) upload(this.store.device, this.store.flat("params"), this.#read(best));
    const { field, better } = this.metric;
    const extreme = better === "lower" ? "least" : "greatest";
    log(
      `kept what ${best} of ${step} updates made: its ${field} of ${shown(fields[field])} is the ` +
        `${extreme} of ${this.#measured} measurements` +
        (best === step ? "" : `, ${shown(last[field])} at the end`),
    );
    await save();
    return { measured: fields, report: null };
  }

  #overWords(): string {
    const { step, fields } = this.#best ?? { step: 0, fields: {} };
    const { metric: { field }, settings: { min_delta: least } } = this;
    const by = least > 0 ? ` by more than ${least}` : "";
    return `train.patience: ${field} has not become better than ${shown(fields[field])} of step ` +
      `${step}${by} in ${this.#since} measurements; this update is the last`;
  }

  #params(): Promise<Params> {
    return read(this.store.device, this.store.flat("params"));
  }

  #write(step: number, params: Params): void {
    makeFolder(this.run.folder);
    const shape = [params.length / 4];
    writeSafetensors(this.#path(step), [{ name: "params", dtype: "F32", shape, data: params }]);
  }

  #read(step: number): Params {
    using file = openSafetensors(this.#path(step));
    return new Uint8Array(file.read("params"));
  }

  #path(step: number): string {
    return join(this.run.folder, `best-${String(step).padStart(8, "0")}.safetensors`);
  }
}

const shown = (value: number | undefined): string => value?.toFixed(4) ?? "unknown";
