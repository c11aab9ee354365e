/**
 * What a run is given beside its config, and what it gives back.
 *
 * @module
 */
import type { PeftAdapter } from "../adapters/peft/folder.ts";
import type { Example } from "../data/mod.ts";
import type { Device } from "../gpu/device.ts";
import type { RunEnd, RunListener } from "../runs/events.ts";

/** How to run. */
export interface TrainOptions {
  /** `adapter` (the default) on a frozen base, or every parameter from random weights. */
  readonly kind?: "adapter" | "pretrain";
  /** Goes on from the last checkpoint of the run folder. */
  readonly resume?: boolean;
  /** Encoded rows to train on, in place of `data` of the config. */
  readonly data?: readonly Example[];
  /** Follows the run. */
  readonly on?: RunListener;
  /** Ends the run after the update under way, with a checkpoint. */
  readonly stop?: Pick<AbortSignal, "aborted">;
  /** Any device; one is opened, and closed at the end, where absent. */
  readonly device?: Device;
  /** A new or empty folder that the run moves to where it cannot write its own any more. */
  readonly rescue?: string;
  /** Waits, with all of the thread, where it cannot write, until it can; else that is a fault. */
  readonly waits?: boolean;
}

/** A run that leaves nothing on the disk: its adapter is in the result. */
export interface FreeOptions extends Omit<TrainOptions, "resume"> {
  /** No folder. */
  readonly out: null;
}

/** What a run came to. */
export interface RunResult extends RunEnd {
  /** The folder of the adapter or model. */
  readonly saved: string;
  /** The folder of the run: that of its config, unless it had to move. */
  readonly out: string;
}

/** What a run without a folder came to. */
export interface FreeResult extends RunEnd {
  /** There is none. */
  readonly saved: null;
  /** What it trained; null where it stopped. */
  readonly adapter: PeftAdapter | null;
}
