/**
 * The part of the table that says which tasks are answered and scored.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { formatNames } from "../data/mod.ts";
import { metricNames } from "../eval/metrics/mod.ts";
import { MAX_TOKENS } from "../eval/tasks/entry.ts";
import { didYouMean } from "../io/nearest.ts";
import { COLUMNS_HELP, columnsSchema, promptsSchema, templateSchema } from "./data.ts";
import { count, DATA, name, path, seed } from "./kinds.ts";

const metric = z.string().superRefine((name, context) => {
  if (metricNames.includes(name)) return;
  const wanted = `wanted one of ${metricNames.join(", ")}${didYouMean(name, metricNames)}`;
  context.addIssue({ code: "custom", message: `found ${JSON.stringify(name)}, ${wanted}` });
});

/** The keys of one entry of `eval.tasks`. */
export const taskSchema = z.strictObject({
  path: z.string().min(1).meta({
    description:
      "rows with answers in any format of data, a task of Super-NaturalInstructions, or the YAML " +
      "of a task of lm-eval; each file of a folder is a task; or a dataset on the hub " +
      "(owner/set:split), or builtin:refusal",
    format: DATA,
  }),
  name: z.string().regex(/^[^/]+$/).exactOptional()
    .describe("name in tables and metrics; made of the path when absent"),
  format: z.enum(formatNames).exactOptional()
    .describe("row format; told from the first row when absent"),
  columns: columnsSchema.exactOptional().describe(COLUMNS_HELP),
  rows: path("rows of a task of lm-eval, in place of those that its YAML names").exactOptional(),
  prompts: promptsSchema.exactOptional().describe(
    "puts rows into words, as in data; each row is asked in the words of every prompt",
  ),
  template: templateSchema.exactOptional().describe(
    "template by name (model = the model's own), written out, or a file of Jinja; as in data when " +
      "absent",
  ),
  metrics: z.array(metric).min(1).exactOptional()
    .describe(`names of metrics: ${metricNames.join(", ")}; chosen by the rows when absent`),
  choices: z.array(name).min(2).exactOptional()
    .describe("answers to choose from, for all rows; those of each row when absent"),
  shots: z.int().min(0).exactOptional().describe(
    "exemplars before the question, from the same rows; 0 when absent, of a task of " +
      "Super-NaturalInstructions its 2 positive examples",
  ),
  max_rows: count.exactOptional().describe("a seeded sample of so many rows; all when absent"),
  max_tokens: count.exactOptional()
    .describe(`most tokens of an answer; ${MAX_TOKENS} when absent, of lm-eval its max_gen_toks`),
  stop: z.array(name).exactOptional().describe("texts that end an answer and are no part of it"),
  seed: seed.default(0).describe("decides the sample and the exemplars"),
});
