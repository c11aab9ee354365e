/**
 * What a guard is made of, what it is set to, and what a checkpoint keeps of it.
 *
 * @module
 */
import type { Example } from "../../data/mod.ts";
import type { Store } from "../../graph/store.ts";
import type { LossProgram } from "../../models/loss_program.ts";
import type { Entry } from "./archive.ts";
import type { ControllerOptions, ControllerState } from "./controller.ts";
import type { Gauge } from "../gauge.ts";
import type { Slice } from "../text/retention.ts";
import type { GuardRows } from "../text/rows.ts";

/** When a run that forgets far too much goes back. */
export interface WallOptions {
  /** The part of a budget, less 1.64 standard errors, at which it does; 0 = never. */
  readonly at: number;
  /** How often at most. */
  readonly most: number;
}

/** Settings of a guard that steers. */
export interface GuardSettings {
  /** What the guard's mean loss counts; null leaves it to a controller for each slice. */
  readonly weight: number | "tokens" | null;
  readonly controller: ControllerOptions;
  readonly wall: WallOptions;
  /** Updates from one measurement to the next. */
  readonly every: number;
  /** Updates of the whole run. */
  readonly steps: number;
  /** The share of the peak learning rate that is yet to go after an update. */
  readonly toFall: (step: number) => number;
}

/** What an update replays for the guard. */
export type GuardProgram = Pick<LossProgram, "compiled" | "capacity" | "feed" | "run">;

/** What a guard adds to the loss that is trained. */
export interface GuardTerm {
  readonly program: GuardProgram;
  /** What the program is fed. */
  readonly rows: Pick<GuardRows, "update" | "addLosses">;
  /** Tokens that it takes in the whole run. */
  readonly tokens: number;
}

export interface GuardParts extends GuardTerm {
  readonly store: Store;
  readonly slices: readonly Slice[];
  /** Measures the control part. */
  readonly control: Gauge;
  /** The task's sample, and what measures it. */
  readonly task: readonly Example[];
  readonly tuned: LossProgram;
  /** The folder of the archive. */
  readonly folder: string;
}

/** What an update's guard rows came to. */
export interface Observation {
  /** Mean loss of each slice's rows; NaN for a slice that had none. */
  readonly losses: readonly number[];
}

/** What a checkpoint keeps of a guard. */
export interface GuardState {
  readonly controllers: readonly ControllerState[];
  readonly entries: readonly Entry[];
  readonly trace: readonly TracePoint[];
  readonly pending: readonly (readonly [step: number, Observation])[];
  readonly measured: readonly Entry[];
  readonly rollbacks: number;
  readonly fresh: number;
}

/** A measurement of the run, and the controllers' weights at the time; none where they are fixed. */
export interface TracePoint extends Entry {
  readonly lambdas: readonly number[];
}
