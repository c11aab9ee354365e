/**
 * The snapshots: what the adapter was at each measurement, for as long as it may be chosen.
 *
 * @module
 */
import { join } from "node:path";
import { exists } from "../../io/files.ts";
import { makeFolder, namesIn, remove } from "../../io/folders.ts";
import { openSafetensors, writeSafetensors } from "../../io/safetensors/safetensors.ts";
import type { Metric } from "../../objectives/objective.ts";
import type { Snapshot } from "../select/strength.ts";

/** The rise of one domain when it was measured, in nats a token. */
export interface Measured {
  /** Of the positions that have risen. */
  readonly mean: number;
  readonly se: number;
  /** Gains and losses together. */
  readonly net: number;
  /** Nats a token of the tuned model, weighted by token. */
  readonly nll: number;
}

/** A moment of the run. */
export interface Entry {
  /** Updates done by then. */
  readonly step: number;
  /** Loss on the task's sample, in nats a token. */
  readonly task: number;
  /** Of each domain. */
  readonly shifts: readonly Measured[];
  /** Of the metric that moments are compared by, where it was measured too. */
  readonly value?: number;
}

/** Checkpoints of the trade-off between task and retention that stay. */
const PARETO = 3;

const NAME = /^snapshot-(\d+)\.safetensors$/;

/** Adapters on disk, and the numbers that they were measured at. */
export class Snapshots {
  /** What the two checkpoints before the last need. */
  #wantedBefore: readonly (readonly number[])[] = [];

  constructor(
    private readonly folder: string,
    private readonly epsilons: readonly number[],
    /** Oldest first. */
    private kept: readonly Entry[] = [],
    /** Which values are better, where moments are compared by a metric; else their task's loss is. */
    private readonly better: Metric["better"] | null = null,
  ) {}

  get entries(): readonly Entry[] {
    return this.kept;
  }

  /** Those whose files are there: a folder may vanish while a run writes into it. */
  get readable(): readonly Entry[] {
    return this.kept.filter(({ step }) => exists(this.#path(step)));
  }

  /** The last entry within every budget; undefined where there is none. */
  get lastFeasible(): Entry | undefined {
    return this.readable.findLast((entry) => this.spent(entry) <= 1);
  }

  /** The largest part of a budget that an entry spends; 1 is all of it. */
  spent({ shifts }: Pick<Entry, "shifts">): number {
    return Math.max(...shifts.map(({ mean }, i) => mean / this.epsilons[i]!));
  }

  /** Writes the params of a moment; {@link add} makes it an entry. */
  write(step: number, params: Snapshot): void {
    makeFolder(this.folder);
    const shape = [params.length / 4];
    writeSafetensors(this.#path(step), [{ name: "params", dtype: "F32", shape, data: params }]);
  }

  /** Adds an entry, and forgets those that will not be chosen any more. */
  add(entry: Entry): void {
    const all = [...this.kept.filter(({ step }) => step !== entry.step), entry];
    const feasible = all.findLast((entry) => this.spent(entry) <= 1);
    const best = all.reduce((a, b) => this.#cost(b) < this.#cost(a) ? b : a);
    const stay = new Set([entry, best, ...this.#pareto(all), ...(feasible ? [feasible] : [])]);
    this.kept = all.filter((entry) => stay.has(entry));
  }

  /** The params of an entry. */
  read(step: number): Snapshot {
    using file = openSafetensors(this.#path(step));
    return new Uint8Array(file.read("params"));
  }

  /**
   * Removes the files of what is no entry and is not to become one, nor was at the two sweeps before:
   * only once a checkpoint holds these entries. The two before it can be gone back to.
   */
  sweep(coming: Iterable<number> = []): void {
    const wanted = [...this.kept.map(({ step }) => step), ...coming];
    const steps = new Set([wanted, ...this.#wantedBefore].flat());
    this.#wantedBefore = [wanted, ...this.#wantedBefore].slice(0, 2);
    for (const name of namesIn(this.folder)) {
      const step = NAME.exec(name)?.[1];
      if (step !== undefined && !steps.has(Number(step))) remove(join(this.folder, name));
    }
  }

  /** Of the entries that no other beats in both, those whose spending is nearest to the budget. */
  #pareto(all: readonly Entry[]): Entry[] {
    const beats = (a: Entry, b: Entry) =>
      a !== b && this.#cost(a) <= this.#cost(b) && this.spent(a) <= this.spent(b);
    const distance = (entry: Entry) => Math.abs(this.spent(entry) - 1);
    return all.filter((entry) => !all.some((other) => beats(other, entry)))
      .sort((a, b) => distance(a) - distance(b)).slice(0, PARETO);
  }

  /** What entries are compared by, the less the better. */
  #cost({ task, value = NaN }: Entry): number {
    if (this.better === null) return task;
    const cost = this.better === "lower" ? value : -value;
    return Number.isNaN(cost) ? Infinity : cost;
  }

  #path(step: number): string {
    return join(this.folder, `snapshot-${String(step).padStart(8, "0")}.safetensors`);
  }
}
