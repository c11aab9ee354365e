/**
 * Tasks that the model of a run answers while it trains, over the run's own weights.
 *
 * @module
 */
import { rowTokenizer } from "../../data/mod.ts";
import { choiceLikelihoods } from "../../eval/choices.ts";
import type { Queued } from "../../eval/documents.ts";
import { type EncodedTask, encodeTask } from "../../eval/tasks/encode.ts";
import type { TaskEntry } from "../../eval/tasks/entry.ts";
import { readTasks } from "../../eval/tasks/read.ts";
import { taskMeans } from "../../eval/tasks/report.ts";
import { ranksChoices } from "../../eval/tasks/task.ts";
import { ownBytes } from "../../graph/footprint.ts";
import type { Model } from "../../models/model.ts";
import { refuseEncoder } from "../../models/layers/source_rows.ts";
import type {
  Column,
  Fields,
  Meter,
  MethodPlan,
  OpenContext,
  Part,
  PlanContext,
  Prepared,
  SideMethod,
} from "../../objectives/objective.ts";
import type { BatchGenerator } from "../batch.ts";
import { answerTask, type Rank } from "./answer.ts";
import { planWriting, writingSizes } from "./write.ts";

/**
 * Measures tasks before the first update, `train.eval_every` apart and at the end: fields `task/NAME/METRIC`, 0 to 1.
 *
 * @param entries `eval.tasks`, at least one.
 */
export const trainingTasks = (entries: readonly TaskEntry[]): SideMethod => ({
  plan: (context) => plan(context, entries),
});

async function plan(
  context: PlanContext,
  entries: readonly TaskEntry[],
): Promise<MethodPlan<Prepared<Part>>> {
  const { engine, model, graph: { adapt, full = false, T }, train } = context;
  refuseEncoder(model, "for eval.tasks");
  const tasks = await encodedTasks(model, entries, T);
  const sizes = writingSizes(model, tasks);
  const planned = sizes && planWriting({ engine, model, adapt, full }, sizes);
  const measures = tasks.some(({ task }) => ranksChoices(task));
  return {
    count: 0,
    measures,
    memory: planned
      ? { "to answer tasks": planned.footprint.states + ownBytes(planned.footprint) }
      : {},
    prepare: ({ log }) => {
      for (const { task } of tasks) log(describeTask(task));
      const open = async ({ tuned }: OpenContext) => {
        const batch = planned && await planned.open();
        const losses = measures ? await tuned() : null;
        const rank = losses
          ? (of: Parameters<Rank>[0]) => choiceLikelihoods(losses, of)
          : undefined;
        return {
          name: "tasks",
          meters: [tasksMeter({ model, batch, rank }, tasks, train.eval_every)],
          columns: tasks.flatMap(columnsOf),
          close: () => batch?.[Symbol.dispose](),
        };
      };
      return Promise.resolve({ open });
    },
  };
}

function describeTask({ name, rows, phrasings, metrics }: EncodedTask["task"]): string {
  const words = phrasings.length > 1 ? ` in ${phrasings.length} prompts` : "";
  return `task ${name}: ${rows} rows${words}, scored by ${
    metrics.map(({ name }) => name).join(", ")
  }`;
}

/** Likelihoods are measured in the rows of the training program, of T tokens. */
async function encodedTasks(
  model: Model,
  entries: readonly TaskEntry[],
  T: number,
): Promise<EncodedTask[]> {
  const tasks = await readTasks(entries);
  const tokenizer = rowTokenizer(model);
  const { context } = model.config;
  return tasks.map((task) =>
    encodeTask(task, tokenizer, { context: ranksChoices(task) ? Math.min(context, T) : context })
  );
}

/** What answers. */
interface Answering {
  readonly model: Model;
  readonly batch: BatchGenerator | null;
  readonly rank: Rank | undefined;
}

/** A sync point: the next token is not known before the last. */
function tasksMeter(
  { model, batch, rank }: Answering,
  tasks: readonly EncodedTask[],
  every: number,
): Meter {
  const write = batch?.generate.bind(batch);
  return {
    known: {},
    metrics: tasks.flatMap((encoded) =>
      encoded.task.metrics.map(({ name }) => ({ field: fieldOf(encoded, name), better: "higher" }))
    ),
    isDue: (step) => step === 0 || (every > 0 && step % every === 0),
    async measure(): Promise<Queued<Fields>> {
      const fields: Record<string, number> = {};
      for (const encoded of tasks) {
        const answers = await answerTask({ model, write, rank }, encoded);
        for (const [metric, mean] of Object.entries(taskMeans(encoded.task, answers))) {
          fields[fieldOf(encoded, metric)] = mean;
        }
      }
      return { result: Promise.resolve(fields) };
    },
  };
}

/** The name of a metric of a task among the metrics of a run. */
const fieldOf = ({ task }: EncodedTask, metric: string): string => `task/${task.name}/${metric}`;

const columnsOf = (encoded: EncodedTask): Column[] =>
  encoded.task.metrics.map(({ name }) => ({
    field: fieldOf(encoded, name),
    label: encoded.task.name,
    of: name,
    unit: "number",
  }));
