/**
 * Plans of objectives whose tokens count by how likely the answers are, which is measured first.
 *
 * @module
 */
import { ownBytes } from "../graph/footprint.ts";
import { refuseEncoder } from "../models/layers/source_rows.ts";
import { LossProgram } from "../models/loss_program.ts";
import type { MainMethod, MainPart, MainPlan, PlanContext, RunContext } from "./objective.ts";
import { Likelihoods, refuseDropout } from "./preference/likelihoods.ts";
import { Reference } from "./preference/reference.ts";
import { baseAlone, ReferenceAdapter } from "./preference/reference_model.ts";
import { microBatches, TaskRows } from "./task_rows.ts";

/** What such an objective asks for. */
export interface ByLikelihoods {
  /** `objective.kind`, for messages. */
  readonly kind: string;
  readonly answers: MainMethod["answers"];
  /** Whether a reference measures the answers as well: the base, the adapter switched off. */
  readonly hasReference: boolean;
  /** The adapter with which the base measures, in place of the base alone. */
  readonly reference?: string | undefined;
  /** Whether all that is measured is rows of the run, so that the base need not see them again. */
  readonly isOfRows: boolean;
  open(
    context: RunContext,
    program: LossProgram,
    likelihoods: Likelihoods,
    rows: TaskRows,
  ): MainPart;
}

/**
 * The graph that trains and the one that measures, and the part of a run over them.
 *
 * @throws {ConfigError} for a model with an encoder, and beside dropout.
 */
export function planByLikelihoods(
  { engine, model, graph, train }: PlanContext,
  { kind, answers, hasReference, reference, isOfRows, open: openPart }: ByLikelihoods,
): MainPlan {
  refuseEncoder(model, `for objective.kind ${kind}`);
  const program = LossProgram.plan(engine, model, { ...graph, train: true });
  refuseDropout(kind, program);
  const comesAgain = isOfRows && (train.epochs ?? 1) > 1 && !graph.full;
  const isKept = hasReference && (reference !== undefined || comesAgain);
  const adapter = reference === undefined ? null : new ReferenceAdapter(engine, model, reference);
  const loss = hasReference && !isKept ? "kl" : "nll";
  const forward = LossProgram.plan(engine, model, { ...graph, loss });
  return {
    count: microBatches(train),
    measures: false,
    memory: {
      weights: program.footprint.weights,
      activations: ownBytes(program.footprint),
      "of likelihoods": ownBytes(forward.footprint),
    },
    step: program,
    params: program.graph.values.filter(({ kind }) => kind === "param"),
    prepare: (context) => {
      adapter?.refuseOtherBase();
      const rows = new TaskRows(context, answers);
      const open = async () => {
        const fromBase = isKept
          ? await Reference.open(context, adapter ?? baseAlone(engine, model))
          : hasReference
          ? "measured"
          : "none";
        const likelihoods = await Likelihoods.open(forward, fromBase, rows);
        return openPart(context, await program.open(), likelihoods, rows);
      };
      return Promise.resolve({ steps: (epochs) => rows.updates(epochs), open });
    },
  };
}
