/**
 * Updates that are made of answers.
 *
 * @module
 */
import { FileError } from "../errors.ts";
import type { Fields, Hook, Objective } from "../objectives/objective.ts";
import type { OnlineConfig } from "../objectives/settings.ts";
import type { Learner } from "./learner.ts";
import { Limits } from "./limits.ts";
import type { Roller, Rollout, RolloutTimes } from "./rollouts.ts";

/** What draws the answers of an update. */
export type Rolls = Pick<Roller, "roll">;

/** What a checkpoint keeps. */
interface OnlineState {
  /** The answers that updates are still made of. */
  readonly rollout: Rollout | null;
  readonly limits: object;
  /** Tokens that updates have processed. */
  readonly tokens: number;
  /** What all rollouts so far took. */
  readonly seconds: Seconds;
}

/** Seconds that rollouts took. */
type Seconds = Pick<RolloutTimes, "sampling" | "judging">;

/** The loss of a method over the answers of an update. */
export class OnlineObjective implements Objective, Hook {
  readonly lag = 0;
  readonly rate = 1;
  readonly limits: Limits;
  readonly #planned = new Map<number, Fields & { readonly loss: number }>();
  #rollout: Rollout | null = null;
  #isOver = false;
  #tokens = 0;
  #seconds: Seconds = { sampling: 0, judging: 0 };
  #since = performance.now();

  constructor(
    private readonly learner: Learner,
    private readonly rolls: Rolls,
    private readonly config: OnlineConfig,
    readonly count: number,
  ) {
    this.limits = new Limits(config);
  }

  get capacity(): number {
    return this.learner.capacity;
  }

  /** Tokens that updates have processed, those of prompts too. */
  get tokens(): number {
    return this.#tokens;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  isReady(): boolean {
    return true;
  }

  before(): Promise<string | null> {
    const { fault } = this.limits;
    this.#isOver = fault !== null;
    return Promise.resolve(fault);
  }

  age(step: number): number {
    return step + 1;
  }

  /** A sync point: answers are drawn token by token, and their weights depend on their likelihoods. */
  async plan(step: number) {
    const times: RolloutTimes = { sampling: 0, judging: 0, tokens: 0 };
    const { answers, told } = await this.#rolloutOf(
      Math.floor(step / this.config.iterations),
      times,
    );
    const { fields, batches, replays, answers: known } = await this.learner.learn(answers);
    if (known && this.#rollout) this.#rollout = { ...this.#rollout, answers: known };
    this.limits.update(step, { ...told, ...fields });
    this.#tokens += batches.reduce((sum, { used }) => sum + used, 0);
    this.#planned.set(step, {
      ...{ ...fields, ...told },
      supervised: batches.reduce((sum, { supervised }) => sum + supervised, 0),
      ...this.#timesOf(times),
    });
    return replays;
  }

  observe(step: number) {
    const fields = this.#planned.get(step)!;
    this.#planned.delete(step);
    return { minimised: fields.loss, fields };
  }

  state(): OnlineState {
    const rollout = this.config.iterations > 1 ? this.#rollout : null;
    const { limits } = this;
    return { rollout, limits: limits.state(), tokens: this.#tokens, seconds: this.#seconds };
  }

  restore(state: unknown): void {
    if (!state) {
      throw new FileError(`Cannot resume: the checkpoint holds nothing of ${this.config.kind}`);
    }
    const { rollout, limits, tokens, seconds } = state as OnlineState;
    [this.#rollout, this.#isOver, this.#tokens] = [rollout, false, tokens];
    this.#seconds = seconds;
    this.limits.restore(limits);
  }

  close(): void {
    this.learner.close();
  }

  async #rolloutOf(number: number, times: RolloutTimes): Promise<Rollout> {
    if (this.#rollout?.number === number && this.config.iterations > 1) return this.#rollout;
    return this.#rollout = await this.rolls.roll(number, times);
  }

  /** How fast answers were drawn, the shares of the time since the update before, and all so far. */
  #timesOf({ sampling, judging, tokens }: RolloutTimes): Fields {
    const since = this.#since;
    this.#since = performance.now();
    const all = (this.#since - since) / 1000;
    const before = this.#seconds;
    this.#seconds = { sampling: before.sampling + sampling, judging: before.judging + judging };
    return {
      rollout_seconds: this.#seconds.sampling,
      judging_seconds: this.#seconds.judging,
      rollout_share: sampling / all,
      judging_share: judging / all,
      ...(sampling > 0 && { rollout_tokens_per_second: tokens / sampling }),
    };
  }
}
