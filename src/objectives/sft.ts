/**
 * Supervised fine-tuning: the mean negative log-likelihood of the supervised tokens of an update.
 *
 * @module
 */
import type { Batch, Example } from "../data/mod.ts";
import type { Queued } from "../eval/documents.ts";
import { queuePerplexity } from "../eval/perplexity.ts";
import { ownBytes } from "../graph/footprint.ts";
import { refuseEncoder } from "../models/layers/source_rows.ts";
import { LossProgram } from "../models/loss_program.ts";
import type {
  MainMethod,
  MainPart,
  MainPlan,
  Meter,
  Objective,
  OpenContext,
  PlanContext,
  RunContext,
} from "./objective.ts";
import { rowsReplay } from "./rows_replay.ts";
import { microBatches, TaskRows, taskSample } from "./task_rows.ts";

/** Supervised fine-tuning. */
export const sft: MainMethod = {
  answers: "one",
  plan,
};

function plan({ engine, model, graph, train, hasEval }: PlanContext): MainPlan {
  const { neftune_noise_alpha: noise, seed } = train;
  if (noise !== undefined) refuseEncoder(model, "for noise on one sequence of embeddings");
  const program = LossProgram.plan(engine, model, { ...graph, seed, train: true, noise });
  return {
    count: microBatches(train),
    measures: hasEval,
    memory: { weights: program.footprint.weights, activations: ownBytes(program.footprint) },
    step: program,
    params: program.graph.values.filter(({ kind }) => kind === "param"),
    prepare: (context) => {
      const rows = new TaskRows(context, "one");
      return Promise.resolve({
        steps: (epochs) => rows.updates(epochs),
        open: async (run) => openPart(context, run, new Supervised(await program.open(), rows)),
      });
    },
  };
}

function openPart(context: RunContext, run: OpenContext, objective: Supervised): MainPart {
  const { measured, train: { eval_every: every } } = context;
  return {
    name: "sft",
    objective,
    meters: measured.length > 0 ? [evalMeter(run, measured, every)] : [],
    task: (count) => taskSample(context, count, "nats a token", (rows) => queueLoss(run, rows)),
    close: () => objective.program.compiled.destroy(),
  };
}

/** Mean negative log-likelihood over the rows of packed micro-batches. */
class Supervised implements Objective {
  readonly #planned = new Map<number, readonly Batch[]>();

  constructor(
    readonly program: LossProgram,
    private readonly rows: TaskRows,
  ) {}

  get count(): number {
    return this.rows.count;
  }

  get capacity(): number {
    return this.program.capacity;
  }

  async plan(step: number) {
    const batches = await this.rows.batches(step);
    this.#planned.set(step, batches);
    const weights = tokenWeights(batches);
    return batches.map((batch, i) => rowsReplay(this.program, batch, weights[i]!));
  }

  observe(step: number, losses: readonly Float32Array[]) {
    const batches = this.#planned.get(step)!;
    this.#planned.delete(step);
    let [loss, supervised] = [0, 0];
    for (const [i, batch] of batches.entries()) {
      for (let row = 0; row < batch.supervised; row++) loss += losses[i]![row]!;
      supervised += batch.supervised;
    }
    return { minimised: loss, fields: { loss, supervised } };
  }
}

/**
 * What each supervised token of an update's rows counts: 1 / their number over the whole update, so
 * that packing and micro-batches change nothing.
 */
export function tokenWeights(batches: readonly Batch[]): Float32Array[] {
  const tokens = batches.reduce((sum, { supervised }) => sum + supervised, 0);
  return batches.map(({ supervised }) => new Float32Array(supervised).fill(1 / tokens));
}

/** `eval_loss`: nats a token on rows that are not trained on. */
function evalMeter(run: OpenContext, rows: readonly Example[], every: number): Meter {
  return {
    known: {},
    metrics: [{ field: "eval_loss", better: "lower" }],
    isDue: (step) => every > 0 && step % every === 0,
    async measure() {
      const { result } = await queueLoss(run, rows);
      return { result: result.then((loss) => ({ eval_loss: loss })) };
    },
  };
}

async function queueLoss(
  { tuned }: OpenContext,
  rows: readonly Example[],
): Promise<Queued<number>> {
  const { result } = await queuePerplexity(await tuned(), rows);
  return { result: result.then(({ nll }) => nll) };
}
