/**
 * The answers of an update: those of rows, or drawn by the model as it is.
 *
 * @module
 */
import { type Example, lengthOf, UNSUPERVISED } from "../../data/mod.ts";
import type { BatchGenerator } from "../../inference/batch.ts";
import { promptLength } from "../../inference/samples.ts";
import type { RunContext } from "../../objectives/objective.ts";
import type { GkdConfig } from "../../objectives/settings.ts";
import { hash, random } from "../../random.ts";
import { PromptSampler } from "../prompt_sampler.ts";

/** Keep the numbers that answers are drawn by, and that choose who answers, apart from others. */
const [ANSWERS, CHOICE] = [0xfffffffa, 0xfffffff9];

/** The answers of an update. */
export interface Mixed {
  readonly examples: readonly Example[];
  /** How many of them the model drew. */
  readonly drawn: number;
}

/** Mixes them by counters: (seed, update, number of the prompt, number of the token). */
export class AnswerMix implements Disposable {
  readonly #sampler: PromptSampler;

  /** @param batch draws answers; null where none are drawn. */
  constructor(
    private readonly context: Pick<RunContext, "rows" | "train">,
    private readonly config: GkdConfig,
    private readonly batch: BatchGenerator | null,
  ) {
    const { rows, train } = context;
    this.#sampler = new PromptSampler(rows, train, { prompts: config.prompts, resample: 0 });
  }

  /** Answers of an update. */
  get count(): number {
    return this.config.prompts;
  }

  /** Those of an update, without rows that were left out. A sync point where some are drawn. */
  async of(step: number): Promise<Mixed> {
    const { rows: { examples }, train: { seed } } = this.context;
    const indices = this.#sampler.of(step, 0);
    await examples.arrived?.(indices);
    const rows = indices.map((index) => examples.at(index)!).filter((row) => lengthOf(row) > 0);
    const isDrawn = rows.map((row, i) =>
      promptLength(row) > 0 && random(hash(seed, [CHOICE, step]), i) < this.config.lmbda
    );
    const answers = await this.#answers(rows.filter((_, i) => isDrawn[i]), step);
    let next = 0;
    return {
      examples: rows.map((row, i) => isDrawn[i] ? answers[next++]! : row),
      drawn: answers.length,
    };
  }

  async #answers(rows: readonly Example[], step: number): Promise<Example[]> {
    if (rows.length === 0) return [];
    const { config: { temperature, max_tokens: maxTokens }, context: { train } } = this;
    const prompts = rows.map((row) => [...row.ids.subarray(0, promptLength(row))]);
    const seed = hash(train.seed, [ANSWERS, step]);
    const found = await this.batch!.generate(prompts, { temperature, maxTokens, seed });
    return found.map(({ ids, end }, i) => {
      const prompt = prompts[i]!;
      const all = [...prompt, ...ids, ...(end === null ? [] : [end])];
      return {
        ids: Uint32Array.from(all),
        labels: Int32Array.from(all, (id, t) => t < prompt.length ? UNSUPERVISED : id),
        origin: `an answer to ${rows[i]!.origin}`,
      };
    });
  }

  [Symbol.dispose](): void {
    this.batch?.[Symbol.dispose]();
  }
}
