/**
 * Answers that the model as it is draws to prompts, and what they are worth.
 *
 * @module
 */
import { type Example, lengthOf, UNSUPERVISED } from "../data/mod.ts";
import type { BatchGenerator } from "../inference/batch.ts";
import { promptLength } from "../inference/samples.ts";
import type { TrainRows } from "../objectives/objective.ts";
import { deviationOf, meanOf } from "../objectives/policy/advantages.ts";
import { isEven, type SampledAnswer } from "../objectives/policy/answer.ts";
import type { OnlineConfig } from "../objectives/settings.ts";
import { hash } from "../random.ts";
import type { RewardSum } from "../rewards/mod.ts";
import type { PromptSampler } from "./prompt_sampler.ts";
import type { ToldRows } from "./rows.ts";

/** Keeps the numbers that answers are drawn by apart from others. */
const ANSWERS = 0xfffffffb;

/** An answer, and the tokens of its prompt before it. */
export interface RolledAnswer extends SampledAnswer {
  readonly ids: readonly number[];
  readonly promptLength: number;
  /** Whether it had no end where it had to stop. */
  readonly isCut: boolean;
  /** The value before each token as it was drawn, once it is known. */
  readonly expected?: readonly number[];
}

/** What the metrics say of answers. */
export interface RolloutTold {
  /** Mean and deviation over all answers that were drawn. */
  readonly reward: number;
  readonly reward_std: number;
  /** The share of prompts whose answers are all worth the same. */
  readonly no_signal: number;
  /** Tokens of an answer on average, and the share of answers that were cut off. */
  readonly answer_tokens: number;
  readonly truncated: number;
  /** The mean of each of several rewards, as `reward/NAME`. */
  readonly [part: `reward/${string}`]: number;
}

/** Answers to the prompts of an update, as plain as JSON. */
export interface Rollout {
  readonly number: number;
  readonly answers: readonly RolledAnswer[];
  readonly told: RolloutTold;
}

/** How long parts of a rollout took, in seconds, and how many tokens it made. */
export interface RolloutTimes {
  sampling: number;
  judging: number;
  tokens: number;
}

/** What answers are drawn with. */
export interface RollerOptions {
  readonly batch: BatchGenerator;
  readonly reward: RewardSum;
  readonly rows: TrainRows["examples"];
  readonly told: ToldRows;
  readonly sampler: PromptSampler;
  readonly seed: number;
  readonly config: OnlineConfig;
}

/** An answer with the names of the rewards' parts. */
interface Judged {
  readonly answer: RolledAnswer;
  readonly parts: readonly (readonly [name: string, score: number])[];
}

/** Draws answers by counters: (seed, rollout, round, number of the answer, number of the token). */
export class Roller {
  constructor(private readonly options: RollerOptions) {}

  /** The answers of an update; prompts without a signal make way for others as often as is set. */
  async roll(number: number, times: RolloutTimes): Promise<Rollout> {
    const { config: { prompts, resample } } = this.options;
    const all: Judged[][] = [];
    let kept: Judged[][] = [];
    for (let round = 0; round <= resample && kept.length < prompts; round++) {
      const groups = await this.#draw(number, round, times);
      all.push(...groups);
      kept.push(...resample > 0 ? groups.filter(hasSignal) : groups);
    }
    if (kept.length === 0) kept = all.slice(0, prompts);
    const answers = kept.slice(0, prompts).flatMap((group, i) =>
      group.map(({ answer }) => ({ ...answer, group: i }))
    );
    return { number, answers, told: toldOf(all) };
  }

  /** The mean reward of the likeliest answers to some rows, and their mean length in tokens. */
  async greedy(rows: readonly Example[]): Promise<{ reward: number; tokens: number }> {
    const { batch, config: { max_tokens: maxTokens } } = this.options;
    const found = await batch.generate(rows.map(promptOf), { maxTokens });
    const scores = await this.options.reward.score(
      rows.map((row, i) => this.#answered(row, found[i]!.ids)),
    );
    const tokens = found.map(({ ids, end }) => ids.length + (end === null ? 0 : 1));
    return { reward: meanOf([...scores]), tokens: meanOf(tokens) };
  }

  /** Judges an answer that says nothing, so that a reward that cannot be had is known at once. */
  async tryReward(row: Example): Promise<void> {
    await this.options.reward.score([this.#answered(row, [])]);
  }

  /** Groups of answers to the prompts of a draw, without rows that were left out. */
  async #draw(number: number, round: number, times: RolloutTimes): Promise<Judged[][]> {
    const { batch, rows, sampler, seed, config } = this.options;
    const indices = sampler.of(number, round);
    await rows.arrived?.(indices);
    const asked = indices.map((index) => rows.at(index)!).filter((row) => lengthOf(row) > 0);
    const each = asked.flatMap((row) => Array.from({ length: config.answers }, () => row));
    const start = performance.now();
    const found = await batch.generate(each.map(promptOf), {
      ...{ temperature: config.temperature, maxTokens: config.max_tokens, wantsLikelihoods: true },
      seed: hash(seed, [ANSWERS, number, round]),
    });
    const drawn = performance.now();
    const { sums, parts } = await this.options.reward.scoreParts(
      each.map((row, i) => this.#answered(row, found[i]!.ids)),
    );
    times.sampling += (drawn - start) / 1000;
    times.judging += (performance.now() - drawn) / 1000;
    const judged = each.map((row, i): Judged => {
      const { ids, end, logLikelihoods = [] } = found[i]!;
      times.tokens += logLikelihoods.length;
      const prompt = promptOf(row);
      return {
        answer: {
          ...{ group: 0, reward: sums[i]!, drawn: logLikelihoods },
          isMasked: config.mask_truncated && end === null,
          ids: [...prompt, ...ids, ...(end === null ? [] : [end])],
          promptLength: prompt.length,
          isCut: end === null,
        },
        parts: parts.map(({ name, scores }) => [name, scores[i]!]),
      };
    });
    return asked.map((_, i) => judged.slice(i * config.answers, (i + 1) * config.answers));
  }

  #answered(row: Example, ids: readonly number[]) {
    const { batch: { model: { tokenizer } }, told } = this.options;
    const completion = tokenizer.decode(ids);
    return { ...told.of(row, () => tokenizer.decode(promptOf(row))), completion };
  }
}

const promptOf = (row: Example): number[] => [...row.ids.subarray(0, promptLength(row))];

const hasSignal = (group: readonly Judged[]): boolean =>
  !isEven(group.map(({ answer }) => answer.reward));

function toldOf(groups: readonly (readonly Judged[])[]): RolloutTold {
  const all = groups.flat();
  const rewards = all.map(({ answer }) => answer.reward);
  const names = all[0]?.parts.map(([name]) => name) ?? [];
  const parts = names.map((name, part) =>
    [`reward/${name}`, meanOf(all.map(({ parts }) => parts[part]![1]))] as const
  );
  return {
    reward: meanOf(rewards),
    reward_std: deviationOf(rewards),
    no_signal: groups.filter((group) => !hasSignal(group)).length / groups.length,
    answer_tokens: meanOf(all.map(({ answer }) => answer.drawn.length)),
    truncated: all.filter(({ answer }) => answer.isCut).length / all.length,
    ...(parts.length > 1 && Object.fromEntries(parts)),
  };
}

/** An answer as a row whose answer is learnt. */
export function exampleOf({ ids, promptLength, group }: RolledAnswer): Example {
  return {
    ids: Uint32Array.from(ids),
    labels: Int32Array.from(ids, (id, i) => i < promptLength ? UNSUPERVISED : id),
    origin: `an answer to prompt ${group + 1} of an update`,
  };
}
