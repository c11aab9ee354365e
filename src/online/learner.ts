/**
 * What becomes of answers: how likely they are, and the replays of an update that a method makes of that.
 *
 * @module
 */
import { type Batch, batch, pack, packedLength } from "../data/mod.ts";
import { queueDocuments } from "../eval/documents.ts";
import { ownBytes } from "../graph/footprint.ts";
import type { Value } from "../graph/graph.ts";
import { LossProgram } from "../models/loss_program.ts";
import type { Fields, MainPlan, PlanContext, Replay } from "../objectives/objective.ts";
import type { MeasuredAnswer } from "../objectives/policy/answer.ts";
import { policyUpdate } from "../objectives/policy/update.ts";
import { refuseDropout } from "../objectives/preference/likelihoods.ts";
import { rowsReplay } from "../objectives/rows_replay.ts";
import type { PolicyConfig } from "../objectives/settings.ts";
import { KL_STATS } from "../ops/mod.ts";
import { exampleOf, type RolledAnswer } from "./rollouts.ts";

/** Where linearKl()'s numbers of a row have the label's nats under base and tuned model. */
const [BASE, TUNED] = [1, 2];

/** What an update is made of. */
export interface Learned {
  readonly fields: Fields & Readonly<Record<"loss" | "kl" | "clip_share", number>>;
  /** The answers that are trained on. */
  readonly batches: readonly Batch[];
  readonly replays: readonly Replay[];
  /** The answers with what later updates of the same ones must know; as they were where absent. */
  readonly answers?: readonly RolledAnswer[];
}

/** Makes updates of answers. */
export interface Learner {
  /** The most losses of a replay. */
  readonly capacity: number;
  /** The replays that these answers come to. A sync point: what a token counts depends on all. */
  learn(answers: readonly RolledAnswer[]): Promise<Learned>;
  close(): void;
}

/** A learner that takes no memory yet. */
export interface PlannedLearner extends Pick<MainPlan, "step"> {
  readonly memory: Readonly<Record<string, number>>;
  readonly params: readonly Value[];
  /** The most replays of an answer. */
  readonly replays: number;
  open(): Promise<Learner>;
}

/** Weights of tokens over two programs: one trains, one goes forward under model and base. */
export function planPolicy(context: PlanContext, config: PolicyConfig): PlannedLearner {
  const { engine, model, graph } = context;
  const { kind, temperature } = config;
  const program = LossProgram.plan(engine, model, { ...graph, temperature, train: true });
  refuseDropout(kind, program);
  const forward = LossProgram.plan(engine, model, { ...graph, temperature, loss: "kl" });
  return {
    memory: {
      weights: program.footprint.weights,
      activations: ownBytes(program.footprint),
      "of likelihoods": ownBytes(forward.footprint),
    },
    step: program,
    params: program.graph.values.filter(({ kind }) => kind === "param"),
    replays: 1,
    open: async () => new PolicyLearner(await program.open(), await forward.open(), config),
  };
}

/** Loss and weights by likelihoods alone. */
class PolicyLearner implements Learner {
  constructor(
    private readonly program: LossProgram,
    private readonly forward: LossProgram,
    private readonly config: PolicyConfig,
  ) {}

  get capacity(): number {
    return this.program.capacity;
  }

  async learn(answers: readonly RolledAnswer[]): Promise<Learned> {
    const { program } = this;
    const examples = answers.map(exampleOf);
    const { weights, ...fields } = policyUpdate(await this.#measured(answers), this.config);
    const moved = [...answers.keys()].filter((i) => weights[i]!.some((weight) => weight !== 0));
    const trained = moved.length > 0 ? moved : [0]; // an update is never of nothing
    const rows = pack(trained.map((i) => packedLength(examples[i]!)), program.T);
    const batches = rows.map((row) => batch(examples, program.T, row.map((i) => trained[i]!)));
    const replays = batches.map((packed) =>
      rowsReplay(program, { ...packed, documents: [] }, inRows(packed, weights))
    );
    return { fields: { ...fields }, batches, replays };
  }

  close(): void {
    this.program.compiled.destroy();
    this.forward.compiled.destroy();
  }

  /** The answers with how likely each token is under the model as it is and under its base. */
  async #measured(answers: readonly RolledAnswer[]): Promise<MeasuredAnswer[]> {
    const { result } = await queueDocuments(this.forward, answers.map(exampleOf), "stats");
    const stats = await result;
    return answers.map((answer, i) => {
      const nats = (which: number) =>
        Float64Array.from(answer.drawn, (_, t) => -stats[i]![t * KL_STATS + which]!);
      return { ...answer, tuned: nats(TUNED!), base: nats(BASE!) };
    });
  }
}

/** Numbers of the answers' tokens in the order of a micro-batch's rows. */
export function inRows(packed: Batch, numbers: readonly Float32Array[]): Float32Array {
  const rows = new Float32Array(packed.supervised);
  for (const { example, rowBegin } of packed.documents) rows.set(numbers[example]!, rowBegin);
  return rows;
}
