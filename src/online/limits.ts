/**
 * When a run ends for its own good: where it is on the way to please its reward and nobody else.
 *
 * @module
 */
import type { OnlineConfig } from "../objectives/settings.ts";

/** What limits look at: of the last update, and of the last and best measurement of `eval.data`. */
interface Seen {
  readonly step: number;
  readonly reward: number;
  readonly kl: number;
  readonly answer_tokens: number;
  readonly held_out: number | null;
  readonly best: number | null;
}

const NOTHING: Seen = {
  ...{ step: 0, reward: 0, kl: 0, answer_tokens: 0, held_out: null, best: null },
};

/** Divergence, length and held-out reward beside what they may come to. */
export class Limits {
  #seen = NOTHING;
  #first: number | null = null;

  constructor(private readonly config: OnlineConfig) {}

  /** Takes what an update was made of. */
  update(
    step: number,
    { reward, kl, answer_tokens }: Pick<Seen, "reward" | "kl" | "answer_tokens">,
  ) {
    this.#first ??= reward;
    this.#seen = { ...this.#seen, step, reward, kl, answer_tokens };
  }

  /** Takes the reward on `eval.data`. */
  heldOut(reward: number): void {
    const best = Math.max(reward, this.#seen.best ?? -Infinity);
    this.#seen = { ...this.#seen, held_out: reward, best };
  }

  /** Why the run ends here; null where it goes on. */
  get fault(): string | null {
    const { stop_kl, stop_tokens, stop_drop } = this.config;
    const { kl, answer_tokens: tokens, held_out: now, best } = this.#seen;
    if (stop_kl !== undefined && kl > stop_kl) {
      return this.#words("stop_kl", `${shown(kl)} nats a token from the base`, shown(stop_kl));
    }
    if (stop_tokens !== undefined && tokens > stop_tokens) {
      return this.#words("stop_tokens", `answers of ${shown(tokens)} tokens`, shown(stop_tokens));
    }
    if (stop_drop !== undefined && now !== null && best! - now > stop_drop) {
      const fell = `a reward of ${shown(now)} on eval.data, ${shown(best! - now)} below its best`;
      return this.#words("stop_drop", fell, shown(stop_drop));
    }
    return null;
  }

  state(): object {
    return { seen: this.#seen, first: this.#first };
  }

  restore(state: object): void {
    const { seen, first } = state as { seen: Seen; first: number | null };
    [this.#seen, this.#first] = [seen, first];
  }

  #words(key: string, found: string, most: string): string {
    const { step, reward } = this.#seen;
    return `objective.${key}: found ${found} at update ${step}, where the reward that is trained on ` +
      `went from ${shown(this.#first ?? NaN)} to ${shown(reward)}, wanted at most ${most}; this ` +
      "update is the last";
  }
}

const shown = (value: number): string => String(Number(value.toPrecision(4)));
