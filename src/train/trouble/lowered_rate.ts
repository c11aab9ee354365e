/**
 * The learning rate after trouble.
 *
 * @module
 */
import type { Hook, Part } from "../../objectives/objective.ts";

/** What the learning rate is multiplied by each time. */
const LOWER = 0.5;

/** The learning rate after trouble, as a part of the run, so that checkpoints keep it. */
export class LoweredRate implements Part, Hook {
  /** The name of its section in a checkpoint. */
  readonly name = "lowered rate";
  readonly lag = 0;
  /** How often the rate was lowered. */
  times = 0;

  get hook(): Hook {
    return this;
  }

  get rate(): number {
    return LOWER ** this.times;
  }

  isReady(): boolean {
    return true;
  }

  before(): Promise<null> {
    return Promise.resolve(null);
  }

  age(step: number): number {
    return step + 1;
  }

  state(): Promise<{ times: number }> {
    return Promise.resolve({ times: this.times });
  }

  /** A checkpoint of before there was such a part has nothing of it. */
  restore(state: unknown): void {
    this.times = (state as { times: number } | undefined)?.times ?? 0;
  }

  close(): void {}
}
