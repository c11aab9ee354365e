/**
 * What a guard is made of, what it is set to, and what a checkpoint keeps of it.
 *
 * @module
 */
import type { Store } from "../../graph/store.ts";
import type { Replay, RunMetric, TaskSample } from "../../objectives/objective.ts";
import type { Entry } from "./snapshots.ts";
import type { ControllerOptions, ControllerState } from "./controller.ts";
import type { ForgettingMeter } from "../measure.ts";
import type { Domain } from "../text/retention.ts";

/** When a run that forgets far too much goes back. */
export interface RollbackOptions {
  /** The part of a budget, less 1.64 standard errors, at which it does; 0 = never. */
  readonly at: number;
  /** How often at most. */
  readonly most: number;
}

/** Settings of the guard of a run. */
export interface GuardSettings {
  /** What the guard's mean loss counts; null leaves it to a controller for each domain. */
  readonly weight: number | "tokens" | null;
  readonly controller: ControllerOptions;
  readonly rollback: RollbackOptions;
  /** Updates from one measurement to the next. */
  readonly every: number;
  /** Updates of the whole run. */
  readonly steps: number;
  /** The share of the peak learning rate that is yet to go after an update. */
  readonly remainingDecay: (step: number) => number;
}

/** What holds the model to its retention text: replays that are added to an update. */
export interface RetentionTerm {
  /** The most losses of a replay. */
  readonly capacity: number;
  /**
   * The replays of an update, the loss of each domain times its lambda.
   *
   * @param lambdasOf the lambda of each domain, from its supervised tokens.
   */
  plan(
    step: number,
    lambdasOf: (tokens: readonly number[]) => readonly number[],
  ): Promise<{ readonly replays: readonly Replay[]; readonly lambdas: readonly number[] }>;
  /** The weighted losses of an update's replays, summed by domain. */
  sums(step: number, losses: readonly Float32Array[]): number[];
  close(): void;
}

export interface GuardParts {
  readonly store: Store;
  readonly domains: readonly Domain[];
  /** Null where retention text is only measured. */
  readonly term: RetentionTerm | null;
  /** The most replays that the term adds to an update. */
  readonly count: number;
  /** Measures the control part. */
  readonly control: ForgettingMeter;
  readonly task: TaskSample;
  /** What moments are compared by in place of the task's loss; null for that. */
  readonly metric: RunMetric | null;
  /** The folder of the snapshots. */
  readonly folder: string;
}

/** What an update's guard rows came to. */
export interface Observation {
  /** Mean loss of each domain's rows; NaN for a domain that had none. */
  readonly losses: readonly number[];
}

/** What a checkpoint keeps of a guard. */
export interface GuardState {
  readonly controllers: readonly ControllerState[];
  readonly entries: readonly Entry[];
  readonly history: readonly HistoryPoint[];
  readonly pending: readonly (readonly [step: number, Observation])[];
  readonly measured: readonly Entry[];
  readonly rollbacks: number;
  readonly fresh: number;
  /** Absent in checkpoints of before. */
  readonly acted?: number;
}

/** A measurement of the run, and the controllers' weights at the time; none where they are fixed. */
export interface HistoryPoint extends Entry {
  readonly lambdas: readonly number[];
}
