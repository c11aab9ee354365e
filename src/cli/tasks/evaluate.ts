/**
 * `deno task eval MODEL --tasks SPEC...`: a model answers tasks, and with `--adapter` the tuned one
 * beside it.
 *
 * @module
 */
import { rowTokenizer } from "../../data/mod.ts";
import { type EncodedTask, encodeTask } from "../../eval/tasks/encode.ts";
import { readTasks } from "../../eval/tasks/read.ts";
import { type TaskScores, taskScores } from "../../eval/tasks/report.ts";
import { openTuned } from "../../tune/cache.ts";
import { type Answered, answerTask, isMangled } from "../../inference/tasks/answer.ts";
import { openRanking } from "../../inference/tasks/rank.ts";
import { type Answerer, openWriting, writingSizes } from "../../inference/tasks/write.ts";
import { within } from "../../progress.ts";
import { type OpenModel, openModel } from "../../inference/open.ts";
import type { Arguments } from "../lib/args.ts";
import { fetchFolder } from "../lib/hub.ts";
import { numberOf } from "../lib/number.ts";
import { quantizeOf } from "../lib/quantize.ts";
import { answer, dim, say } from "../lib/term.ts";
import { ResultFolder } from "./files.ts";
import { entriesOf, seedOf } from "./specs.ts";
import { promptLines, scoreLines } from "./table.ts";

/** Runs the command; resolves to the exit code. */
export async function evaluateTasks(parsed: Arguments): Promise<number> {
  const { positionals: [place], flags } = parsed;
  const tasks = await readTasks(entriesOf(parsed));
  const seed = seedOf(flags);
  const wanted = numberOf(flags, "context", Infinity, { least: 8, whole: true });
  const folder = await fetchFolder(place!, "model");
  const adapter = flags["adapter"] && await fetchFolder(flags["adapter"], "adapter");
  const quantize = quantizeOf(flags);
  using device = await openTuned({}, say);
  using open = openModel(device, folder, adapter, { quantize, say });
  const context = Math.min(open.model.config.context, wanted);
  const tokenizer = rowTokenizer(open.model);
  const encoded = tasks.map((task) => encodeTask(task, tokenizer, { context }));
  for (const task of encoded) sayPrompts(open, task);
  const result = flags["out"] === undefined ? null : new ResultFolder(flags["out"]);
  const answers = new Map<string, Answered[][]>();
  for (const model of adapter ? ["base", "tuned"] : ["base"]) {
    const adapt = model === "tuned" ? open.adapt : undefined;
    answers.set(model, await answerAll({ ...open, adapt }, encoded, model, result));
  }
  const scores = tasks.map((task, i) => {
    const byModel = Array.from(answers, ([model, of]) => [model, of[i]!] as const);
    return taskScores(task, Object.fromEntries(byModel), seed);
  });
  const summary = { model: place, ...(adapter && { adapter: flags["adapter"] }), seed };
  result?.finish({ ...summary, tasks: scores });
  show(scores, { ...summary, tasks: scores }, flags["json"] !== undefined);
  return 0;
}

/** What a task is, and the first question as the model reads it. */
function sayPrompts({ model }: OpenModel, { task, phrasings }: EncodedTask): void {
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

function show(scores: readonly TaskScores[], summary: object, json: boolean): void {
  if (json) return answer(JSON.stringify(summary));
  for (const line of scoreLines(scores)) answer(line);
  const prompts = promptLines(scores);
  if (prompts.length > 0) answer("");
  for (const line of prompts) answer(line);
}
