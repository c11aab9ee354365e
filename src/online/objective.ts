/**
 * Updates that are made of answers: how likely they are, and what of that becomes the weights of tokens.
 *
 * @module
 */
import { batch, type Example, pack, packedLength } from "../data/mod.ts";
import { FileError } from "../errors.ts";
import { queueDocuments } from "../eval/documents.ts";
import type { LossProgram } from "../models/loss_program.ts";
import type { Fields, Hook, Objective } from "../objectives/objective.ts";
import type { MeasuredAnswer } from "../objectives/policy/answer.ts";
import { policyUpdate } from "../objectives/policy/update.ts";
import { rowsReplay } from "../objectives/rows_replay.ts";
import type { OnlineConfig } from "../objectives/settings.ts";
import { KL_STATS } from "../ops/mod.ts";
import { Limits } from "./limits.ts";
import {
  exampleOf,
  type RolledAnswer,
  type Roller,
  type Rollout,
  type RolloutTimes,
} from "./rollouts.ts";

/** Where linearKl()'s numbers of a row have the label's nats under base and tuned model. */
const [BASE, TUNED] = [1, 2];

/** What draws the answers of an update. */
export type Rolls = Pick<Roller, "roll">;

/** What a checkpoint keeps. */
interface OnlineState {
  /** The answers that updates are still made of. */
  readonly rollout: Rollout | null;
  readonly limits: object;
  /** Tokens that updates have processed. */
  readonly tokens: number;
}

/** The loss of a method over the answers of an update. */
export class OnlineObjective implements Objective, Hook {
  readonly lag = 0;
  readonly rate = 1;
  readonly limits: Limits;
  readonly #planned = new Map<number, Fields & { readonly loss: number }>();
  #rollout: Rollout | null = null;
  #isOver = false;
  #tokens = 0;
  #since = performance.now();

  constructor(
    private readonly programs: Record<"program" | "forward", LossProgram>,
    private readonly rolls: Rolls,
    private readonly config: OnlineConfig,
  ) {
    this.limits = new Limits(config);
  }

  get count(): number {
    return this.config.prompts * this.config.answers;
  }

  get capacity(): number {
    return this.programs.program.capacity;
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
    const { program } = this.programs;
    const times: RolloutTimes = { drawing: 0, judging: 0, tokens: 0 };
    const { answers, told } = await this.#rolloutOf(
      Math.floor(step / this.config.iterations),
      times,
    );
    const examples = answers.map(exampleOf);
    const found = policyUpdate(await this.#measured(answers, examples), this.config);
    const { weights, ...numbers } = found;
    const moved = [...answers.keys()].filter((i) => weights[i]!.some((weight) => weight !== 0));
    const trained = moved.length > 0 ? moved : [0]; // an update is never of nothing
    const rows = pack(trained.map((i) => packedLength(examples[i]!)), program.T);
    const batches = rows.map((row) => batch(examples, program.T, row.map((i) => trained[i]!)));
    this.limits.update(step, { ...told, ...numbers });
    this.#tokens += batches.reduce((sum, { used }) => sum + used, 0);
    this.#planned.set(step, {
      ...{ ...numbers, ...told },
      supervised: batches.reduce((sum, { supervised }) => sum + supervised, 0),
      ...this.#timesOf(times),
    });
    return batches.map((packed) => {
      const weight = new Float32Array(packed.supervised);
      for (const { example, rowBegin } of packed.documents) weight.set(weights[example]!, rowBegin);
      return rowsReplay(program, { ...packed, documents: [] }, weight);
    });
  }

  observe(step: number) {
    const fields = this.#planned.get(step)!;
    this.#planned.delete(step);
    return { minimised: fields.loss, fields };
  }

  state(): OnlineState {
    const rollout = this.config.iterations > 1 ? this.#rollout : null;
    return { rollout, limits: this.limits.state(), tokens: this.#tokens };
  }

  restore(state: unknown): void {
    if (!state) {
      throw new FileError(`Cannot resume: the checkpoint holds nothing of ${this.config.kind}`);
    }
    const { rollout, limits, tokens } = state as OnlineState;
    [this.#rollout, this.#isOver, this.#tokens] = [rollout, false, tokens];
    this.limits.restore(limits);
  }

  close(): void {
    this.programs.program.compiled.destroy();
    this.programs.forward.compiled.destroy();
  }

  async #rolloutOf(number: number, times: RolloutTimes): Promise<Rollout> {
    if (this.#rollout?.number === number && this.config.iterations > 1) return this.#rollout;
    return this.#rollout = await this.rolls.roll(number, times);
  }

  /** The answers with how likely each token is under the model as it is and under its base. */
  async #measured(
    answers: readonly RolledAnswer[],
    examples: readonly Example[],
  ): Promise<MeasuredAnswer[]> {
    const { result } = await queueDocuments(this.programs.forward, examples, "stats");
    const stats = await result;
    return answers.map((answer, i) => {
      const nats = (which: number) =>
        Float64Array.from(answer.drawn, (_, t) => -stats[i]![t * KL_STATS + which]!);
      return { ...answer, tuned: nats(TUNED!), base: nats(BASE!) };
    });
  }

  /** How fast answers were drawn, and the shares of the time since the update before. */
  #timesOf({ drawing, judging, tokens }: RolloutTimes): Fields {
    const since = this.#since;
    this.#since = performance.now();
    const all = (this.#since - since) / 1000;
    return {
      rollout_share: drawing / all,
      judging_share: judging / all,
      ...(drawing > 0 && { rollout_tokens_per_second: tokens / drawing }),
    };
  }
}
