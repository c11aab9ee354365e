/**
 * The part of the table that says what answers are worth: an object of its own for each kind of
 * reward, or the name of a metric for that metric with nothing but defaults.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { ConfigError } from "../errors.ts";
import { metrics } from "../eval/metrics/mod.ts";
import type { RewardConfig } from "../rewards/settings.ts";
import { configFaults } from "./faults.ts";
import { prepare, type SchemaNode } from "./keys.ts";
import { count, name, pattern } from "./kinds.ts";

const kind = <K extends RewardConfig["kind"]>(name: K) =>
  z.literal(name).describe(
    "metric: a metric of answers beside a column of the row; regex: whether a pattern matches; " +
      "format: whether it is made of tags; length: what too few or too many words cost",
  );

const weight = z.number().gte(-1e30).lte(1e30).default(1)
  .describe("what it counts in the sum of several");

const TEXT_METRICS = metrics.filter(({ kind }) => kind === "text").map(({ name }) => name);

const metric = z.strictObject({
  kind: kind("metric"),
  weight,
  metric: z.enum(TEXT_METRICS).describe("name of the metric"),
  column: name.default("answer")
    .describe("column with the wanted answer, or a list of such of which the best counts"),
  within: name.exactOptional()
    .describe("tag whose contents are judged, such as answer; the whole answer when absent"),
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

const reward = z.discriminatedUnion("kind", [metric, regex, format, length]);

/** What answers are worth: the weighted sum of these. */
export const rewardsSchema: z.ZodType<readonly RewardConfig[]> = z.array(z.union([
  z.enum(TEXT_METRICS).transform((metric) => reward.parse({ kind: "metric", metric })),
  reward,
])).min(1).describe("what answers are worth: names of metrics, or objects with a kind");

const holder = z.strictObject({ rewards: rewardsSchema });
const holderNode = z.toJSONSchema(holder, { io: "input" }) as SchemaNode;

/**
 * Rewards that stand alone, in no configuration; paths in them are relative to `folder`.
 *
 * @throws {ConfigError} With one line for each fault.
 */
export function parseRewards(rewards: unknown, folder: string): readonly RewardConfig[] {
  const values = prepare({ rewards }, folder, holderNode);
  const result = holder.safeParse(values);
  if (result.success) return result.data.rewards;
  const faults = configFaults(values, result.error.issues, holderNode);
  throw new ConfigError(faults.map(({ key, message }) => `${key}: ${message}`).join("\n"));
}
