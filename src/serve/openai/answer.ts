/**
 * Answers of OpenAI's API, whole and in pieces.
 *
 * @module
 */
import type { MadeToken } from "../../inference/queue.ts";
import type { Served } from "../served.ts";
import type { Choice } from "./choices.ts";

/** What differs between answers to chats and to texts. */
export interface Shape {
  /** The beginning of ids. */
  readonly prefix: string;
  readonly whole: string;
  readonly chunk: string;
  /** A choice's text in a whole answer. */
  message(text: string): object;
  /** The first chunk of a choice, null for none. */
  readonly opening: object | null;
  /** A choice's piece of text. */
  delta(text: string): object;
  /** The last chunk of a choice. */
  readonly closing: object;
  logprobs(tokens: readonly MadeToken[], served: Served): object;
}

/** Answers to chats. */
export const CHAT: Shape = {
  prefix: "chatcmpl",
  whole: "chat.completion",
  chunk: "chat.completion.chunk",
  message: (content) => ({ message: { role: "assistant", content, refusal: null } }),
  opening: { delta: { role: "assistant", content: "" } },
  delta: (content) => ({ delta: { content } }),
  closing: { delta: {} },
  logprobs: (tokens, served) => ({
    content: tokens.map(({ id, likelihood }) => ({
      ...tokenOf(served, id),
      logprob: likelihood!.own,
      top_logprobs: likelihood!.likeliest.map(({ id, logLikelihood }) => {
        return { ...tokenOf(served, id), logprob: logLikelihood };
      }),
    })),
    refusal: null,
  }),
};

/** What follows texts. */
export const TEXT: Shape = {
  prefix: "cmpl",
  whole: "text_completion",
  chunk: "text_completion",
  message: (text) => ({ text }),
  opening: null,
  delta: (text) => ({ text }),
  closing: { text: "" },
  logprobs: (tokens, served) => ({
    tokens: tokens.map(({ id }) => served.decode([id])),
    token_logprobs: tokens.map(({ likelihood }) => likelihood!.own),
    top_logprobs: tokens.map(({ likelihood }) =>
      Object.fromEntries(
        likelihood!.likeliest.map(({ id, logLikelihood }) => [served.decode([id]), logLikelihood]),
      )
    ),
  }),
};

const tokenOf = (served: Served, id: number) => {
  const token = served.decode([id]);
  return { token, bytes: [...new TextEncoder().encode(token)] };
};

/** What is answered. */
export interface Answering {
  readonly shape: Shape;
  readonly served: Served;
  readonly model: string;
  readonly choices: readonly Choice[];
  /** Tokens of all prompts, without virtual ones. */
  readonly read: number;
  readonly hasLogprobs: boolean;
}

/** The answer as a whole. */
export async function wholeAnswer(answering: Answering): Promise<object> {
  const { shape, served, choices, hasLogprobs } = answering;
  const found = await Promise.all(choices.map(async ({ index, pieces }) => {
    let text = "";
    const tokens: MadeToken[] = [];
    for (;;) {
      const { value, done } = await pieces.next();
      if (done) {
        const logprobs = hasLogprobs ? shape.logprobs(tokens, served) : null;
        return { index, ...shape.message(text), logprobs, finish_reason: value };
      }
      text += value.text;
      tokens.push(...value.tokens);
    }
  }));
  return { ...headOf(answering, shape.whole), choices: found, usage: usageOf(answering) };
}

/** The answer in pieces, those of all choices as they come. */
export async function* chunksOf(
  answering: Answering,
  includeUsage: boolean,
): AsyncGenerator<object> {
  const { shape, served, choices, hasLogprobs } = answering;
  const head = headOf(answering, shape.chunk);
  const chunk = (
    index: number,
    body: object,
    logprobs: object | null,
    finish_reason: string | null,
  ) => ({
    ...head,
    choices: [{ index, ...body, logprobs, finish_reason }],
    ...(includeUsage && { usage: null }),
  });
  if (shape.opening) {
    for (const { index } of choices) yield chunk(index, shape.opening, null, null);
  }
  for await (const { index, result } of merged(choices)) {
    if (result.done) yield chunk(index, shape.closing, null, result.value);
    else {
      const { text, tokens } = result.value;
      const logprobs = hasLogprobs ? shape.logprobs(tokens, served) : null;
      yield chunk(index, shape.delta(text), logprobs, null);
    }
  }
  if (includeUsage) yield { ...head, choices: [], usage: usageOf(answering) };
}

/** Results of all choices in the order in which they come. */
async function* merged(choices: readonly Choice[]) {
  const next = async ({ index, pieces }: Choice) => ({ index, result: await pieces.next() });
  const pending = new Map(choices.map((choice) => [choice.index, next(choice)]));
  try {
    while (pending.size > 0) {
      const found = await Promise.race(pending.values());
      const { index, result } = found;
      if (result.done) pending.delete(index);
      else pending.set(index, next(choices.find((choice) => choice.index === index)!));
      yield found;
    }
  } finally {
    for (const promise of pending.values()) promise.catch(() => {});
    for (const { abandon } of choices) abandon();
  }
}

const headOf = ({ shape, model }: Answering, object: string) => ({
  id: `${shape.prefix}-${crypto.randomUUID()}`,
  object,
  created: Math.floor(Date.now() / 1000),
  model,
});

function usageOf({ read, choices }: Answering) {
  const made = choices.reduce((sum, choice) => sum + choice.made(), 0);
  return { prompt_tokens: read, completion_tokens: made, total_tokens: read + made };
}
