/**
 * Questions as a model reads them: the prompt of each, and each of its choices behind it.
 *
 * @module
 */
import {
  type Content,
  countSupervised,
  type Document,
  documentMaker,
  encode,
  type Example,
  faultNames,
  hasTemplate,
  packedLength,
  type RowTokenizer,
  type TemplateSetting,
  UNSUPERVISED,
} from "../../data/mod.ts";
import { FileError } from "../../errors.ts";
import { answered } from "./rows.ts";
import { type Question, ranksChoices, type Task, writesTexts } from "./task.ts";

/** A choice as a document whose supervised tokens are its own. */
export interface EncodedChoice {
  readonly text: string;
  /** Behind the prompt. */
  readonly example: Example;
  /** Behind BOS alone, or EOS where the model has no BOS. */
  readonly alone: Example | null;
}

/** A question with its ids. */
export interface EncodedQuestion extends Question {
  readonly prompt: readonly number[];
  /** Ids that end an answer beside those of the model: those that its template writes. */
  readonly ends: readonly number[];
  /** Null where no metric asks for likelihoods, or it has none. */
  readonly encoded: readonly EncodedChoice[] | null;
}

/** A task with the ids of its questions, phrasing by phrasing. */
export interface EncodedTask {
  readonly task: Task;
  readonly phrasings: readonly {
    readonly name: string;
    readonly questions: readonly EncodedQuestion[];
  }[];
}

/** Limits of what is encoded. */
export interface EncodeTaskOptions {
  /** Tokens of prompt and answer together; of each where an encoder reads the prompt. */
  readonly context: number;
}

/**
 * Encodes the questions of a task as rows of training are encoded. Exemplars are left out where the
 * context ends.
 *
 * @throws {FileError} for a prompt, or a choice behind it, that is longer than the context.
 * @throws {ConfigError} where the template does not fit.
 */
export function encodeTask(
  task: Task,
  tokenizer: RowTokenizer,
  { context }: EncodeTaskOptions,
): EncodedTask {
  const encoder = new QuestionEncoder(task, tokenizer, context);
  const phrasings = task.phrasings.map(({ name, questions }) => ({
    name,
    questions: questions.map((question) => encoder.encode(question)),
  }));
  return { task, phrasings };
}

class QuestionEncoder {
  readonly #documentOf: (content: Content, template: string) => Document;
  readonly #ends: ReadonlySet<number>;
  readonly #template: TemplateSetting | undefined;
  readonly #writes: boolean;
  readonly #ranks: boolean;
  readonly #wantsAlone: boolean;

  constructor(
    task: Task,
    private readonly tokenizer: RowTokenizer,
    private readonly context: number,
  ) {
    const { template } = task;
    const entry = { path: task.name, ...(template !== undefined && { template }) };
    const make = documentMaker({ ...entry, train_on: "last" }, hasTemplate(tokenizer));
    this.#documentOf = (content, byDefault) => make({ content, template: byDefault, choice: 0 });
    this.#ends = endsOf(tokenizer);
    this.#template = template;
    this.#writes = writesTexts(task);
    this.#ranks = ranksChoices(task);
    this.#wantsAlone = task.metrics.some((metric) =>
      metric.kind === "choices" && metric.needsAlone
    );
  }

  encode(question: Question): EncodedQuestion {
    const { content, choices } = question;
    const answer = choices ? this.#choiceText(question, choices.texts[0]!) : undefined;
    const asked = this.#fit(answer === undefined ? content : answered(content, answer), question);
    const { ids, labels } = asked;
    const prompt = [...ids.subarray(0, promptLength(asked))];
    const encoded = this.#ranks && choices
      ? choices.texts.map((text) => this.#choice(question, text))
      : null;
    const own = [...ids].filter((id, i) => labels[i] !== UNSUPERVISED && this.#ends.has(id));
    return { ...question, prompt, ends: [...new Set(own)], encoded };
  }

  #choice(question: Question, text: string): EncodedChoice {
    const content = answered(question.content, this.#choiceText(question, text));
    const whole = this.#fit(content, question);
    const example = withoutEnd(whole, this.#ends);
    const ids = [...example.labels].filter((label) => label !== UNSUPERVISED);
    if (ids.length > 0) return { text, example, alone: this.#wantsAlone ? this.#alone(ids) : null };
    throw new FileError(`${content.origin}: found a choice without a token, wanted one at least`);
  }

  #choiceText({ lead }: Question, text: string): string {
    return this.#template === undefined ? lead + text : text;
  }

  /** A document with as many of its exemplars as fit. */
  #fit(content: Content, question: Question): Example {
    let document = this.#documentOf(content, question.template);
    for (;;) {
      const example = encode(document, this.tokenizer, faultNames);
      if (countSupervised(example) === 0) {
        throw new FileError(`${content.origin}: found an answer without a token, wanted one`);
      }
      const prompt = promptLength(example);
      const answer = question.choices ? withoutEnd(example, this.#ends) : null;
      const needed = Math.max(
        this.#writes && example.sourceLength === undefined ? prompt + 1 : prompt,
        answer && this.#ranks ? packedLength(answer) : 0,
      );
      if (needed <= this.context) return example;
      if (!("shorter" in document) || !document.shorter) {
        throw new FileError(
          `${content.origin}: found a prompt of ${prompt} tokens, which with an answer needs ` +
            `${needed}, wanted at most ${this.context}, the context`,
        );
      }
      document = document.shorter();
    }
  }

  #alone(ids: readonly number[]): Example {
    const { bos, eos, target, virtual = [] } = this.tokenizer;
    const before = bos ?? eos;
    if (before === null || target) {
      throw new FileError("Found no BOS or EOS for an answer alone, wanted a decoder with one");
    }
    const all = [...virtual, before, ...ids];
    const labels = Int32Array.from(all);
    labels.fill(UNSUPERVISED, 0, virtual.length + 1);
    return { ids: Uint32Array.from(all), labels, origin: "an answer alone" };
  }
}

/** What ends texts: EOS and the special tokens of the model's folder. */
function endsOf({ chat, encode, eos }: RowTokenizer): ReadonlySet<number> {
  const special = chat?.specialTokens.flatMap((token) => encode(token)) ?? [];
  return new Set(eos === null ? special : [...special, eos]);
}

/** How many ids a model reads before it answers. */
const promptLength = ({ labels, sourceLength }: Example): number =>
  sourceLength ?? labels.findIndex((label) => label !== UNSUPERVISED);

/** An example without what follows the text of its answer. */
function withoutEnd(example: Example, ends: ReadonlySet<number>): Example {
  const { ids, labels } = example;
  const end = labels.findIndex((label) => label !== UNSUPERVISED && ends.has(label));
  if (end < 0) return example;
  return { ...example, ids: ids.slice(0, end), labels: labels.slice(0, end) };
}
