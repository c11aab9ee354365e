/**
 * What a command on tasks says of questions and answers.
 *
 * @module
 */
import type { EncodedTask } from "../../eval/tasks/encode.ts";
import type { OpenModel } from "../../inference/open.ts";
import { isMangled } from "../../inference/tasks/answer.ts";
import { scoreModels } from "../../forgetting/task_scores.ts";
import type { TaskScores } from "../../eval/tasks/report.ts";
import { dim, say } from "../lib/term.ts";
import type { ResultFolder } from "./files.ts";

/** {@linkcode scoreModels}, said as it goes; answers are kept where there is a folder for them. */
export function scoreSaid(
  open: OpenModel,
  tasks: readonly EncodedTask[],
  { seed, result }: { readonly seed: number; readonly result: ResultFolder | null },
): Promise<TaskScores[]> {
  return scoreModels(open, tasks, {
    seed,
    take(answers, { task, name, seconds }) {
      say(dim(`${name} ${task}: ${answers.length} answers in ${seconds.toFixed(1)} s`));
      result?.add(task, name, open.model, answers);
    },
  });
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
