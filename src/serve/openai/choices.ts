/**
 * The choices of a request: what the queue makes of it, as pieces of text.
 *
 * @module
 */
import {
  type AnswerEnd,
  type MadeToken,
  type QueuedAnswer,
  type QueuedRequest,
  QueueFull,
} from "../../inference/queue.ts";
import { streamText } from "../../inference/text.ts";
import type { Served } from "../served.ts";
import { HttpFault } from "../../http/fault.ts";
import type { AnyRequest } from "./request.ts";

/** A prompt as it is asked. */
export interface Asked {
  readonly ids: readonly number[];
  /** Ids that end its answer beside those of the model. */
  readonly ends: readonly number[];
}

/** A piece of a choice's text, and its tokens where their likelihoods were asked for. */
export interface Piece {
  readonly text: string;
  readonly tokens: readonly MadeToken[];
}

/** A choice under way. */
export interface Choice {
  readonly index: number;
  /** Yields its pieces and returns why it ended. */
  readonly pieces: AsyncGenerator<Piece, AnswerEnd>;
  /** Tokens made so far. */
  made(): number;
  /** Ends it: the client has gone. */
  abandon(): void;
}

/**
 * Puts a request into the queue: `n` choices of each prompt, those of the first prompt first.
 *
 * @param likeliest How many of the likeliest tokens are told; null for no likelihoods.
 * @throws {HttpFault} where the model is unknown, a prompt does not fit or too many wait.
 */
export function choicesOf(
  served: Served,
  request: AnyRequest,
  prompts: readonly Asked[],
  { maxTokens, likeliest }: { maxTokens: number; likeliest: number | null },
): Choice[] {
  const seed = request.seed ?? crypto.getRandomValues(new Uint32Array(1))[0]!;
  const choices: Choice[] = [];
  try {
    for (const { ids, ends } of prompts) {
      for (let n = 0; n < request.n; n++) {
        const answer = served.queue.submit({
          ...drawingOf(served, request),
          name: request.model,
          prompt: ids,
          maxTokens,
          stop: [...served.ends, ...ends],
          seed: seed >>> 0,
          choice: choices.length,
          likeliest,
        });
        choices.push(choiceOf(served, choices.length, ids, answer, request.stop));
      }
    }
    return choices;
  } catch (fault) {
    for (const { abandon } of choices) abandon();
    if (fault instanceof QueueFull) {
      throw new HttpFault(503, fault.message, null, { "retry-after": "1" });
    }
    if (fault instanceof RangeError) throw new HttpFault(400, fault.message, "prompt");
    throw fault;
  }
}

/** How tokens are drawn: as the request says, else as the model's makers would, else at temperature 1. */
function drawingOf(
  served: Served,
  request: AnyRequest,
): Omit<QueuedRequest, "name" | "prompt" | "maxTokens" | "stop" | "seed" | "choice" | "likeliest"> {
  const { temperature, top_p, top_k, min_p, logit_bias } = request;
  const suggested = served.sampling;
  return {
    temperature: temperature ?? suggested.temperature ?? 1,
    topP: top_p ?? suggested.topP ?? 1,
    topK: Math.max(0, top_k ?? suggested.topK ?? 0),
    minP: min_p ?? suggested.minP ?? 0,
    frequencyPenalty: request.frequency_penalty ?? 0,
    presencePenalty: request.presence_penalty ?? 0,
    bias: new Map(Object.entries(logit_bias ?? {}).map(([id, add]) => [Number(id), add])),
  };
}

function choiceOf(
  served: Served,
  index: number,
  prompt: readonly number[],
  { tokens, abandon }: QueuedAnswer,
  stops: readonly string[],
): Choice {
  let made = 0;
  let end: AnswerEnd = "stop"; // where a text ends it
  let pending: MadeToken[] = [];
  async function* passing() {
    for (;;) {
      const { value, done } = await tokens.next();
      if (done) return void (end = value);
      made++;
      pending.push(value);
      yield value.id;
    }
  }
  async function* pieces(): AsyncGenerator<Piece, AnswerEnd> {
    try {
      const decoder = { decode: (ids: readonly number[]) => served.decode(ids) };
      for await (const text of streamText(decoder, prompt, passing(), stops)) {
        yield { text, tokens: pending };
        pending = [];
      }
      if (pending.length > 0) yield { text: "", tokens: pending };
      return end;
    } finally {
      abandon();
    }
  }
  return { index, pieces: pieces(), made: () => made, abandon };
}
