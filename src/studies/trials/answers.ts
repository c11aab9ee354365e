/**
 * What a model answers to tasks, and how likely the right answers are to it, question by question.
 *
 * @module
 */
import {
  documentMaker,
  encode,
  type Example,
  faultNames,
  hasTemplate,
  packedLength,
  type RowTokenizer,
  rowTokenizer,
} from "../../data/mod.ts";
import { queueDocuments } from "../../eval/documents.ts";
import { encodeTask } from "../../eval/tasks/encode.ts";
import type { TaskEntry } from "../../eval/tasks/entry.ts";
import { readTasks } from "../../eval/tasks/read.ts";
import { answered } from "../../eval/tasks/rows.ts";
import type { Question, Task } from "../../eval/tasks/task.ts";
import type { OpenModel } from "../../inference/open.ts";
import { type Answered, answerTask } from "../../inference/tasks/answer.ts";
import { openRanking } from "../../inference/tasks/rank.ts";
import { openWriting, writingSizes } from "../../inference/tasks/write.ts";
import { LossProgram } from "../../models/loss_program.ts";

/** The name of a score that is no metric of an answer: nats a token of the first reference. */
export const NATS = "nats";

/** One answer. */
export interface ScoredQuestion {
  readonly row: number;
  /** "" where the row has its own words. */
  readonly phrasing: string;
  /** What it wrote; null where it only chose. */
  readonly output: string | null;
  /** The first of the right answers. */
  readonly reference: string;
  /** By metrics, and by {@link NATS}: the mean loss of the first reference, end of answer included. */
  readonly scores: Readonly<Record<string, number>>;
}

/** The answers to a task. */
export interface Answers {
  readonly answers: readonly ScoredQuestion[];
  /** Questions that do not fit into the context with their answers, and so were not asked. */
  readonly left_out: number;
}

/** A question with its right answer, as it would be trained on. */
interface Fitted {
  readonly question: Question;
  readonly example: Example;
}

/** Asks all tasks, one after the other. */
export async function answersOf(
  open: OpenModel,
  entries: readonly TaskEntry[],
  say: (line: string) => void,
): Promise<Record<string, Answers>> {
  const found: Record<string, Answers> = {};
  for (const task of await readTasks(entries)) {
    const { answers, left_out } = found[task.name] = await answersTo(open, task);
    if (left_out > 0) {
      say(`${task.name}: ${left_out} of ${left_out + answers.length} questions are too long`);
    }
  }
  return found;
}

async function answersTo(open: OpenModel, task: Task): Promise<Answers> {
  const { engine, model, adapt } = open;
  const { context } = model.config;
  const tokenizer = rowTokenizer(model);
  const fit = fitter(task, tokenizer, context);
  const phrasings = task.phrasings.map(({ name, questions }) => ({
    name,
    fitted: questions.flatMap((question) => fit(question) ?? []),
  })).filter(({ fitted }) => fitted.length > 0);
  const all = phrasings.flatMap(({ fitted }) => fitted);
  const asked = task.phrasings.reduce((sum, { questions }) => sum + questions.length, 0);
  const left_out = asked - all.length;
  if (all.length === 0) return { answers: [], left_out };
  const encoded = encodeTask(
    {
      ...task,
      phrasings: phrasings.map(({ name, fitted }) => ({
        name,
        questions: fitted.map(({ question }) => question),
      })),
    },
    tokenizer,
    { context },
  );
  const answerer = { engine, model, adapt };
  const sizes = writingSizes(model, [encoded]);
  using writing = sizes && await openWriting(answerer, sizes);
  const choices = encoded.phrasings.flatMap(({ questions }) =>
    questions.flatMap(({ encoded }) => encoded ? [encoded] : [])
  );
  using ranking = choices.length > 0 ? await openRanking(answerer, choices) : null;
  const answers = await answerTask({ model, write: writing?.write, rank: ranking?.rank }, encoded);
  const nats = await lossesOf(open, all.map(({ example }) => example));
  return { answers: answers.map((answer, i) => scored(answer, nats[i]!)), left_out };
}

const scored = (
  { question, phrasing, output, scores }: Answered,
  nats: number,
): ScoredQuestion => ({
  row: question.row,
  phrasing,
  output,
  reference: question.references[0]!,
  scores: { ...scores, [NATS]: nats },
});

/** Finds the document of a question; null where it is longer than the context. */
function fitter(
  { name, template }: Task,
  tokenizer: RowTokenizer,
  context: number,
): (question: Question) => Fitted | null {
  const entry = { path: name, ...(template !== undefined && { template }) };
  const make = documentMaker({ ...entry, train_on: "last" }, hasTemplate(tokenizer));
  return (question) => {
    const content = answered(question.content, question.references[0]!);
    let document = make({ content, template: question.template, choice: 0 });
    for (;;) {
      const example = encode(document, tokenizer, faultNames);
      if (packedLength(example) <= context) return { question, example };
      if (!("shorter" in document) || !document.shorter) return null;
      document = document.shorter();
    }
  };
}

/** The mean loss of each, in nats a token. */
async function lossesOf(
  { engine, model, adapt }: OpenModel,
  examples: readonly Example[],
): Promise<number[]> {
  const longest = examples.reduce((most, example) => Math.max(most, packedLength(example)), 0);
  const T = Math.ceil(Math.max(longest, LEAST_ROWS) / 8) * 8;
  const program = await LossProgram.open(engine, model, { T, adapt });
  try {
    const losses = await (await queueDocuments(program, examples)).result;
    return losses.map((of) => of.reduce((sum, nats) => sum + nats, 0) / of.length);
  } finally {
    program.compiled.destroy();
  }
}

/** Tokens that are measured at once at least: short questions beside each other. */
const LEAST_ROWS = 256;
