/**
 * Learning from answers that are wanted and answers that are not, each to a prompt of its own: KTO.
 *
 * An update is that of preferences: forward first, then with the weights that the loss gives tokens.
 * How far the tuned model is from its base is taken from answers that are swapped among the prompts
 * of an update.
 *
 * @module
 */
import type { Batch, Example } from "../data/mod.ts";
import type { Queued } from "../eval/documents.ts";
import type { LossProgram } from "../models/loss_program.ts";
import { planByLikelihoods } from "./by_likelihoods.ts";
import { type ForwardFirst, forwardFirst, type Telling } from "./forward_first.ts";
import type { MainMethod, MainPlan, PlanContext, RunContext } from "./objective.ts";
import type { Likelihoods } from "./preference/likelihoods.ts";
import type { Answer } from "./preference/preference.ts";
import { rowsReplay } from "./rows_replay.ts";
import type { KtoConfig } from "./settings.ts";
import type { TaskRows } from "./task_rows.ts";
import { divergenceOf, type LabelledAnswer, unpairedLosses } from "./unpaired/losses.ts";
import { mismatched } from "./unpaired/mismatched.ts";
import { type UnpairedStatistics, unpairedStatistics, weighedLoss } from "./unpaired/statistics.ts";

const TELLING: Telling = {
  name: "kto",
  unit: "a labelled answer",
  columns: [
    { field: "kl", label: "kl", unit: "number" },
    { field: "reward_margin", label: "margin", unit: "number" },
  ],
  metrics: [{ field: "reward_margin", better: "higher" }],
  fields: ["loss", "reward_margin"],
};

/** Learning from labelled answers. */
export const unpaired = (config: KtoConfig): MainMethod => ({
  answers: "labelled",
  plan: (context) => plan(context, config),
});

function plan(context: PlanContext, config: KtoConfig): MainPlan {
  const limits = { ...config, maxTokens: context.maxTokens };
  return planByLikelihoods(context, {
    ...{ kind: config.kind, answers: "labelled", hasReference: true, reference: config.reference },
    isOfRows: !unpairedLosses[config.loss].hasDivergence, // which swaps answers
    open: (run, program, likelihoods, rows) =>
      forwardFirst(run, new Judging(program, likelihoods, rows, limits), TELLING),
  });
}

/** The mean loss over the labelled answers of an update. */
class Judging implements ForwardFirst {
  readonly #planned = new Map<number, UnpairedStatistics & { readonly supervised: number }>();

  constructor(
    private readonly program: LossProgram,
    private readonly likelihoods: Likelihoods,
    private readonly rows: TaskRows,
    private readonly config: KtoConfig & Pick<RunContext, "maxTokens">,
  ) {}

  get count(): number {
    return this.rows.count;
  }

  get capacity(): number {
    return this.program.capacity;
  }

  /** A sync point: the weights of tokens depend on how likely they are. */
  async plan(step: number) {
    const { program, rows, config } = this;
    const batches = await rows.batches(step);
    const examples = batches.flatMap(({ documents }) =>
      documents.map(({ example }) => rows.at(example))
    );
    const swapped = await this.#queueSwapped(examples);
    const answers = (await this.likelihoods.of(batches))
      .map((answers, i) => labelled(answers, batches[i]!.documents));
    const divergence = await swapped.result;
    const supervised = batches.reduce((sum, { supervised }) => sum + supervised, 0);
    const statistics = unpairedStatistics(answers.flat(), divergence, config);
    this.#planned.set(step, { ...statistics, supervised });
    return batches.map((batch, i) => {
      const losses = answers[i]!.map((answer) => weighedLoss(answer, divergence, config));
      return rowsReplay(program, batch, weightsOf(batch, losses, examples.length));
    });
  }

  observe(step: number) {
    const fields = this.#planned.get(step)!;
    this.#planned.delete(step);
    return { minimised: fields.loss, fields: { ...fields } };
  }

  /** Submits a measurement of labelled answers. */
  async queue(examples: readonly Example[]) {
    const swapped = await this.#queueSwapped(examples);
    const { result } = await this.likelihoods.queue(examples);
    const measured = async () =>
      unpairedStatistics(labelled(await result, examples), await swapped.result, this.config);
    return { result: measured() };
  }

  close(): void {
    this.likelihoods.close();
    this.program.compiled.destroy();
  }

  /** Submits the measurement of how far the tuned model is from its base. */
  async #queueSwapped(examples: readonly Example[]): Promise<Queued<number>> {
    const { loss, maxTokens } = this.config;
    const swapped = unpairedLosses[loss].hasDivergence ? mismatched(examples, maxTokens) : [];
    if (swapped.length === 0) return { result: Promise.resolve(0) };
    const { result } = await this.likelihoods.queue(swapped);
    return { result: result.then(divergenceOf) };
  }
}

/** Answers with the labels of their documents. */
function labelled(
  answers: readonly Answer[],
  documents: readonly Pick<Example, "label">[],
): LabelledAnswer[] {
  return answers.map((answer, i) => ({ answer, isWanted: documents[i]!.label === 1 }));
}

/**
 * What the negative log-likelihood of each supervised token of a micro-batch counts, [supervised].
 *
 * @param count answers of the update.
 */
function weightsOf(
  { documents, supervised }: Batch,
  losses: readonly { readonly danswer: number }[],
  count: number,
): Float32Array {
  const weights = new Float32Array(supervised);
  for (const [i, { rowBegin, rowEnd }] of documents.entries()) {
    weights.fill(-losses[i]!.danswer / count, rowBegin, rowEnd);
  }
  return weights;
}
