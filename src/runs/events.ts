/**
 * What a run says of itself while it happens. Everything that shows or keeps a run - the terminal,
 * `metrics.jsonl`, `log.txt`, the run history, a page - listens to these and to nothing else.
 *
 * @module
 */
import type { Origin, SizedConfig } from "../config/mod.ts";
import type { Column, Fields, Report, SampleText } from "../objectives/objective.ts";
import type { Progress } from "../progress.ts";

export type { Column, Fields, Report, SampleText } from "../objectives/objective.ts";

/** What is logged of one update. Losses are in nats a token. */
export interface Metrics {
  /** Number of the update, counted from 0. */
  readonly step: number;
  /** Mean over the supervised tokens, before the update. */
  readonly loss: number;
  /** Tokens processed by this update. */
  readonly tokens: number;
  /** Learning rate of this update. */
  readonly lr: number;
  /** Norm of the gradient before clipping. */
  readonly grad_norm: number;
  /** Mean over the last updates. */
  readonly tokens_per_second: number;
  /** Further fields, such as `eval_loss` or those of objectives. */
  readonly [field: string]: number | undefined;
}

/** Bytes on the device, by what they are for; known before anything is allocated. */
export type MemoryParts = Readonly<Record<string, number>>;

/** Rows of one source, as they are trained on. */
export interface SourceFacts {
  /** The file, folder, pattern or dataset of the hub. */
  readonly path: string;
  /** What the card of a dataset names as its licence; null for all else. */
  readonly licence: string | null;
  /** Documents, those left out not counted. */
  readonly rows: number;
  /** Their tokens; null where rows are encoded while it trains. */
  readonly tokens: number | null;
  /** Tokens that the loss sees; null where rows are encoded while it trains. */
  readonly supervised: number | null;
  /** The share of the supervised tokens that the mixture asks for; null without one. */
  readonly share: number | null;
}

/** What a run is made of, in numbers. */
export interface RunFacts {
  /** The base: its family, how many numbers it has, and the most tokens that it reads. */
  readonly model: {
    readonly family: string;
    readonly parameters: number;
    readonly context: number;
  };
  /** How many numbers are trained. */
  readonly trained: number;
  /** Passes over the rows; null where updates were asked for. */
  readonly epochs: number | null;
  /** What it learns from. */
  readonly sources: readonly SourceFacts[];
  /** SHA-256 of all rows as they were read, and of what the base holds. */
  readonly hashes: { readonly rows: string; readonly base: string };
}

/** A run begins: it is set up, and nothing of it was refused. */
export interface StartEvent {
  /** Which event it is. */
  readonly kind: "start";
  /** Resolved: every default filled in. */
  readonly config: SizedConfig;
  /** Where each value of the config came from. */
  readonly origin: Readonly<Record<string, Origin>>;
  /** `adapter` on a frozen base, or every parameter from random weights. */
  readonly trains: "adapter" | "pretrain";
  /** The folder of the run; null for one that writes nothing. */
  readonly out: string | null;
  /** Updates of the whole run. */
  readonly steps: number;
  /** Updates that were done before: above 0 where it was resumed. */
  readonly done: number;
  /** What it is made of, in numbers. */
  readonly facts: RunFacts;
  /** What it takes on the device. */
  readonly memory: MemoryParts;
  /** Fields of the metrics that a progress line shows beside the loss. */
  readonly columns: readonly Column[];
  /** What it runs on. */
  readonly device: { readonly adapter: string; readonly software: boolean };
}

/** How a run ended, stopped or done. */
export interface RunEnd {
  /** Updates done. */
  readonly step: number;
  /** Whether it was asked to stop before its end. */
  readonly stopped: boolean;
  /** The folder of the adapter or model; null for a run that writes nothing. */
  readonly saved: string | null;
  /** The first logged update; null where a resumed run had none left. */
  readonly first: Metrics | null;
  /** The last logged update. */
  readonly last: Metrics | null;
  /** What was measured at the end: `eval_loss`, ...; nothing where it stopped. */
  readonly measured: Fields;
  /** What methods say of the result, by their names; empty where it stopped. */
  readonly reports: Readonly<Record<string, object>>;
}

/** A run met a number that is NaN or infinite, and goes back to a moment before. */
export interface BackEvent {
  /** Which event it is. */
  readonly kind: "back";
  /** The update that showed it, which was not made. */
  readonly step: number;
  /** What was found, in a sentence. */
  readonly reason: string;
  /** Updates done at the moment that it goes back to: those from there on come again. */
  readonly to: number;
  /** What the learning rate of the config is multiplied by from now on. */
  readonly rate: number;
  /** The folder of what is known of it; null where the run writes nothing. */
  readonly blackBox: string | null;
}

/** What a run says of itself, in the order in which it happens. */
export type RunEvent =
  | StartEvent
  | { readonly kind: "log"; readonly line: string }
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "update"; readonly metrics: Metrics; readonly secondsLeft: number }
  | { readonly kind: "measure"; readonly step: number; readonly values: Fields }
  | { readonly kind: "sample"; readonly step: number; readonly samples: readonly SampleText[] }
  | { readonly kind: "checkpoint"; readonly step: number; readonly path: string }
  | BackEvent
  | { readonly kind: "report"; readonly report: Report }
  | { readonly kind: "end"; readonly result: RunEnd }
  | { readonly kind: "fault"; readonly error: Error };

/**
 * Follows a run. It is called between updates, so it must be quick; what it throws ends the run. A
 * promise that it returns is waited for once the run is over.
 */
export type RunListener = (event: RunEvent) => unknown;
