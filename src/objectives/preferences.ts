/**
 * Learning from preferences: the chosen answer to a prompt is to become likelier than the rejected
 * one, where the loss has a reference against the base itself, the adapter switched off, or against
 * another adapter.
 *
 * A loss of likelihoods is linear in the log-likelihood of each token as far as its gradient goes. So
 * an update runs forward first, for the likelihoods under the model or both models; what the loss
 * makes of them is then the weight of each token in the loss graph of fine-tuning, below 0 where it
 * is to become less likely.
 *
 * @module
 */
import type { Batch, Example } from "../data/mod.ts";
import type { LossProgram } from "../models/loss_program.ts";
import { planByLikelihoods } from "./by_likelihoods.ts";
import { type ForwardFirst, forwardFirst } from "./forward_first.ts";
import type { MainMethod, MainPlan, PlanContext } from "./objective.ts";
import type { Likelihoods } from "./preference/likelihoods.ts";
import { lossOf } from "./preference/losses.ts";
import { type Preference, type PreferenceLoss, preferencesOf } from "./preference/preference.ts";
import { chosenTokens, type PreferenceStatistics, statisticsOf } from "./preference/statistics.ts";
import { rowsReplay } from "./rows_replay.ts";
import type { PreferenceConfig } from "./settings.ts";
import type { TaskRows } from "./task_rows.ts";

const TELLING = {
  columns: [
    { field: "reward_accuracy", label: "accuracy", unit: "number" },
    { field: "reward_margin", label: "margin", unit: "number" },
  ],
  metrics: [
    { field: "reward_accuracy", better: "higher" },
    { field: "reward_margin", better: "higher" },
  ],
  fields: ["loss", "reward_accuracy", "reward_margin"],
} as const;

/** Learning from preferences. */
export const preferences = (config: PreferenceConfig): MainMethod => ({
  answers: "two",
  plan: (context) => plan(context, config),
});

function plan(context: PlanContext, config: PreferenceConfig): MainPlan {
  const { kind } = config;
  const loss = lossOf(config);
  return planByLikelihoods(context, {
    ...{ kind, answers: "two", hasReference: loss.hasReference, isOfRows: true },
    reference: kind === "dpo" ? config.reference : undefined,
    open: (run, program, likelihoods, rows) => {
      const objective = new Preferring(program, likelihoods, rows, loss);
      return forwardFirst(run, objective, { name: kind, unit: loss.unit, ...TELLING });
    },
  });
}

/** The mean loss over the preferences of an update. */
class Preferring implements ForwardFirst {
  readonly #planned = new Map<number, PreferenceStatistics & { readonly supervised: number }>();

  constructor(
    private readonly program: LossProgram,
    private readonly likelihoods: Likelihoods,
    private readonly rows: TaskRows,
    private readonly loss: PreferenceLoss,
  ) {}

  get count(): number {
    return this.rows.count;
  }

  get capacity(): number {
    return this.program.capacity;
  }

  /** A sync point: the weights of tokens depend on how likely they are. */
  async plan(step: number) {
    const batches = await this.rows.batches(step);
    const answers = await this.likelihoods.of(batches);
    const preferences = answers.map(preferencesOf);
    const all = preferences.flat();
    const supervised = batches.reduce((sum, { supervised }) => sum + supervised, 0);
    this.#planned.set(step, { ...statisticsOf(all, this.loss), supervised });
    const totals = { preferences: all.length, tokens: chosenTokens(all) };
    return batches.map((batch, i) => {
      const weights = preferenceWeights(batch, preferences[i]!, totals, this.loss);
      return rowsReplay(this.program, batch, weights);
    });
  }

  observe(step: number) {
    const fields = this.#planned.get(step)!;
    this.#planned.delete(step);
    return { minimised: fields.loss, fields: { ...fields } };
  }

  /** Submits a measurement of preferences. */
  async queue(examples: readonly Example[]) {
    const { result } = await this.likelihoods.queue(examples);
    return { result: result.then((found) => statisticsOf(preferencesOf(found), this.loss)) };
  }

  close(): void {
    this.likelihoods.close();
    this.program.compiled.destroy();
  }
}

/**
 * What the negative log-likelihood of each supervised token of a micro-batch counts, [supervised]: the
 * derivative of the mean loss over the update.
 *
 * @param totals what means are over: the preferences of the update, and its chosen answers' tokens.
 */
export function preferenceWeights(
  { documents, supervised }: Batch,
  preferences: readonly Preference[],
  totals: { readonly preferences: number; readonly tokens: number },
  { gradient, sftWeight }: PreferenceLoss,
): Float32Array {
  const weights = new Float32Array(supervised);
  for (const [i, preference] of preferences.entries()) {
    const { dchosen, drejected } = gradient(preference);
    const [chosen, rejected] = [documents[2 * i]!, documents[2 * i + 1]!];
    const beside = sftWeight / totals.tokens;
    weights.fill(beside - dchosen / totals.preferences, chosen.rowBegin, chosen.rowEnd);
    weights.fill(-drejected / totals.preferences, rejected.rowBegin, rejected.rowEnd);
  }
  return weights;
}
