/**
 * Tasks answered and scored by the base, and by the tuned model beside it where there is an adapter.
 *
 * @module
 */
import { type Example, UNSUPERVISED } from "../data/mod.ts";
import { rowsFor } from "../eval/documents.ts";
import type { EncodedTask } from "../eval/tasks/encode.ts";
import { type Divergence, type TaskScores, taskScores } from "../eval/tasks/report.ts";
import { compareModels } from "./select/comparison.ts";
import { LossProgram } from "../models/loss_program.ts";
import { within } from "../progress.ts";
import type { OpenModel } from "../inference/open.ts";
import { type Answered, answerTask } from "../inference/tasks/answer.ts";
import { openRanking } from "../inference/tasks/rank.ts";
import { type Answerer, openWriting, writingSizes } from "../inference/tasks/write.ts";

/** Who answers. */
export type TaskModel = "base" | "tuned";

/** How models are scored. */
export interface ScoreOptions {
  /** Decides which rows are drawn again for intervals. */
  readonly seed: number;
  /** Gets the answers of a model to a task, and how long they took. */
  readonly take?: (
    answers: readonly Answered[],
    of: { readonly task: string; readonly name: TaskModel; readonly seconds: number },
  ) => void;
}

/** Answers and scores tasks by the base, and by the tuned model as it is in the store. */
export async function scoreModels(
  open: OpenModel,
  tasks: readonly EncodedTask[],
  { seed, take }: ScoreOptions,
): Promise<TaskScores[]> {
  const base = await answerAll({ ...open, adapt: undefined }, tasks, "base", take);
  if (!open.adapt) return tasks.map(({ task }, i) => taskScores(task, { base: base[i]! }, seed));
  const tuned = await answerAll({ ...open, adapt: open.adapt }, tasks, "tuned", take);
  const divergences = await divergencesOf(open, base);
  return tasks.map(({ task }, i) => ({
    ...taskScores(task, { base: base[i]!, tuned: tuned[i]! }, seed),
    divergence: divergences[i]!,
  }));
}

/** Of each task; null where nothing was written, or an encoder reads prompts. */
async function divergencesOf(
  { engine, model, adapt }: OpenModel,
  base: readonly (readonly Answered[])[],
): Promise<(Divergence | null)[]> {
  const rows = base.map((answers) => model.hasEncoder ? [] : answers.flatMap(exampleOf));
  if (rows.flat().length === 0) return base.map(() => null);
  const T = rowsFor(rows.flat());
  const both = await LossProgram.open(engine, model, { T, adapt, loss: "kl" });
  const found: (Divergence | null)[] = [];
  for (const examples of rows) {
    if (examples.length === 0) found.push(null);
    else {
      const compare = () => compareModels(both, examples);
      const { tokens, kl, agreement } = await within("comparing with the base's answers", compare);
      found.push({ tokens, kl, agreement });
    }
  }
  both.compiled.destroy();
  return found;
}

/** An answer as a document of which what was written counts; none where nothing was. */
function exampleOf({ question: { prompt, content: { origin } }, ids }: Answered): Example[] {
  if (ids === null || ids.length === 0) return [];
  const all = Uint32Array.from([...prompt, ...ids]);
  const labels = Int32Array.from(all, (id, i) => i < prompt.length ? UNSUPERVISED : id);
  return [{ ids: all, labels, origin }];
}

/** The answers of one model, task by task. */
async function answerAll(
  answerer: Pick<OpenModel, "engine" | "model"> & Answerer,
  tasks: readonly EncodedTask[],
  name: TaskModel,
  take: ScoreOptions["take"],
): Promise<Answered[][]> {
  const { model } = answerer;
  const sizes = writingSizes(model, tasks);
  using writing = sizes && await openWriting(answerer, sizes);
  const ranked = choicesIn(tasks);
  using ranking = ranked.length > 0 ? await openRanking(answerer, ranked) : null;
  const found: Answered[][] = [];
  for (const task of tasks) {
    const how = { model, write: writing?.write, rank: ranking?.rank };
    const began = performance.now();
    const title = `${name} ${task.task.name}`;
    const answers = await within(title, () => answerTask(how, task));
    const seconds = (performance.now() - began) / 1000;
    take?.(answers, { task: task.task.name, name, seconds });
    found.push(answers);
  }
  return found;
}

/** The choices of all questions that have some. */
const choicesIn = (tasks: readonly EncodedTask[]) =>
  tasks.flatMap(({ phrasings }) =>
    phrasings.flatMap(({ questions }) =>
      questions.flatMap(({ encoded }) => encoded ? [encoded] : [])
    )
  );
