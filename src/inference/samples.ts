/**
 * What the model of a run writes as it is, over the run's own weights.
 *
 * @module
 */
import { type Example, lengthOf, UNSUPERVISED } from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import { ownBytes } from "../graph/footprint.ts";
import { refuseEncoder } from "../models/layers/source_rows.ts";
import type {
  MethodPlan,
  Part,
  PlanContext,
  Prepared,
  RunContext,
  SampleText,
  SideMethod,
} from "../objectives/objective.ts";
import { permutation } from "../random.ts";
import { BatchGenerator } from "./batch.ts";

/** When and how much a run writes. */
export interface SampleSettings {
  /** Updates from one time to the next, above 0. */
  readonly every: number;
  /** Rows that are answered each time. */
  readonly count: number;
  /** The most tokens of an answer. */
  readonly tokens: number;
}

/** Lets the model of a run answer rows, of `eval.data` or where there are none of the training data. */
export const trainingSamples = (settings: SampleSettings): SideMethod => ({
  plan: (context) => Promise.resolve(plan(context, settings)),
});

/** The prompt of any row has room, whichever are drawn. */
function plan(
  { engine, model, graph: { adapt, full = false }, maxTokens }: PlanContext,
  { every, count, tokens }: SampleSettings,
): MethodPlan<Prepared<Part>> {
  refuseEncoder(model, "for eval.sample_every");
  const context = Math.min(model.config.context, maxTokens + tokens);
  const planned = BatchGenerator.plan(engine, model, { context, slots: count, adapt, full });
  return {
    count: 0,
    measures: false,
    memory: { "to write samples": planned.footprint.states + ownBytes(planned.footprint) },
    prepare: async (context) => {
      const prompts = await promptsOf(context, count);
      if (prompts.length === 0) {
        const wanted = "found no row that begins with a prompt, wanted one";
        throw new ConfigError(`eval.sample_every: ${wanted}`);
      }
      const open = async () => {
        const batch = await planned.open();
        return {
          name: "samples",
          sampler: {
            isDue: (step: number) => step % every === 0,
            sample: () => sampleTexts(batch, prompts, tokens),
          },
          close: () => batch[Symbol.dispose](),
        };
      };
      return { open };
    },
  };
}

/** What a batch generator answers to prompts, greedily, as its model is now. A sync point. */
export async function sampleTexts(
  batch: BatchGenerator,
  prompts: readonly (readonly number[])[],
  maxTokens: number,
): Promise<SampleText[]> {
  const { tokenizer } = batch.model;
  const answers = await batch.generate(prompts, { maxTokens });
  return answers.map(({ ids }, i) => {
    return { prompt: tokenizer.decode(prompts[i]!), text: tokenizer.decode(ids) };
  });
}

/** The prompts of some rows, drawn by seed; of a text its first token, which nothing predicts. */
async function promptsOf(
  { model, measured, rows: { examples }, train: { seed } }: RunContext,
  count: number,
): Promise<number[][]> {
  const all = measured.length > 0 ? measured : examples;
  const order = permutation(all.length, seed).subarray(0, count);
  if (measured.length === 0) await examples.arrived?.(order);
  return Array.from(order, (i) => all.at(i)!)
    .filter((row) => lengthOf(row) > 0)
    .map((row) => [...row.ids.subarray(0, promptLength(row))])
    .filter(({ length }) => length > 0 && length < model.config.context);
}

/** How many tokens of a row are there before it is to answer. */
export function promptLength({ labels, sourceLength }: Example): number {
  return sourceLength ?? labels.findIndex((label) => label !== UNSUPERVISED);
}
