/**
 * Rewards: what answers are worth. A new one is a file here, its keys in `src/config/rewards.ts` and a
 * line below.
 *
 * @module
 */
import { FileError } from "../errors.ts";
import type { RewardHost } from "./host.ts";
import { formatReward, lengthReward, regexReward } from "./form.ts";
import { functionReward } from "./function/mod.ts";
import { jsonSchemaReward } from "./json_schema.ts";
import { judgeReward } from "./judge.ts";
import { metricReward } from "./metric.ts";
import { modelReward } from "./model.ts";
import { type Answered, type Reward, rowOf } from "./reward.ts";
import type { RewardConfig } from "./settings.ts";

export type { RewardHost } from "./host.ts";
export { type Answered, type Reward, rowOf } from "./reward.ts";
export type { RewardConfig } from "./settings.ts";

/**
 * Opens rewards: one, or the weighted sum of several. What it gives is finite, a number an answer.
 *
 * @throws {ConfigError | FileError} where one cannot be opened.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const reward = await openReward([
 *   { kind: "metric", metric: "number", column: "answer", weight: 1 },
 *   { kind: "length", least: 0, most: 3, margin: 1, weight: 0.5 },
 * ]);
 * const row = { answer: "4" };
 * const answers = ["4", "it is 4 I think"].map((completion) => ({ prompt: "2 + 2", completion, row }));
 * assert.deepEqual(await reward.score(answers), [1, 0.5]);
 * await reward.close();
 * ```
 */
export async function openReward(
  configs: readonly RewardConfig[],
  host: RewardHost = {},
): Promise<RewardSum> {
  const parts: Part[] = [];
  try {
    for (const config of configs) {
      parts.push({ weight: config.weight, reward: await openOne(config, host) });
    }
  } catch (fault) {
    await closeAll(parts);
    throw fault;
  }
  return new RewardSum(parts);
}

function openOne(config: RewardConfig, host: RewardHost): Reward | Promise<Reward> {
  switch (config.kind) {
    case "metric":
      return metricReward(config);
    case "regex":
      return regexReward(config);
    case "format":
      return formatReward(config);
    case "function":
      return functionReward(config);
    case "json_schema":
      return jsonSchemaReward(config);
    case "judge":
      return judgeReward(config, host);
    case "model":
      return modelReward(config, host);
    case "length":
      return lengthReward(config);
  }
}

/** A reward, and what it counts. */
interface Part {
  readonly weight: number;
  readonly reward: Reward;
}

/** What one of several rewards gave, before its weight. */
export interface PartScores {
  readonly name: string;
  readonly scores: readonly number[];
}

/** The weighted sum of rewards. */
export class RewardSum implements Reward {
  constructor(private readonly parts: readonly Part[]) {}

  get name(): string {
    return this.parts.map(({ reward }) => reward.name).join("+");
  }

  async score(answers: readonly Answered[]): Promise<readonly number[]> {
    return (await this.scoreParts(answers)).sums;
  }

  /** The same, and what each part gave. */
  async scoreParts(answers: readonly Answered[]) {
    const sums = answers.map(() => 0);
    const parts: PartScores[] = [];
    for (const { reward, weight } of this.parts) {
      const scores = answers.length === 0 ? [] : await reward.score(answers);
      check(reward.name, answers, scores);
      for (const [i, score] of scores.entries()) sums[i]! += weight * score;
      parts.push({ name: reward.name, scores });
    }
    return { sums, parts };
  }

  async close(): Promise<void> {
    await closeAll(this.parts);
  }
}

async function closeAll(parts: readonly Part[]): Promise<void> {
  for (const { reward } of parts) await reward.close();
}

/** @throws {FileError} unless there is a finite number for each answer. */
function check(name: string, answers: readonly Answered[], scores: readonly number[]): void {
  if (scores.length !== answers.length) {
    throw new FileError(
      `${rowOf(answers[0]!)}: found ${scores.length} numbers of the reward ${name} for ` +
        `${answers.length} answers from there on, wanted one each`,
    );
  }
  const at = scores.findIndex((score) => !Number.isFinite(score));
  if (at < 0) return;
  throw new FileError(
    `${rowOf(answers[at]!)}: found ${scores[at]} from the reward ${name}, wanted a finite number`,
  );
}
