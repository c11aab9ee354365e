/**
 * The rating of a model behind OpenAI's API as a reward.
 *
 * @module
 */
import { FileError } from "../errors.ts";
import { EndpointWriter } from "../self_instruct/writers/endpoint.ts";
import type { Answer } from "../self_instruct/writers/writer.ts";
import type { RewardHost } from "./host.ts";
import { IN_BRACES } from "./columns.ts";
import { type Answered, type Reward, rowOf } from "./reward.ts";
import type { JudgeReward } from "./settings.ts";

/** Where the key of an endpoint is looked for. */
const KEY = "OPENAI_API_KEY";

/** The rating in what a judge says: the last number in double brackets. */
const RATING = /\[\[\s*([+-]?\d+(?:\.\d+)?)\s*\]\]/g;

/** Characters of a judge's words that messages quote. */
const QUOTED = 80;

/**
 * Ratings, 0 for the worst and 1 for the best. Answers are shown to the judge at temperature 0, and an
 * endpoint that fails is asked again, 5 times in all.
 *
 * Method: Zheng et al. 2023, Judging LLM-as-a-Judge (arXiv 2306.05685), single answer grading.
 */
export function judgeReward(config: JudgeReward, { say, wait }: RewardHost): Reward {
  const { endpoint, model, max_tokens: maxTokens, parallel } = config;
  const writer = new EndpointWriter({
    ...{ model, parallel, url: endpoint.replace(/\/+$/, ""), timeout: 1000 * config.timeout },
    key: Deno.env.get(KEY) ?? null,
    ...(say && { say }),
    ...(wait && { wait }),
  });
  return {
    name: "judge",
    async score(answers) {
      const requests = answers.map((answer, number) => {
        const instruction = filled(config.prompt, answer);
        return { number, request: { kind: "instruction" as const, instruction, input: "" } };
      });
      const scores: number[] = [];
      await writer.write(requests, { maxTokens, stop: [], seed: 0 }, (found) => {
        for (const [i, answer] of found) scores[i] = scoreOf(config, answers[i]!, answer);
      });
      return scores;
    },
    close() {},
  };
}

/** @throws {FileError} where the prompt names a column that the row lacks. */
function filled(prompt: string, answer: Answered): string {
  const fields: Readonly<Record<string, unknown>> = {
    ...answer.row,
    prompt: answer.prompt,
    completion: answer.completion,
  };
  return prompt.replace(IN_BRACES, (_, name: string) => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (value !== undefined) return typeof value === "string" ? value : JSON.stringify(value);
    throw new FileError(
      `${rowOf(answer)}: found no column ${name} among ${Object.keys(answer.row).join(", ")}, ` +
        "wanted it for the prompt of the reward judge",
    );
  });
}

function scoreOf({ range: [worst, best], unrated }: JudgeReward, row: Answered, answer: Answer) {
  const said = "refused" in answer ? answer.refused : answer.text;
  const rating = "refused" in answer ? undefined : said.matchAll(RATING).toArray().at(-1)?.[1];
  const share = rating === undefined ? NaN : (Number(rating) - worst) / (best - worst);
  if (share >= 0 && share <= 1) return share;
  if (unrated !== undefined) return unrated;
  const line = said.replace(/\s+/g, " ").trim();
  const words = line.length > QUOTED ? `${line.slice(0, QUOTED)}…` : line;
  throw new FileError(
    `${rowOf(row)}: found ${
      JSON.stringify(words)
    } of the judge, wanted a rating from ${worst} to ` +
      `${best} in double brackets`,
  );
}
