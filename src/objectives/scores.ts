/**
 * Learning to score documents, by a head of scores in place of the next token: classes, rewards.
 *
 * The gradient of a loss of scores is linear in each document's, given its derivative by them. So an
 * update runs forward first, for the scores; what the loss makes of them is then what each score
 * counts.
 *
 * @module
 */
import type { Batch, Example } from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import type { Queued } from "../eval/documents.ts";
import { ownBytes } from "../graph/footprint.ts";
import { refuseEncoder } from "../models/layers/source_rows.ts";
import { type Model, SCORE } from "../models/model.ts";
import { ScoreProgram } from "../models/score_program.ts";
import { HEAD_MODULE } from "../models/stored.ts";
import { DRAW } from "../ops/mod.ts";
import { type ForwardFirst, forwardFirst } from "./forward_first.ts";
import type { Fields, MainMethod, MainPlan, PlanContext, Replay } from "./objective.ts";
import type { ScoredRow, ScoreLoss } from "./scores/loss.ts";
import { lossOf } from "./scores/mod.ts";
import { queueExamples, queueScores } from "./scores/scorer.ts";
import type { ScoreConfig } from "./settings.ts";
import { microBatches, TaskRows } from "./task_rows.ts";

/** Learning to score documents. */
export function scoring(config: ScoreConfig): MainMethod {
  const loss = lossOf(config);
  const { answers, labels, scores } = loss;
  return {
    answers,
    ...(labels && { labels }),
    scores,
    plan: (context) => plan(context, config.kind, loss),
  };
}

function plan(context: PlanContext, kind: string, loss: ScoreLoss): MainPlan {
  const { engine, model, graph, train } = context;
  refuseEncoder(model, `for objective.kind ${kind}`);
  refuseHead(model, context, kind);
  const program = ScoreProgram.plan(engine, model, { ...graph, train: true });
  if (program.graph.values.some(({ name }) => name === DRAW)) {
    const wanted = "wanted none: scores are looked at before they are taken back";
    throw new ConfigError(`adapter.dropout: found one beside objective.kind ${kind}, ${wanted}`);
  }
  const forward = ScoreProgram.plan(engine, model, graph);
  return {
    count: microBatches(train),
    measures: false,
    memory: {
      weights: program.footprint.weights,
      activations: ownBytes(program.footprint),
      "of scores": ownBytes(forward.footprint),
    },
    step: program,
    params: program.graph.values.filter(({ kind }) => kind === "param"),
    prepare: (context) => {
      const rows = new TaskRows(context, loss.answers);
      const open = async () => {
        const objective = new Scoring(await program.open(), await forward.open(), rows, loss);
        const { unit, columns, metrics } = loss;
        return forwardFirst(context, objective, { name: kind, unit, columns, metrics });
      };
      return Promise.resolve({ steps: (epochs) => rows.updates(epochs), open });
    },
  };
}

/** The head of the next token has no part in scores. */
function refuseHead(model: Model, { graph, engine }: PlanContext, kind: string): void {
  const { graph: built } = model.lossGraph(engine, { ...graph, train: false });
  const param = built.values.find(({ kind, name }) =>
    kind === "param" && name.startsWith(`${HEAD_MODULE}.`)
  );
  if (!param) return;
  const wanted = `wanted modules that have a part in ${SCORE}`;
  throw new ConfigError(`adapter: found ${param.name} beside objective.kind ${kind}, ${wanted}`);
}

/** The mean loss over the rows of an update. */
class Scoring implements ForwardFirst {
  readonly #planned = new Map<number, Fields>();

  constructor(
    private readonly program: ScoreProgram,
    private readonly forward: ScoreProgram,
    private readonly rows: TaskRows,
    readonly loss: ScoreLoss,
  ) {}

  get count(): number {
    return this.rows.count;
  }

  get capacity(): number {
    return this.program.capacity * this.program.width;
  }

  /** A sync point: what a score counts depends on all of them. */
  async plan(step: number) {
    const batches = await this.rows.batches(step);
    const { result } = await queueScores(this.forward, batches, (i) => this.rows.at(i));
    const scored = await result;
    const all = scored.flat();
    const { dscores } = this.loss.gradient(all);
    this.#planned.set(step, this.#fieldsOf(all));
    let row = 0;
    return batches.map((batch, i) => {
      const weights = dscores.slice(row, row += scored[i]!.length).flat();
      return scoresReplay(this.program, batch, weights);
    });
  }

  observe(step: number) {
    const fields = this.#planned.get(step)!;
    this.#planned.delete(step);
    return { minimised: fields["loss"]!, fields };
  }

  /** Submits a measurement of rows. */
  async queue(examples: readonly Example[]): Promise<Queued<Fields>> {
    const { result } = await queueExamples(this.forward, examples);
    return { result: result.then((rows) => this.#fieldsOf(rows)) };
  }

  close(): void {
    this.forward.compiled.destroy();
    this.program.compiled.destroy();
  }

  #fieldsOf(rows: readonly ScoredRow[]): Fields {
    return { loss: this.loss.gradient(rows).loss, ...this.loss.statistics(rows) };
  }
}

/** A replay in which each score of each document counts what it is given. */
function scoresReplay(
  program: ScoreProgram,
  batch: Batch,
  weights: readonly ArrayLike<number>[],
): Replay {
  return {
    tokens: batch.used,
    supervised: batch.documents.length,
    losses: program.compiled.output("scores"),
    run(draw, after) {
      program.feed(batch, weights, draw);
      program.run(after);
    },
    evidence: {
      examples: [...new Set(batch.documents.map(({ example }) => example))],
      firstNonFinite(draw) {
        program.feed(batch, weights, draw);
        return program.firstNonFinite();
      },
    },
  };
}
