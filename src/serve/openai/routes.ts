/**
 * The routes of OpenAI's API.
 *
 * @module
 */
import { type ModelRequest, promptOf, readChatRequest } from "../../data/mod.ts";
import { ConfigError, FileError } from "../../errors.ts";
import { eventStream } from "../../http/events.ts";
import type { Served } from "../served.ts";
import { type Answering, CHAT, chunksOf, type Shape, TEXT, wholeAnswer } from "./answer.ts";
import { type Asked, choicesOf } from "./choices.ts";
import { HttpFault } from "../../http/fault.ts";
import { type AnyRequest, parseChat, parseCompletion } from "./request.ts";

/** `GET /v1/models`. */
export function listModels(served: Served): Response {
  const data = served.names.map((id) => ({ id, object: "model", created: 0, owned_by: "graft" }));
  return Response.json({ object: "list", data });
}

/**
 * `POST /v1/chat/completions`.
 *
 * @throws {HttpFault} for a request that cannot be answered.
 */
export async function answerChat(
  served: Served,
  body: unknown,
  signal: AbortSignal,
): Promise<Response> {
  const request = parseChat(body);
  refuseUnknown(served, request.model);
  if (request.top_logprobs && !request.logprobs) {
    throw new HttpFault(400, "top_logprobs: found without logprobs", "top_logprobs");
  }
  const asked = encoded(served, () => readChatRequest(request.messages), "messages");
  const { max_tokens, max_completion_tokens } = request;
  return await respond(served, request, [asked], {
    shape: CHAT,
    maxTokens: max_completion_tokens ?? max_tokens ?? served.context,
    likeliest: request.logprobs ? request.top_logprobs ?? 0 : null,
    signal,
  });
}

/** What follows a text where a request says no number. */
const TEXT_TOKENS = 16;

/**
 * `POST /v1/completions`.
 *
 * @throws {HttpFault} as {@linkcode answerChat}.
 */
export async function answerText(
  served: Served,
  body: unknown,
  signal: AbortSignal,
): Promise<Response> {
  const request = parseCompletion(body);
  refuseUnknown(served, request.model);
  const { prompt } = request;
  const isIds = Array.isArray(prompt) && typeof prompt[0] === "number";
  const prompts = isIds || typeof prompt === "string" ? [prompt] : prompt;
  const asked = prompts.map((prompt): Asked =>
    typeof prompt === "string"
      ? encoded(served, () => ({ kind: "text", text: prompt }), "prompt")
      : { ids: [...served.virtual, ...prompt as number[]], ends: [] }
  );
  return await respond(served, request, asked, {
    shape: TEXT,
    maxTokens: request.max_tokens ?? TEXT_TOKENS,
    likeliest: request.logprobs ?? null,
    signal,
  });
}

/** @throws {HttpFault} for a model that is not served. */
function refuseUnknown({ names }: Served, model: string): void {
  if (names.includes(model)) return;
  throw new HttpFault(404, `model: found "${model}", wanted ${names.join(" or ")}`, "model");
}

/** @throws {HttpFault} where the template or a turn refuses. */
function encoded({ tokenizer }: Served, read: () => ModelRequest, param: string): Asked {
  try {
    return promptOf(read(), tokenizer, { origin: "the request" });
  } catch (fault) {
    if (fault instanceof FileError || fault instanceof ConfigError) {
      throw new HttpFault(400, fault.message, param);
    }
    throw fault;
  }
}

interface How {
  readonly shape: Shape;
  readonly maxTokens: number;
  readonly likeliest: number | null;
  /** The client has gone. */
  readonly signal: AbortSignal;
}

async function respond(
  served: Served,
  request: AnyRequest,
  asked: readonly Asked[],
  { shape, maxTokens, likeliest, signal }: How,
): Promise<Response> {
  const choices = choicesOf(served, request, asked, { maxTokens, likeliest });
  const read = asked.reduce((sum, { ids }) => sum + ids.length - served.virtual.length, 0);
  const answering: Answering = {
    ...{ shape, served, choices, read },
    model: request.model,
    hasLogprobs: likeliest !== null,
  };
  const leave = () => choices.forEach(({ abandon }) => abandon());
  signal.addEventListener("abort", leave, { once: true });
  if (!request.stream) return Response.json(await wholeAnswer(answering));
  const chunks = chunksOf(answering, request.stream_options?.include_usage ?? false);
  return eventStream(chunks, leave);
}
