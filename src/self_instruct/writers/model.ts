/**
 * A model at hand that writes: many answers beside each other.
 *
 * @module
 */
import {
  type EncodedPrompt,
  type ModelRequest,
  promptOf,
  type PromptSettings,
  type RowTokenizer,
  rowTokenizer,
} from "../../data/mod.ts";
import { BatchGenerator } from "../../inference/batch.ts";
import type { OpenModel } from "../../inference/open.ts";
import { stopIds } from "../../inference/stop.ts";
import { stopAt } from "../../inference/text.ts";
import type { Answer, Numbered, OnAnswers, Sampling, Writer } from "./writer.ts";

/** What a model writes with. */
export interface ModelWriterOptions extends PromptSettings {
  /** Tokens of prompt and answer together. */
  readonly context: number;
  /** Answers under way at a time, as far as memory allows. */
  readonly slots: number;
}

/** Writes with a model over caches of its own. */
export class ModelWriter implements Writer, Disposable {
  readonly #tokenizer: RowTokenizer;

  private constructor(
    private readonly batch: BatchGenerator,
    private readonly settings: PromptSettings,
  ) {
    this.#tokenizer = rowTokenizer(batch.model);
  }

  /** Opens a batch generator. */
  static async open(
    { engine, model, adapt }: OpenModel,
    { context, slots, ...settings }: ModelWriterOptions,
  ): Promise<ModelWriter> {
    const size = { context: Math.min(context, model.config.context), slots };
    const batch = await BatchGenerator.open(engine, model, { ...size, adapt });
    return new ModelWriter(batch, settings);
  }

  fits(text: string, maxTokens: number): boolean {
    return this.#encode({ kind: "text", text }).ids.length + maxTokens <= this.batch.context;
  }

  async write(
    requests: readonly Numbered[],
    sampling: Sampling,
    onAnswers: OnAnswers,
  ): Promise<void> {
    const { context } = this.batch;
    const prompts = requests.map(({ request }) => this.#encode(request));
    const answers = prompts.map(({ ids }): Answer | null =>
      ids.length < context ? null : {
        refused:
          `found a prompt of ${ids.length} tokens, wanted fewer than ${context}, the context`,
      }
    );
    const open = [...prompts.keys()].filter((i) => answers[i] === null);
    const written = await this.#continue(open.map((i) => prompts[i]!), sampling);
    for (const [j, i] of open.entries()) answers[i] = written[j]!;
    onAnswers(answers.map((answer, i) => [requests[i]!.number, answer!]));
  }

  async #continue(
    prompts: readonly EncodedPrompt[],
    { stop: stopStrings, ...how }: Sampling,
  ): Promise<Answer[]> {
    const { model } = this.batch;
    const stop = [...new Set([...stopIds(model), ...prompts.flatMap(({ ends }) => ends)])];
    const ids = prompts.map(({ ids }) => ids);
    const found = await this.batch.generate(ids, { ...how, stop, stopStrings });
    return found.map(({ ids, end }) => {
      const whole = model.tokenizer.decode(ids);
      const at = stopAt(whole, stopStrings);
      return { text: at < 0 ? whole : whole.slice(0, at), ended: end !== null || at >= 0 };
    });
  }

  #encode(request: ModelRequest): EncodedPrompt {
    return promptOf(request, this.#tokenizer, this.settings);
  }

  /** Frees the programs and caches; the model stays open. */
  [Symbol.dispose](): void {
    this.batch[Symbol.dispose]();
  }
}
