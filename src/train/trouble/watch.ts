/**
 * Losses that are finite and still tell of trouble.
 *
 * @module
 */
import type { Metrics } from "../../runs/events.ts";

/** Updates that a loss is compared with. */
const RECENT = 20;
/** Above their mean by so many times their spread it is a spike. */
const SPREADS = 8;
/** And by this share of it at least: where losses hardly differ, a spread says little. */
const SHARE = 0.5;
/** So many times the first updates' mean, as a mean of the recent, is divergence. */
const DIVERGED = 1.5;

/** Looks at updates in their order, and says what is odd. */
export class Watch {
  #recent: number[] = [];
  #start = 0;
  #isTold = false;

  /** @param uniform the loss of a model to which every token is as likely, in nats. */
  constructor(private readonly uniform: number) {}

  /** What there is to say of an update; null where nothing is odd. */
  look({ step, loss, grad_norm: norm }: Metrics): string | null {
    if (norm === 0 && Math.abs(loss - this.uniform) < 1e-5 * this.uniform) {
      return this.#once(
        `step ${step}: every token is as likely as any other (loss ln(vocabulary) = ` +
          `${loss.toFixed(4)}) and the gradient is 0: weights of the base overflow, or are zero`,
      );
    }
    const before = this.#recent;
    this.#recent = [...before, loss].slice(-RECENT);
    if (before.length < RECENT) return null;
    const mean = meanOf(before);
    this.#start ||= mean;
    const spread = Math.sqrt(meanOf(before.map((loss) => (loss - mean) ** 2)));
    if (meanOf(this.#recent) > DIVERGED * Math.max(this.#start, 0.1)) {
      return this.#once(
        `step ${step}: the loss is ${
          meanOf(this.#recent).toFixed(4)
        } over ${RECENT} updates, far ` +
          `above the ${this.#start.toFixed(4)} at the start: the run diverges; lower train.lr`,
      );
    }
    if (loss <= mean + Math.max(SPREADS * spread, SHARE * mean)) return null;
    return `step ${step}: the loss of ${loss.toFixed(4)} is a spike above the ${
      mean.toFixed(4)
    } of the ${RECENT} updates before`;
  }

  /** A state is said when it begins, not with each update. */
  #once(line: string): string | null {
    if (this.#isTold) return null;
    this.#isTold = true;
    return line;
  }
}

const meanOf = (numbers: readonly number[]): number =>
  numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
