/**
 * Supervised fine-tuning: the mean negative log-likelihood of the supervised tokens of an update.
 *
 * @module
 */
import { type Batch, type Example, lengthOf, Stream } from "../data/mod.ts";
import { queuePerplexity } from "../eval/perplexity.ts";
import { LossProgram } from "../models/loss_program.ts";
import { permutation } from "../random.ts";
import type {
  MainMethod,
  MainPart,
  Meter,
  Objective,
  OpenContext,
  PreparedMain,
  RunContext,
  TaskSample,
} from "./objective.ts";
import { rowsReplay } from "./objective.ts";

/** Supervised fine-tuning. */
export const sft: MainMethod = {
  prepare: (context) => Promise.resolve(prepare(context)),
};

function prepare(context: RunContext): PreparedMain {
  const { engine, model, train, graph, rows: { examples, mixture }, measured } = context;
  const { micro_batch_tokens: T, seed, shuffle } = train;
  const stream = new Stream(examples, { T, seed, shuffle, ...mixture });
  const count = train.tokens_per_batch / T;
  const program = LossProgram.plan(engine, model, { ...graph, train: true });
  const { weights, temporary } = program.footprint;
  return {
    count,
    measures: measured.length > 0,
    memory: { weights, activations: temporary },
    params: program.graph.values.filter(({ kind }) => kind === "param"),
    steps: (epochs) => updatesOf(stream, epochs, count),
    open: async (run) =>
      openPart(context, run, new Supervised(await program.open(), stream, count)),
  };
}

function openPart(context: RunContext, run: OpenContext, objective: Supervised): MainPart {
  const { measured, train: { eval_every: every } } = context;
  return {
    name: "sft",
    objective,
    meters: measured.length > 0 ? [evalMeter(run, measured, every)] : [],
    task: (count) => taskSample(context, run, count),
    close: () => objective.program.compiled.destroy(),
  };
}

/** Mean negative log-likelihood over the rows of packed micro-batches. */
class Supervised implements Objective {
  readonly #planned = new Map<number, readonly Batch[]>();

  constructor(
    readonly program: LossProgram,
    private readonly stream: Stream,
    readonly count: number,
  ) {}

  get capacity(): number {
    return this.program.capacity;
  }

  async plan(step: number) {
    const batches: Batch[] = [];
    for (let index = step * this.count; index < (step + 1) * this.count; index++) {
      batches.push(await this.stream.micro(index));
    }
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
function evalMeter(
  { tuned }: Pick<OpenContext, "tuned">,
  rows: readonly Example[],
  every: number,
): Meter {
  return {
    known: {},
    isDue: (step) => every > 0 && step % every === 0,
    async measure() {
      const { result } = await queuePerplexity(await tuned(), rows);
      return { result: result.then(({ nll }) => ({ eval_loss: nll })) };
    },
  };
}

/** Rows of `eval.data` drawn by seed; where there are none, training rows stand in for them. */
async function taskSample(
  { measured, rows: { examples }, train: { seed } }: RunContext,
  { tuned }: Pick<OpenContext, "tuned">,
  count: number,
): Promise<TaskSample> {
  const all = measured.length > 0 ? measured : examples;
  const order = permutation(all.length, seed).slice(0, count);
  if (measured.length === 0) await examples.arrived?.(order);
  const rows = Array.from(order, (i) => all.at(i)!).filter((row) => lengthOf(row) > 0);
  return {
    rows,
    from: measured.length > 0 ? "eval.data" : "training rows",
    async queue() {
      const { result } = await queuePerplexity(await tuned(), rows);
      return { result: result.then(({ nll }) => nll) };
    },
  };
}

/** Updates that so many epochs fill. */
export async function updatesOf(
  stream: Stream,
  epochs: number,
  microBatches: number,
): Promise<number> {
  const whole = Math.floor(epochs);
  const next = await stream.micros(whole + 1);
  const before = await stream.micros(whole);
  const micros = before + (epochs - whole) * (next - before);
  return Math.max(1, Math.ceil(micros / microBatches));
}
