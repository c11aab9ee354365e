/**
 * The part of the table that says what answers are worth: an object of its own for each kind of
 * reward, or the name of a metric for that metric with nothing but defaults.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { metrics } from "../eval/metrics/mod.ts";
import { JUDGE_PROMPT, type RewardConfig } from "../rewards/settings.ts";
import { templateSchema } from "./data.ts";
import { count, name, path, pattern } from "./kinds.ts";

const kind = <K extends RewardConfig["kind"]>(name: K) =>
  z.literal(name).describe(
    "metric: a metric of answers beside a column of the row; regex: whether a pattern matches; " +
      "format: whether it is made of tags; length: what too few or too many words cost; " +
      "function: what a function of a file gives; json_schema: whether it is JSON of a schema; " +
      "model: what a model trained on comparisons gives; judge: the rating of a model elsewhere",
  );

const weight = z.number().gte(-1e30).lte(1e30).default(1)
  .describe("what it counts in the sum of several");

const TEXT_METRICS = metrics.filter(({ kind }) => kind === "text").map(({ name }) => name);

const within = name.exactOptional()
  .describe("tag whose contents are judged, such as answer; the whole answer when absent");

const metric = z.strictObject({
  kind: kind("metric"),
  weight,
  metric: z.enum(TEXT_METRICS).describe("name of the metric"),
  column: name.default("answer")
    .describe("column with the wanted answer, or a list of such of which the best counts"),
  within,
});

const regex = z.strictObject({
  kind: kind("regex"),
  weight,
  pattern: pattern.describe("regular expression that is to match somewhere"),
});

const format = z.strictObject({
  kind: kind("format"),
  weight,
  tags: z.array(z.string().regex(/^[\w-]+$/)).min(1)
    .describe("tags that the answer is made of, in their order, such as think,answer"),
  text_after: z.boolean().default(false).describe("whether text may follow the last"),
});

const length = z.strictObject({
  kind: kind("length"),
  weight,
  least: z.int().min(0).default(0).describe("fewest words that cost nothing"),
  most: z.int().min(0).exactOptional().describe("most words that cost nothing; any when absent"),
  margin: count.default(1).describe("words beyond after which the answer costs 1"),
}).refine(({ least, most = Infinity }) => least <= most, {
  path: ["most"],
  error: "found fewer words than in least, wanted as many at least",
});

const ownFunction = z.strictObject({
  kind: kind("function"),
  weight,
  path: path(
    "TypeScript that exports a function of prompt, completion and row, or one named batch",
  ),
  timeout: z.number().positive().lte(86_400).default(5).describe("seconds that a call may take"),
});

const jsonSchema = z.strictObject({
  kind: kind("json_schema"),
  weight,
  schema: path("JSON file with the schema"),
  within,
});

const model = z.strictObject({
  kind: kind("model"),
  weight,
  adapter: path("folder of an adapter of objective.kind reward, or of its run"),
  base: path("folder of its base; the one that it names when absent").exactOptional(),
  template: templateSchema.exactOptional().describe(
    "template of prompt and answer; that of the rows it was trained on, where they had none, when absent",
  ),
  context: z.int().min(16).multipleOf(8).default(1024)
    .describe("most tokens of prompt and answer; what is longer is cut"),
});

const rating = z.number().gte(-1e30).lte(1e30);

const judge = z.strictObject({
  kind: kind("judge"),
  weight,
  endpoint: z.string().regex(/^https?:\/\/\S+$/, "found no http(s)://HOST/v1, wanted one")
    .describe("address of OpenAI's API up to /v1; its key is OPENAI_API_KEY of the environment"),
  model: name.describe("name that it knows the model by"),
  prompt: name.default(JUDGE_PROMPT).describe(
    "what it is asked, with {prompt}, {completion} and columns in braces; it is to write [[rating]]",
  ),
  range: z.tuple([rating, rating]).default([1, 10])
    .refine(([worst, best]) => worst !== best, "found one number twice, wanted two")
    .describe("worst and best rating, which become 0 and 1"),
  unrated: rating.exactOptional()
    .describe("reward of an answer that is given no rating; the run stops when absent"),
  max_tokens: count.default(512).describe("most tokens of what it says"),
  timeout: z.number().positive().lte(86_400).default(120)
    .describe("seconds that it may take to answer"),
  parallel: count.default(4).describe("requests at a time"),
});

const reward = z.discriminatedUnion("kind", [
  ...[metric, regex, format, length] as const,
  ...[ownFunction, jsonSchema, model, judge] as const,
]);

/** What answers are worth: the weighted sum of these. */
export const rewardsSchema: z.ZodType<readonly RewardConfig[]> = z.array(z.union([
  z.enum(TEXT_METRICS).transform((metric) => reward.parse({ kind: "metric", metric })),
  reward,
])).min(1).describe("what answers are worth: names of metrics, or objects with a kind");
