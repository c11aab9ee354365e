/**
 * A model answers the questions of tasks: in writing, all of a task beside each other, or by the
 * likelihoods of what is to be chosen from.
 *
 * @module
 */
import {
  bestScore,
  type ChoiceLikelihood,
  likeliest,
  type Metric,
} from "../../eval/metrics/mod.ts";
import type { EncodedChoice, EncodedQuestion, EncodedTask } from "../../eval/tasks/encode.ts";
import { writesTexts } from "../../eval/tasks/task.ts";
import type { Model } from "../../models/model.ts";
import type { BatchGenerateOptions, Continuation } from "../batch.ts";
import { stopIds } from "../stop.ts";
import { stopAt } from "../text.ts";

/** What follows prompts, in their order. */
export type Write = (
  prompts: readonly (readonly number[])[],
  options: BatchGenerateOptions,
) => Promise<Continuation[]>;

/** The log-likelihoods of the choices of questions. */
export type Rank = (
  questions: readonly (readonly EncodedChoice[])[],
) => Promise<readonly (readonly ChoiceLikelihood[])[]>;

/** What a model answers with. */
export interface Answering {
  readonly model: Model;
  /** Absent where no task is written. */
  readonly write?: Write | undefined;
  /** Absent where no task is of choices. */
  readonly rank?: Rank | undefined;
}

/** What a model answered to a question. */
export interface Answered {
  readonly question: EncodedQuestion;
  /** The name of the prompt; "" where it is the row's own. */
  readonly phrasing: string;
  /** What it wrote, up to where it ended; null where it was only to choose. */
  readonly output: string | null;
  /** Its tokens, with that which ended it; null with the text. */
  readonly ids: readonly number[] | null;
  /** Whether it ended it, or a text of `stop` did; false where its tokens ran out. */
  readonly ended: boolean;
  readonly likelihoods: readonly ChoiceLikelihood[] | null;
  /** By the names of metrics, 0 to 1; without those of choices where there are none. */
  readonly scores: Readonly<Record<string, number>>;
}

/** Answers all questions of a task and scores them, phrasing by phrasing. */
export async function answerTask(
  { model, write, rank }: Answering,
  { task, phrasings }: EncodedTask,
): Promise<Answered[]> {
  const asked = phrasings.flatMap(({ name, questions }) =>
    questions.map((question) => ({ name, question }))
  );
  const questions = asked.map(({ question }) => question);
  const texts = writesTexts(task)
    ? await writeAll(model, write!, task, questions)
    : questions.map(() => null);
  const ranked = questions.filter(({ encoded }) => encoded !== null);
  const ranks = rank && ranked.length > 0 ? await rank(ranked.map(({ encoded }) => encoded!)) : [];
  const likelihoods = new Map(ranked.map((question, i) => [question, ranks[i]!]));
  return asked.map(({ name, question }, i): Answered => {
    const found = {
      question,
      output: texts[i]?.text ?? null,
      likelihoods: likelihoods.get(question) ?? null,
    };
    const scores = scoresOf(task.metrics, found);
    const { ended = true, ids = null } = texts[i] ?? {};
    return { ...found, phrasing: name, ended, ids, scores };
  });
}

/** What a model wrote. */
interface Written {
  readonly text: string;
  readonly ids: readonly number[];
  readonly ended: boolean;
}

async function writeAll(
  model: Model,
  write: Write,
  { maxTokens, stop: stopStrings }: EncodedTask["task"],
  questions: readonly EncodedQuestion[],
): Promise<Written[]> {
  const stop = [...new Set([...stopIds(model), ...questions.flatMap(({ ends }) => ends)])];
  const prompts = questions.map(({ prompt }) => prompt);
  const found = await write(prompts, { maxTokens, stop, stopStrings });
  return found.map(({ ids, end }) => {
    const whole = model.tokenizer.decode(ids);
    const at = stopAt(whole, stopStrings);
    return {
      text: at < 0 ? whole : whole.slice(0, at),
      ids: end === null ? ids : [...ids, end],
      ended: end !== null || at >= 0,
    };
  });
}

/** The scores of an answer by those metrics that apply to it. */
export function scoresOf(
  metrics: readonly Metric[],
  { question, output, likelihoods }: Pick<Answered, "question" | "output" | "likelihoods">,
): Record<string, number> {
  const scores: Record<string, number> = {};
  for (const metric of metrics) {
    if (metric.kind === "text") {
      scores[metric.name] = bestScore(metric, output!, question.references);
    } else if (likelihoods !== null) {
      const isRight = question.choices!.right.includes(likeliest(metric, likelihoods));
      scores[metric.name] = isRight ? 1 : 0;
    }
  }
  return scores;
}

/** Whether a prompt, as the model reads it, lacks a text that its row asks by. */
export function isMangled({ tokenizer }: Model, { prompt, content }: EncodedQuestion): boolean {
  const read = squeeze(tokenizer.decode([...prompt], { skipSpecial: false }));
  if (content.kind === "instruction") {
    const { instruction, fewer = [], input } = content;
    const isThere = (text: string) => read.includes(squeeze(text));
    return ![instruction, ...fewer].some(isThere) || !isThere(input);
  }
  const asked = content.kind === "chat"
    ? content.messages.slice(0, -1).map((turn) => turn.content)
    : [];
  return asked.some((text) => !read.includes(squeeze(text)));
}

/** Decoders put spaces of their own around some tokens. */
const squeeze = (text: string): string => text.replace(/\s+/g, "");
