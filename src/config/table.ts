/**
 * The one table of configuration keys: each has its type, its default, its check and its help line
 * here and nowhere else. `config.ts` reads files and flags by it.
 *
 * @module
 */

import { resolve } from "node:path";
import { z } from "../deps/zod.ts";
import { METHOD_NAMES, type MethodName } from "../adapters/methods/mod.ts";
import { type Bias, BIASES } from "../adapters/peft/config.ts";
import type { Tokens } from "../adapters/trained_tokens.ts";
import {
  type FaultName,
  faultNames,
  type ProportionalSettings,
  TOO_LONG_POLICIES,
} from "../data/mod.ts";
import type { TaskEntry } from "../eval/tasks/entry.ts";
import type { GuardConfig } from "../forgetting/settings.ts";
import type { KeepConfig, ObjectiveConfig } from "../objectives/settings.ts";
import { type FormatName, QUANTIZED } from "../formats/mod.ts";
import { type DataConfig, dataSchema, mixtureSchema } from "./data.ts";
import { guardSchema } from "./guard.ts";
import { count, name, pattern, place, positive, seed, tokens } from "./kinds.ts";
import { type InitConfig, initial } from "./init.ts";
import { keep } from "./keep.ts";
import { type MethodKeys, methodKeys } from "./method_keys.ts";
import { completed, optimizer, type OptimizerConfig } from "./optimizer.ts";
import { objectiveSchema } from "./objective.ts";
import { schedule, type ScheduleConfig } from "./schedule.ts";
import { taskSchema } from "./tasks.ts";
import { ranks, type RanksConfig, sums, type SumsConfig } from "./ranks.ts";
import { told, type ToldConfig } from "./told.ts";
import { tokenList, virtual, type VirtualConfig } from "./virtual.ts";

/** The low-rank adapter. */
export interface AdapterConfig extends VirtualConfig, InitConfig, MethodKeys {
  /** Rank of the update. */
  readonly rank: number;
  /** The update is scaled by alpha / rank. */
  readonly alpha: number;
  /** Names of the target modules or ends of them, or a pattern of whole names. */
  readonly targets: string | readonly string[];
  /** Modules that are left out all the same. */
  readonly exclude?: string | readonly string[];
  /** Numbers of the layers that are adapted. */
  readonly layers?: readonly number[];
  /** Ranks of modules that a pattern matches. */
  readonly rank_pattern: Readonly<Record<string, number>>;
  /** Alphas of modules that a pattern matches. */
  readonly alpha_pattern: Readonly<Record<string, number>>;
  /** Whether the update is scaled by alpha / sqrt(rank). */
  readonly rslora: boolean;
  /** What the adapter does to a module; that of `from`, or lora, where absent. */
  readonly method?: MethodName;
  /** The share of a layer's input that the update does not see in training. */
  readonly dropout?: number;
  /** Ends of the names of modules that are trained whole, such as `lm_head` or `norm`. */
  readonly modules_to_save: readonly string[];
  /** Tokens whose rows of the embedding, or of the modules named, are trained. */
  readonly trainable_token_indices?: Tokens;
  /** Which biases are trained: every one, or those of the target modules. */
  readonly bias: Bias;
  /** PEFT adapter to start from: a folder, or a name on the hub. */
  readonly from?: string;
}

/** The training loop. At most one of `steps` and `epochs` is set. */
export interface TrainConfig extends OptimizerConfig, ScheduleConfig, KeepConfig, SumsConfig {
  /** Number of updates. */
  readonly steps?: number;
  /** Passes over the data. */
  readonly epochs?: number;
  /** Tokens of one update, a multiple of `micro_batch_tokens`; about 4096 where absent. */
  readonly tokens_per_batch?: number;
  /** Tokens on the GPU at once, a multiple of 8; as data, model and memory have it where absent. */
  readonly micro_batch_tokens?: number;
  /** Seed of every random choice. */
  readonly seed: number;
  /** Alpha of the noise on embeddings while answers are learnt (NEFTune). */
  readonly neftune_noise_alpha?: number;
  /** Whether the rows come in a new order each epoch. */
  readonly shuffle: boolean;
  /** Steps between log lines. */
  readonly log_every: number;
  /** Steps between evaluations; 0 is only at the end. */
  readonly eval_every: number;
  /** Steps between checkpoints; 0 is none. */
  readonly checkpoint_every: number;
  /** What becomes of a row that is too long. */
  readonly on_too_long?: "drop" | "error" | "split" | "truncate";
  /** Faults of rows that do not stop the run. */
  readonly allow: readonly FaultName[];
  /** How often a run goes back from a number that is not finite, on with half the rate. */
  readonly retries: number;
  /** Whether backward computes activations again; where absent only if they do not fit. */
  readonly recompute?: boolean;
  /** GiB on the device that the run may take; what is free where absent, if that is known. */
  readonly memory_gib?: number;
}

/** The loop with the sizes that a run has chosen, or was given. */
export interface SizedTrain extends TrainConfig {
  /** Tokens of one update. */
  readonly tokens_per_batch: number;
  /** Tokens on the GPU at once. */
  readonly micro_batch_tokens: number;
  /** Whether backward computes activations again. */
  readonly recompute: boolean;
}

/** Evaluation during and after training. */
export interface EvalConfig {
  /** Sources of rows that are only measured. */
  readonly data: readonly DataConfig[];
  /** Tasks that are answered: before the first update, `train.eval_every` apart and at the end. */
  readonly tasks: readonly TaskEntry[];
  /** How many rows are answered: by base and tuned model at the end, or while it trains. */
  readonly samples: number;
  /** Most tokens of such an answer. */
  readonly sample_tokens: number;
  /** Steps between answers while it trains; 0 is none. */
  readonly sample_every: number;
}

/** A configuration whose run has its sizes. */
export interface SizedConfig extends Config {
  /** The training loop. */
  readonly train: SizedTrain;
}

/** A resolved configuration: every default filled in, every path absolute. */
export interface Config extends ToldConfig, RanksConfig {
  /** Folder of the base model, or its name on the hub. */
  readonly model: string;
  /** What the base's matrices are rounded to as it is loaded; as they are stored where absent. */
  readonly quantize?: FormatName;
  /** What to train on. */
  readonly data: readonly DataConfig[];
  /** Mixes the sources by their sizes; by their weights when absent. */
  readonly mixture?: ProportionalSettings;
  /** The low-rank adapter. */
  readonly adapter: AdapterConfig;
  /** What updates minimise. */
  readonly objective: ObjectiveConfig;
  /** The training loop. */
  readonly train: TrainConfig;
  /** The forgetting guard, or false for none. */
  readonly guard: false | GuardConfig;
  /** Evaluation during and after training. */
  readonly eval: EvalConfig;
  /** Folder of the run. */
  readonly out: string;
}

const adapter = z.strictObject({
  rank: count.default(16).describe("rank of the update"),
  alpha: positive.exactOptional()
    .describe("the update is scaled by alpha / rank; 2 * rank when absent"),
  targets: z.union([z.literal("all-linear"), z.array(name).min(1), pattern]).default("all-linear")
    .describe(
      "target modules, such as q_proj,v_proj,lm_head,embed_tokens, or a pattern of whole names",
    ),
  exclude: z.union([z.array(name).min(1), pattern]).exactOptional()
    .describe("modules that are left out all the same"),
  layers: z.array(z.int().min(0)).min(1).exactOptional()
    .describe("numbers of the layers that targets count in, from 0; all when absent"),
  rank_pattern: z.record(pattern, count).default({})
    .describe('ranks of modules whose name or end a pattern matches, such as {"v_proj": 4}'),
  alpha_pattern: z.record(pattern, positive).default({})
    .describe("alphas of such modules"),
  rslora: z.boolean().default(false).describe("scale the update by alpha / sqrt(rank) instead"),
  method: z.enum(METHOD_NAMES).exactOptional()
    .describe("what the adapter does to a module; lora when absent, or that of from"),
  ...initial,
  freeze_a: z.boolean().exactOptional()
    .describe("LoRA-FA: A stays as it began and B alone is trained; false when absent"),
  dropout: z.number().gte(0).lt(1).exactOptional().describe(
    "share of a layer's input that the update does not see in training; 0 when absent, or that of from",
  ),
  modules_to_save: z.array(name).default([])
    .describe("ends of the names of modules that are trained whole, such as lm_head,norm"),
  ...virtual,
  ...methodKeys,
  trainable_token_indices: z.union([tokenList, z.record(name, tokenList)]).exactOptional().describe(
    "tokens whose rows of the embedding, and of a head that is tied to it, are trained: ids or texts " +
      '(digits are an id), or a list by module, such as {"embed_tokens": [5], "lm_head": [5]}',
  ),
  bias: z.enum(BIASES).default("none")
    .describe("biases that are trained: all of the model, or lora_only of the targets"),
  from: place("PEFT adapter to start from: a folder, or owner/name on the hub").exactOptional(),
}).prefault({}).transform((adapter) => ({ ...adapter, alpha: adapter.alpha ?? 2 * adapter.rank }));

const train = z.strictObject({
  steps: count.exactOptional().describe("number of updates; in place of epochs"),
  epochs: z.number().positive().exactOptional().describe(
    "passes over the data; without it and steps as many as make 100 updates, 1 to 10",
  ),
  tokens_per_batch: tokens.exactOptional()
    .describe("tokens of one update; 4096 when absent, or whole micro-batches that come near it"),
  micro_batch_tokens: tokens.exactOptional().describe(
    "tokens on the GPU at once, and of the longest row; when absent 512, or what holds 99 % of the " +
      "rows as far as context and memory go",
  ),
  ...optimizer,
  ...schedule,
  seed: seed.default(42).describe("seed of every random choice"),
  neftune_noise_alpha: positive.exactOptional()
    .describe("NEFTune: noise of up to alpha / sqrt(tokens * width) on embeddings; 5 to 15"),
  shuffle: z.boolean().default(true).describe("a new order of the rows each epoch"),
  log_every: count.default(1).describe("steps between log lines"),
  eval_every: z.int().min(0).default(0).describe("steps between evaluations; 0 = only at the end"),
  ...keep,
  checkpoint_every: z.int().min(0).default(100).describe("steps between checkpoints; 0 = none"),
  on_too_long: z.enum(TOO_LONG_POLICIES).exactOptional().describe(
    "what becomes of a row that is too long; when absent a text is split, another row is left out, " +
      "and a run of which half the rows would be is refused",
  ),
  allow: z.array(z.enum(faultNames)).default([])
    .describe(`faults of rows that do not stop the run: ${faultNames.join(",")}`),
  retries: z.int().min(0).max(20).default(3)
    .describe(
      "how often a run goes back from a loss or gradient that is NaN, on with half the rate",
    ),
  recompute: z.boolean().exactOptional().describe(
    "compute activations again in the backward pass to save memory; when absent where they do not fit",
  ),
  memory_gib: positive.exactOptional()
    .describe(
      "GiB on the device that the run may take; when absent what is free, if that is known",
    ),
  ...sums,
}).prefault({}).superRefine((train, context) => {
  const fault = (key: string, message: string) =>
    context.addIssue({ code: "custom", path: [key], message });
  if (train.steps !== undefined && train.epochs !== undefined) {
    fault("epochs", `found ${train.epochs} beside train.steps, wanted only one of the two`);
  }
  const { tokens_per_batch: all, micro_batch_tokens: T } = train;
  if (all !== undefined && T !== undefined && all % T !== 0) {
    fault("tokens_per_batch", `found ${all}, wanted a multiple of train.micro_batch_tokens (${T})`);
  }
}).transform(completed);

const evaluation = z.strictObject({
  data: z.array(dataSchema).default([]).describe("files of rows that are only measured"),
  tasks: z.array(taskSchema).default([])
    .describe(
      "tasks that are answered and scored: at first, eval_every steps apart and at the end",
    ),
  samples: z.int().min(0).default(4)
    .describe("rows that are answered: by base and tuned model at the end, or while it trains"),
  sample_tokens: count.default(40).describe("most tokens of such an answer"),
  sample_every: z.int().min(0).default(0)
    .describe("steps between such answers while it trains; 0 = none"),
}).prefault({}).superRefine(({ samples, sample_every: every }, context) => {
  if (samples > 0 || every === 0) return;
  const message = `found ${every} beside 0 samples, wanted some`;
  context.addIssue({ code: "custom", path: ["sample_every"], message });
});

/** Checks a configuration and fills in its defaults. */
export const configSchema: z.ZodType<Config> = z.strictObject({
  model: place(
    "base model: a Hugging Face folder, a GGUF file, or owner/name[@revision] on the hub",
  ),
  quantize: z.enum(QUANTIZED).exactOptional()
    .describe("what the base's matrices are rounded to as it is loaded; as stored when absent"),
  data: z.array(dataSchema).min(1).describe("what to train on"),
  mixture: mixtureSchema,
  adapter,
  objective: objectiveSchema,
  train,
  guard: guardSchema,
  eval: evaluation,
  out: z.string().min(1).default("runs/train").transform((path) => resolve(path))
    .describe("run folder, relative to the working directory"),
  ...told,
  ...ranks,
}).superRefine(({ data, mixture, distributed, objective }, context) => {
  if (distributed && "rewards" in objective) {
    const message =
      `found ${distributed} beside objective.kind ${objective.kind}, wanted one process: ` +
      "each rank would draw and judge answers of its own";
    context.addIssue({ code: "custom", path: ["distributed"], message });
  }
  const weighed = mixture ? data.findIndex(({ weight }) => weight !== undefined) : -1;
  if (weighed < 0) return;
  const message = `found ${data[weighed]!.weight} beside mixture, wanted only one of the two`;
  context.addIssue({ code: "custom", path: ["data", weighed, "weight"], message });
});
