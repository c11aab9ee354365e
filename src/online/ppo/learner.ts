/**
 * Policy and values learnt together: the value before a token is a score of the trunk's hidden row, by a
 * head that is trained whole beside the adapter and left behind when the adapter is saved.
 *
 * @module
 */
import { ownBytes } from "../../graph/footprint.ts";
import { together } from "../../graph/planned.ts";
import { LossProgram } from "../../models/loss_program.ts";
import { ScoreProgram } from "../../models/score_program.ts";
import type { PlanContext } from "../../objectives/objective.ts";
import { meanDivergence } from "../../objectives/policy/update.ts";
import { valuedUpdate } from "../../objectives/policy/values.ts";
import { refuseDropout } from "../../objectives/preference/likelihoods.ts";
import { rowsReplay } from "../../objectives/rows_replay.ts";
import type { PpoConfig } from "../../objectives/settings.ts";
import { inRows, type Learned, type Learner, type PlannedLearner } from "../learner.ts";
import { exampleOf, type RolledAnswer } from "../rollouts.ts";
import { measured, packedInto, type PolicyAndValues, valuesReplay } from "./programs.ts";

/** Plans the programs of policy and values. */
export function planValued(context: PlanContext, config: PpoConfig): PlannedLearner {
  const { engine, model, graph } = context;
  const { temperature } = config;
  const policy = LossProgram.plan(engine, model, { ...graph, temperature, train: true });
  refuseDropout(config.kind, policy);
  const values = ScoreProgram.plan(engine, model, { ...graph, train: true });
  const likelihoods = LossProgram.plan(engine, model, { ...graph, temperature, loss: "kl" });
  const expected = ScoreProgram.plan(engine, model, graph);
  const params = [policy, values].flatMap(({ graph }) =>
    graph.values.filter(({ kind }) => kind === "param")
  );
  return {
    memory: {
      weights: together([policy, values]).weights,
      activations: ownBytes(policy.footprint) + ownBytes(values.footprint),
      "of likelihoods": ownBytes(likelihoods.footprint) + ownBytes(expected.footprint),
    },
    step: policy,
    params: [...new Map(params.map((param) => [param.name, param])).values()],
    replays: 2,
    open: async () =>
      new ValuedLearner({
        ...{ policy: await policy.open(), values: await values.open() },
        ...{ likelihoods: await likelihoods.open(), expected: await expected.open() },
      }, config),
  };
}

/** Loss and weights by likelihoods and values. */
class ValuedLearner implements Learner {
  constructor(
    private readonly programs: PolicyAndValues,
    private readonly config: PpoConfig,
  ) {}

  get capacity(): number {
    const { policy, values } = this.programs;
    return Math.max(policy.capacity, values.capacity * values.width);
  }

  async learn(answers: readonly RolledAnswer[]): Promise<Learned> {
    const { policy, values } = this.programs;
    const examples = answers.map(exampleOf);
    const found = await measured(this.programs, examples);
    const known = answers.map((answer, i) => ({
      ...{ ...answer, expected: answer.expected ?? [...found[i]!.values] },
    }));
    const valued = known.map((answer, i) => ({ ...answer, ...found[i]! }));
    const { weights, dvalues, ...fields } = valuedUpdate(valued, this.config);
    const batches = packedInto(policy.T, examples);
    const replays = batches.flatMap((packed) => [
      rowsReplay(policy, { ...packed, documents: [] }, inRows(packed, weights)),
      valuesReplay(values, packed, inRows(packed, dvalues)),
    ]);
    const kl = meanDivergence(valued);
    return { fields: { ...fields, kl }, batches, replays, answers: known };
  }

  close(): void {
    for (const { compiled } of Object.values(this.programs)) compiled.destroy();
  }
}
