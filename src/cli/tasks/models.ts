/**
 * The models of a command on tasks: the base, and the tuned one beside it where there is an adapter.
 *
 * @module
 */
import { type Example, UNSUPERVISED } from "../../data/mod.ts";
import { rowsFor } from "../../eval/documents.ts";
import type { EncodedTask } from "../../eval/tasks/encode.ts";
import { type Divergence, type TaskScores, taskScores } from "../../eval/tasks/report.ts";
import { compareModels } from "../../forgetting/select/comparison.ts";
import type { OpenModel } from "../../inference/open.ts";
import { type Answered, answerTask, isMangled } from "../../inference/tasks/answer.ts";
import { openRanking } from "../../inference/tasks/rank.ts";
import { type Answerer, openWriting, writingSizes } from "../../inference/tasks/write.ts";
import { LossProgram } from "../../models/loss_program.ts";
import { within } from "../../progress.ts";
import { dim, say } from "../lib/term.ts";
import type { ResultFolder } from "./files.ts";

/** How models are scored. */
export interface ScoreOptions {
  /** Decides which rows are drawn again for intervals. */
  readonly seed: number;
  /** Where answers are kept; null for nowhere. */
  readonly result: ResultFolder | null;
}

/** Answers and scores tasks by the base, and by the tuned model as it is in the store. */
export async function scoreModels(
  open: OpenModel,
  tasks: readonly EncodedTask[],
  { seed, result }: ScoreOptions,
): Promise<TaskScores[]> {
  const base = await answerAll({ ...open, adapt: undefined }, tasks, "base", result);
  if (!open.adapt) return tasks.map(({ task }, i) => taskScores(task, { base: base[i]! }, seed));
  const tuned = await answerAll({ ...open, adapt: open.adapt }, tasks, "tuned", result);
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

/** What a task is, and the first question as the model reads it. */
export function sayPrompts({ model }: OpenModel, { task, phrasings }: EncodedTask): void {
  const questions = phrasings.flatMap(({ questions }) => questions);
  const words = phrasings.length > 1 ? ` in ${phrasings.length} prompts` : "";
  say(dim(`${task.name}: ${task.rows} rows${words}; the first prompt:`));
  const first = model.tokenizer.decode([...questions[0]!.prompt], { skipSpecial: false });
  say(dim(first.trim().split("\n").map((line) => `  | ${line}`).join("\n")));
  const mangled = questions.filter((question) => isMangled(model, question));
  if (mangled.length > 0) {
    const { origin } = mangled[0]!.content;
    say(
      `${task.name}: ${mangled.length} of ${questions.length} prompts lack some of what was asked ` +
        `once template and tokenizer are through with it, the first of ${origin}`,
    );
  }
  const silent = phrasings.filter(({ questions }) => questions.length < task.rows);
  for (const { name, questions } of silent) {
    say(dim(`${task.name}: the prompt "${name}" words ${questions.length} rows of ${task.rows}`));
  }
}

/** The answers of one model, task by task. */
async function answerAll(
  answerer: Pick<OpenModel, "engine" | "model"> & Answerer,
  tasks: readonly EncodedTask[],
  name: string,
  result: ResultFolder | null,
): Promise<Answered[][]> {
  const { model } = answerer;
  const sizes = writingSizes(model, tasks);
  using writing = sizes && await openWriting(answerer, sizes);
  const ranked = choicesIn(tasks);
  using ranking = ranked.length > 0 ? await openRanking(answerer, ranked) : null;
  const found: Answered[][] = [];
  for (const task of tasks) {
    const count = task.phrasings.reduce((sum, { questions }) => sum + questions.length, 0);
    const how = { model, write: writing?.write, rank: ranking?.rank };
    const began = performance.now();
    const title = `${name} ${task.task.name}`;
    const answers = await within(title, () => answerTask(how, task));
    const seconds = (performance.now() - began) / 1000;
    say(dim(`${title}: ${count} answers in ${seconds.toFixed(1)} s`));
    result?.add(task.task.name, name, model, answers);
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
