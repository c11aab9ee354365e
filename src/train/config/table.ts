/**
 * The one table of configuration keys: each has its type, its default, its check and its help line
 * here and nowhere else. `config.ts` reads files and flags by it.
 *
 * @module
 */

import { resolve } from "node:path";
import { z } from "zod";
import { formats } from "../../data/formats/mod.ts";
import {
  type FaultName,
  faultNames,
  ON_EMPTY,
  POSITIVE_EXAMPLES,
  templateNames,
  TOO_LONG_POLICIES,
  TRAIN_ON,
} from "../../data/mod.ts";

/** One source of rows. */
export interface DataConfig {
  /** A file, a folder, or a pattern with `*` in its last part. */
  readonly path: string;
  /** Name of the row format; told from the first row when absent. */
  readonly format?: string;
  /** Template by name, a prompt written out, or a file of Jinja; told from the rows when absent. */
  readonly template?:
    | string
    | { readonly prompt: string; readonly promptInput: string }
    | { readonly file: string };
  /** Which turns of an assistant are learnt. */
  readonly train_on: "all" | "last";
  /** What becomes of a row whose answer is empty. */
  readonly on_empty: "drop" | "error";
  /** What it weighs in supervised tokens beside the other entries; no mixture when all lack it. */
  readonly weight?: number;
  /** How many positive examples of a Super-NaturalInstructions task its prompts show. */
  readonly positive_examples: number;
  /** Whether EOS follows a text document. */
  readonly eos: boolean;
  /** Use one part of a random split; the shares add up to 1. */
  readonly split?: {
    readonly part: string;
    readonly shares: Readonly<Record<string, number>>;
    readonly seed: number;
  };
}

/** The low-rank adapter. */
export interface AdapterConfig {
  /** Rank of the update. */
  readonly rank: number;
  /** The update is scaled by alpha / rank. */
  readonly alpha: number;
  /** Names of the target modules. */
  readonly targets: "all-linear" | readonly string[];
  /** Folder of a PEFT adapter to start from. */
  readonly from?: string;
}

/** The training loop. Exactly one of `steps` and `epochs` is set. */
export interface TrainConfig {
  /** Number of updates. */
  readonly steps?: number;
  /** Passes over the data. */
  readonly epochs?: number;
  /** Tokens of one update, a multiple of `micro_batch_tokens`. */
  readonly tokens_per_batch: number;
  /** Tokens on the GPU at once, a multiple of 8. */
  readonly micro_batch_tokens: number;
  /** Peak learning rate. */
  readonly lr: number;
  /** Learning rate after the warm-up. */
  readonly schedule: "constant" | "linear" | "cosine";
  /** A share of the steps where below 1, else a number of steps. */
  readonly warmup: number;
  /** Decoupled weight decay of AdamW. */
  readonly weight_decay: number;
  /** Decay of AdamW's first moment. */
  readonly beta1: number;
  /** Decay of AdamW's second moment. */
  readonly beta2: number;
  /** Added to the root of the second moment. */
  readonly eps: number;
  /** Largest gradient norm; 0 is off. */
  readonly clip: number;
  /** Seed of every random choice. */
  readonly seed: number;
  /** Whether the rows come in a new order each epoch. */
  readonly shuffle: boolean;
  /** Steps between log lines. */
  readonly log_every: number;
  /** Steps between evaluations; 0 is only at the end. */
  readonly eval_every: number;
  /** Steps between checkpoints; 0 is none. */
  readonly checkpoint_every: number;
  /** What becomes of a row that is too long. */
  readonly on_too_long: "drop" | "error" | "truncate";
  /** Faults of rows that do not stop the run. */
  readonly allow: readonly FaultName[];
  /** Whether the backward pass computes activations again instead of keeping them. */
  readonly recompute: boolean;
}

/** The forgetting guard. */
export interface GuardConfig {
  /** Retention text: files of what must not be forgotten. */
  readonly text: readonly string[];
  /** Share of retention tokens mixed in. */
  readonly share: number;
  /** What the mean retention loss counts beside the mean task loss. */
  readonly weight: number;
  /** Steps between measurements. */
  readonly every: number;
  /** Held-back documents that are measured. */
  readonly documents: number;
}

/** Evaluation during and after training. */
export interface EvalConfig {
  /** Sources of rows that are only measured. */
  readonly data: readonly DataConfig[];
  /** How many rows the base and the tuned model answer at the end. */
  readonly samples: number;
}

/** A resolved configuration: every default filled in, every path absolute. */
export interface Config {
  /** Folder of the base model. */
  readonly model: string;
  /** What to train on. */
  readonly data: readonly DataConfig[];
  /** The low-rank adapter. */
  readonly adapter: AdapterConfig;
  /** The training loop. */
  readonly train: TrainConfig;
  /** The forgetting guard, or false for none. */
  readonly guard: false | GuardConfig;
  /** Evaluation during and after training. */
  readonly eval: EvalConfig;
  /** Folder of the run. */
  readonly out: string;
}

/** The JSON Schema format of paths, by which `config.ts` knows them. */
export const PATH = "path";

/** A path that a config file gives relative to itself. */
const path = (help: string) =>
  z.string().min(1).meta({ description: help, format: PATH }).transform((path) => resolve(path));
const name = z.string().min(1);
const count = z.int().min(1);
const tokens = z.int().positive().multipleOf(8);
const seed = z.int().min(0).max(2 ** 32 - 1);
const decay = z.number().gte(0).lt(1);

const data = z.strictObject({
  path: path("file, folder or pattern (rows-*.jsonl) of .json, .jsonl, .csv, .tsv, .txt, or .gz"),
  format: z.enum(formats.map(({ name }) => name)).exactOptional()
    .describe("row format; told from the first row when absent"),
  template: z.union([
    z.enum(templateNames),
    z.strictObject({ prompt: name, promptInput: name }),
    z.strictObject({ file: path("file of a chat template in Jinja") }),
  ]).exactOptional().describe(
    "template by name (model = the model's own), written out, or a file of Jinja; when absent, " +
      "alpaca around instructions and the model's own around chats",
  ),
  train_on: z.enum(TRAIN_ON).default(TRAIN_ON[0])
    .describe("turns of an assistant that are learnt; never those of weight 0"),
  on_empty: z.enum(ON_EMPTY).default(ON_EMPTY[0])
    .describe("what becomes of a row whose answer is empty"),
  weight: z.number().positive().exactOptional().describe(
    "share of the supervised tokens beside the other entries (1 for those without); when none " +
      "has one, every row comes once an epoch",
  ),
  positive_examples: z.int().min(0).default(POSITIVE_EXAMPLES)
    .describe("positive examples in the prompts of a Super-NaturalInstructions task"),
  eos: z.boolean().default(false).describe("end each text document with EOS, for pretraining"),
  split: z.strictObject({
    part: name.describe("name of the part to use"),
    shares: z.record(name, z.number().positive()).describe("share of each part; they add up to 1"),
    seed: seed.default(0).describe("seed of the split"),
  }).exactOptional().describe("use one part of a random split; all of the file when absent"),
});

const adapter = z.strictObject({
  rank: count.default(16).describe("rank of the update"),
  alpha: z.number().positive().exactOptional()
    .describe("the update is scaled by alpha / rank; 2 * rank when absent"),
  targets: z.union([z.literal("all-linear"), z.array(name).min(1)]).default("all-linear")
    .describe("target modules, such as q_proj,v_proj"),
  from: path("folder of a PEFT adapter to start from").exactOptional(),
}).prefault({}).transform((adapter) => ({ ...adapter, alpha: adapter.alpha ?? 2 * adapter.rank }));

const train = z.strictObject({
  steps: count.exactOptional().describe("number of updates; in place of epochs"),
  epochs: z.number().positive().exactOptional().describe("passes over the data; 1 without steps"),
  tokens_per_batch: tokens.default(4096).describe("tokens of one update"),
  micro_batch_tokens: tokens.exactOptional()
    .describe("tokens on the GPU at once; 512 when absent, or tokens_per_batch if that is less"),
  lr: z.number().positive().default(2e-4).describe("peak learning rate"),
  schedule: z.enum(["constant", "linear", "cosine"]).default("cosine")
    .describe("learning rate after the warm-up"),
  warmup: z.number().gte(0).default(0.03)
    .describe("a share of the steps where below 1, else a number of steps"),
  weight_decay: z.number().gte(0).default(0).describe("decoupled weight decay of AdamW"),
  beta1: decay.default(0.9).describe("decay of AdamW's first moment"),
  beta2: decay.default(0.999).describe("decay of AdamW's second moment"),
  eps: z.number().positive().default(1e-8).describe("added to the root of the second moment"),
  clip: z.number().gte(0).default(1).describe("largest gradient norm; 0 = off"),
  seed: seed.default(42).describe("seed of every random choice"),
  shuffle: z.boolean().default(true).describe("a new order of the rows each epoch"),
  log_every: count.default(1).describe("steps between log lines"),
  eval_every: z.int().min(0).default(0).describe("steps between evaluations; 0 = only at the end"),
  checkpoint_every: z.int().min(0).default(100).describe("steps between checkpoints; 0 = none"),
  on_too_long: z.enum(TOO_LONG_POLICIES).default("drop")
    .describe("what becomes of a row that is too long"),
  allow: z.array(z.enum(faultNames)).default([])
    .describe(`faults of rows that do not stop the run: ${faultNames.join(",")}`),
  recompute: z.boolean().default(false)
    .describe("compute activations again in the backward pass to save memory"),
}).prefault({}).transform((train) => ({
  ...train,
  ...(train.steps === undefined && { epochs: train.epochs ?? 1 }),
  micro_batch_tokens: train.micro_batch_tokens ?? Math.min(512, train.tokens_per_batch),
})).superRefine((train, context) => {
  const fault = (key: string, message: string) =>
    context.addIssue({ code: "custom", path: [key], message });
  if (train.steps !== undefined && train.epochs !== undefined) {
    fault("epochs", `found ${train.epochs} beside train.steps, wanted only one of the two`);
  }
  if (train.tokens_per_batch % train.micro_batch_tokens !== 0) {
    const wanted = `wanted a multiple of train.micro_batch_tokens (${train.micro_batch_tokens})`;
    fault("tokens_per_batch", `found ${train.tokens_per_batch}, ${wanted}`);
  }
});

const guard = z.union([
  z.literal(false),
  z.strictObject({
    text: z.array(path("")).min(1)
      .describe("retention text: files of what must not be forgotten"),
    share: z.number().gt(0).lte(0.9).default(0.1).describe("share of retention tokens mixed in"),
    weight: z.number().gte(0).default(1)
      .describe("what the retention loss counts beside the task loss, each a mean over its tokens"),
    every: count.default(50).describe("steps between measurements"),
    documents: count.default(64).describe("held-back documents that are measured"),
  }),
]).default(false).describe("forgetting guard, or false for none");

const evaluation = z.strictObject({
  data: z.array(data).default([]).describe("files of rows that are only measured"),
  samples: z.int().min(0).default(4)
    .describe("rows that the base and the tuned model answer at the end"),
}).prefault({});

/** Checks a configuration and fills in its defaults. */
export const configSchema: z.ZodType<Config> = z.strictObject({
  model: path("base model: a Hugging Face folder"),
  data: z.array(data).min(1).describe("what to train on"),
  adapter,
  train,
  guard,
  eval: evaluation,
  out: z.string().min(1).default("runs/train").transform((path) => resolve(path))
    .describe("run folder, relative to the working directory"),
});
