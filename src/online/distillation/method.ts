/**
 * Distillation: a model learns what a larger one over the same vocabulary predicts, on the answers of rows
 * and on answers that it draws itself.
 *
 * Method: generalised knowledge distillation (Agarwal et al., 2024, arXiv 2306.13649). The divergence is
 * that of the guard, another model in the place of the base.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { ownBytes } from "../../graph/footprint.ts";
import { BatchGenerator } from "../../inference/batch.ts";
import { refuseEncoder } from "../../models/layers/source_rows.ts";
import { LossProgram } from "../../models/loss_program.ts";
import { Model } from "../../models/model.ts";
import { forwardFirst } from "../../objectives/forward_first.ts";
import type { MainMethod, MainPlan, PlanContext, RunContext } from "../../objectives/objective.ts";
import type { GkdConfig } from "../../objectives/settings.ts";
import { AnswerMix } from "./answers.ts";
import { Distillation, type Mixing } from "./objective.ts";
import { refuseOtherShape, refuseOtherTokens } from "./teacher.ts";

/**
 * Distillation from a teacher.
 *
 * @param mix gives the answers of updates in place of rows and model.
 */
export const distillation = (config: GkdConfig, mix?: AnswerMix["of"] | null): MainMethod => ({
  answers: "one",
  plan: (context) => plan(context, { config, mix }),
});

interface Given {
  readonly config: GkdConfig;
  readonly mix: AnswerMix["of"] | null | undefined;
}

/** The programs of a run, given its teacher. */
function programsOf({ engine, model, graph }: PlanContext, teacher: Model, config: GkdConfig) {
  const { beta, temperature } = config;
  const taught = {
    ...graph,
    ...{ loss: "kl", teacher: { model: teacher, beta }, temperature } as const,
  };
  return {
    program: LossProgram.plan(engine, model, { ...taught, train: true }),
    forward: LossProgram.plan(engine, model, taught),
  };
}

function plan(context: PlanContext, { config, mix }: Given): MainPlan {
  const { engine, model, graph, maxTokens } = context;
  const { prompts, lmbda } = config;
  refuseEncoder(model, "for objective.kind gkd");
  using shape = new Model(config.teacher, { shapeOnly: true });
  refuseEncoder(shape, "to teach");
  refuseOtherShape(shape, model, maxTokens);
  const { program, forward } = programsOf(context, shape, config);
  const { adapt, full = false } = graph;
  const sizes = { context: maxTokens, slots: prompts, adapt, full };
  const sampling = lmbda > 0 ? BatchGenerator.plan(engine, model, sizes) : null;
  return {
    count: prompts,
    measures: false,
    memory: {
      weights: program.footprint.weights,
      activations: ownBytes(program.footprint),
      "to measure the teacher": ownBytes(forward.footprint),
      ...(sampling && {
        "to draw answers": sampling.footprint.states + ownBytes(sampling.footprint),
      }),
    },
    step: program,
    params: program.graph.values.filter(({ kind }) => kind === "param"),
    prepare(context) {
      const open = async () => {
        const batch = sampling && !mix ? await sampling.open() : null;
        const answers = new AnswerMix(context, config, batch);
        return await openPart(context, config, {
          answers,
          of: mix ?? ((step) => answers.of(step)),
        });
      };
      const { length } = context.rows.examples;
      const steps = (epochs: number) =>
        Promise.resolve(Math.max(1, Math.ceil(epochs * length / prompts)));
      return Promise.resolve({ steps, open });
    },
  };
}

/** Loads the teacher beside the model: its files are closed once it is on the device. */
async function openPart(context: RunContext, config: GkdConfig, mixing: Mixing) {
  using teacher = new Model(config.teacher);
  refuseOtherTokens(teacher, context.model);
  const { program, forward } = programsOf(context, teacher, config);
  const opened = { program: await program.open(), forward: await forward.open() };
  const objective = new Distillation(opened, mixing);
  return {
    ...forwardFirst(context, objective, {
      ...{ name: "gkd", unit: "nats a token", columns: [], metrics: [] },
    }),
    tokens: () => objective.tokens,
    state: () => Promise.resolve({ tokens: objective.tokens }),
    restore: (state: unknown) => {
      if (!state) throw new FileError("Cannot resume: the checkpoint holds nothing of gkd");
      ({ tokens: objective.tokens } = state as { tokens: number });
    },
  };
}
