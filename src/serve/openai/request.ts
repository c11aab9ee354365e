/**
 * Requests of OpenAI's API: what is read, checked and refused. A field has its effect, or is refused
 * by name; what says nothing beside its neutral value may be there with that.
 *
 * @module
 */
import { z } from "../../deps/zod.ts";
import { HttpFault } from "../../http/fault.ts";

/** A field that may be there, but only with a value that changes nothing. */
const neutral = (...values: readonly unknown[]) =>
  z.unknown().optional().refine(
    (value) =>
      value === undefined || values.some((one) => JSON.stringify(one) === JSON.stringify(value)),
    { message: "is not served" },
  );

const texts = z.union([z.string(), z.array(z.string()).max(16)]).nullish()
  .transform((stop) => [stop ?? []].flat().filter((text) => text !== ""));

/** What both kinds of requests have. */
const common = {
  model: z.string(),
  n: z.int().min(1).max(128).nullish().transform((n) => n ?? 1),
  stream: z.boolean().nullish().transform((stream) => stream ?? false),
  stream_options: z.strictObject({
    include_usage: z.boolean().optional(),
    include_obfuscation: z.literal(false).optional(),
  }).nullish(),
  stop: texts,
  seed: z.int().nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: z.int().min(-1).nullish(),
  min_p: z.number().min(0).max(1).nullish(),
  frequency_penalty: z.number().min(-2).max(2).nullish(),
  presence_penalty: z.number().min(-2).max(2).nullish(),
  logit_bias: z.record(z.string().regex(/^\d+$/), z.number().min(-100).max(100)).nullish(),
  user: z.string().nullish(),
};

const chatSchema = z.strictObject({
  ...common,
  messages: z.array(z.record(z.string(), z.unknown())).min(1),
  max_tokens: z.int().min(1).nullish(),
  max_completion_tokens: z.int().min(1).nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  response_format: neutral(null, { type: "text" }),
  tools: neutral(null, []),
  tool_choice: neutral(null, "none", "auto"),
  parallel_tool_calls: neutral(null, true),
  store: neutral(null, false),
  metadata: neutral(null, {}),
  modalities: neutral(null, ["text"]),
  service_tier: neutral(null, "auto", "default"),
});

const ids = z.array(z.int().min(0));

const completionSchema = z.strictObject({
  ...common,
  prompt: z.union([z.string(), ids, z.array(z.string()), z.array(ids)]),
  max_tokens: z.int().min(1).nullish(),
  logprobs: z.int().min(0).max(20).nullish(),
  echo: neutral(null, false),
  suffix: neutral(null, ""),
  best_of: neutral(null, 1),
});

/** A request for the answer to a chat. */
export type ChatRequest = z.output<typeof chatSchema>;

/** A request for what follows texts. */
export type CompletionRequest = z.output<typeof completionSchema>;

/** What both have. */
export type AnyRequest = ChatRequest | CompletionRequest;

/** @throws {HttpFault} where a field is missing, of another kind or not served. */
export const parseChat = (body: unknown): ChatRequest => parse(chatSchema, body);

/** @throws {HttpFault} as {@linkcode parseChat}. */
export const parseCompletion = (body: unknown): CompletionRequest => parse(completionSchema, body);

function parse<T extends z.ZodType>(schema: T, body: unknown): z.output<T> {
  const { success, data, error } = schema.safeParse(body);
  if (success) return data;
  const [issue] = error.issues;
  const unknown = issue!.code === "unrecognized_keys" ? issue!.keys[0]! : null;
  const param = unknown ?? issue!.path.join(".");
  const message = unknown ? "is not served" : issue!.message;
  throw new HttpFault(400, `${param || "the body"}: ${message}`, param || null);
}
