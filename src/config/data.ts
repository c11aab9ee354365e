/**
 * The part of the table that says where rows come from and what becomes of them.
 *
 * @module
 */

import { z } from "../deps/zod.ts";
import { formats } from "../rows/formats/mod.ts";
import {
  type DataEntry,
  ON_EMPTY,
  PAIRS,
  POSITIVE_EXAMPLES,
  templateNames,
  TRAIN_ON,
} from "../data/mod.ts";
import { count, name, path, rows, seed } from "./kinds.ts";

/** One source of rows, and its place among the others. */
export interface DataConfig extends DataEntry {
  /** What it weighs in supervised tokens beside the other entries; no mixture when all lack it. */
  readonly weight?: number;
}

const templateChoices = [
  z.enum(templateNames),
  z.strictObject({ prompt: name, promptInput: name }),
  z.strictObject({ file: path("file of a chat template in Jinja") }),
];
/** One template. */
export const templateSchema = z.union(templateChoices);
const pattern = z.strictObject({ input: name, target: name });
/** Prompts: a file of them, or a list. */
export const promptsSchema = z.union([
  z.strictObject({
    promptsource: path("YAML file of PromptSource, one of its templates drawn for each row"),
    names: z.array(name).min(1).exactOptional().describe("only its templates of these names"),
    original_task: z.boolean().exactOptional()
      .describe("only its templates that do, or do not, ask for the dataset's own task"),
  }),
  z.strictObject({
    flan: path("JSON file of prompt and target patterns by task, as FLAN's"),
    task: name.describe("the task whose patterns to draw from"),
  }),
  z.strictObject({
    instructions: path("JSON file of annotations: instructions for rows of input and output"),
  }),
  z.array(z.union([
    pattern,
    z.strictObject({ jinja: name }),
  ])).min(1),
]);

/** Columns of files by the fields that they are. */
export const columnsSchema = z.record(name, name);
/** What is said of them. */
export const COLUMNS_HELP = "the column of the file for each field of the format, as " +
  '{"instruction": "question", "output": "answer"}; those of the same name when absent';

const share = z.number().gte(0).lte(1);
const fewShot = z.strictObject({
  share: share.describe("share of the rows that show exemplars from the same file"),
  shots: count.describe("exemplars of such a row"),
  least: count.exactOptional().describe("where given, from so many to shots, drawn for each row"),
});
const chainOfThought = z.strictObject({
  share: share.describe(
    "share of the rows asked for the way to their answer; the rest answer only",
  ),
  field: name.exactOptional().describe("field with the way; what is before #### when absent"),
  patterns: z.array(pattern).min(1).exactOptional()
    .describe(
      "list of {input, target} with {question}, {chain_of_thought}, {answer}; Flan's when absent",
    ),
});
const inversion = z.strictObject({
  share: share.describe("share of the rows asked the other way round, the answer given"),
  patterns: z.array(pattern).min(1).exactOptional()
    .describe("as those of chain_of_thought; Flan's when absent"),
});

/** The keys of one entry of `data`. */
export const dataSchema = z.strictObject({
  path: z.union([rows(""), z.array(rows("")).min(1)]).describe(
    "file, folder or pattern (rows-*.jsonl) of .json, .jsonl, .csv, .tsv, .txt (each also as .gz or " +
      ".zst), .parquet or .arrow, or a dataset on the hub (owner/set[@revision][:split or " +
      ":config/split]); or a " +
      "list of such, each split on its own",
  ),
  format: z.enum(formats.map(({ name }) => name)).exactOptional()
    .describe("row format; told from the first row when absent"),
  columns: columnsSchema.exactOptional().describe(COLUMNS_HELP),
  prompts: promptsSchema.exactOptional().describe(
    "puts rows into words: a file of prompts, or a list of {input, target} with {fields}, or of " +
      "{jinja} with ||| before the target; one is drawn for each row",
  ),
  template: z.union([...templateChoices, z.array(templateSchema).min(1)]).exactOptional()
    .describe(
      "template by name (model = the model's own), written out, or a file of Jinja; of a list one " +
        "is drawn for each row; when absent, the model's own around chats and instructions (alpaca " +
        "where it has none) and plain around complete prompts",
    ),
  few_shot: fewShot.exactOptional().describe("exemplars before the question; none when absent"),
  chain_of_thought: chainOfThought.exactOptional()
    .describe("rows asked for the way to their answer; none when absent"),
  inversion: inversion.exactOptional().describe("rows asked the other way round; none when absent"),
  date: z.iso.date().exactOptional().describe(
    "day that chat templates are told by strftime_now, as YYYY-MM-DD; when absent, the day on " +
      "which a run begins, which it keeps",
  ),
  seed: seed.default(0).describe("decides what is drawn for each row"),
  train_on: z.enum(TRAIN_ON).default(TRAIN_ON[0]!)
    .describe("turns of an assistant that are learnt; never those of weight 0"),
  on_empty: z.enum(ON_EMPTY).default(ON_EMPTY[0]!)
    .describe("what becomes of a row whose answer is empty, or whose two answers are the same"),
  pairs: z.enum(PAIRS).exactOptional().describe(
    "which two of a row's graded answers become a preference, for dpo, cpo, simpo and orpo; they " +
      "stay a ranking when absent",
  ),
  weight: z.number().positive().exactOptional().describe(
    "share of the supervised tokens beside the other entries (1 for those without); when none " +
      "has one and there is no mixture, every row comes once an epoch",
  ),
  positive_examples: z.int().min(0).default(POSITIVE_EXAMPLES)
    .describe("positive examples in the prompts of a Super-NaturalInstructions task"),
  max_row_mib: z.number().positive().max(500).exactOptional()
    .describe("longest row in MiB, refused before it fills the memory; 64 when absent"),
  eos: z.boolean().default(false).describe("end each text document with EOS, for pretraining"),
  special_tokens: z.boolean().default(false).describe(
    "read special tokens that are written out in the fields of rows, as <|im_end|>; they stay text " +
      "when false, and those that a template writes are always read",
  ),
  split: z.strictObject({
    part: name.describe("name of the part to use"),
    shares: z.record(name, z.number().positive()).describe("share of each part; they add up to 1"),
    seed: seed.default(0).describe("seed of the split"),
  }).exactOptional().describe("use one part of a random split; all of the file when absent"),
});

/** How the entries of `data` are mixed. */
export const mixtureSchema = z.strictObject({
  maximum: z.number().positive().exactOptional()
    .describe("an entry of more rows counts as so many (T5, FLAN); no limit when absent"),
  temperature: z.number().positive().default(1)
    .describe("above 1, the shares of large and small entries come nearer (rows to the power 1/T)"),
}).exactOptional().describe(
  "shares of the supervised tokens in proportion to the rows of each entry, in place of weights",
);
