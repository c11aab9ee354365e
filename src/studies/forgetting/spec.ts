/**
 * What the study of forgetting runs: arms, budgets and seeds over one model and its data.
 *
 * @module
 */
import { z } from "../../deps/zod.ts";
import { parseConfig, type ParsedConfig } from "../../config/mod.ts";
import { rowSizes } from "../../forgetting/term.ts";
import { ConfigError } from "../../errors.ts";
import { permutation } from "../../random.ts";
import { sized } from "../../train/sizes/choice.ts";
import { runFolder } from "../engine/run.ts";
import type { Place } from "../engine/study.ts";
import { entryOfRows, rowTextsOf } from "../trials/rows.ts";
import type { Resampling } from "./resampling.ts";

/** One way to train. */
export interface Arm {
  readonly name: string;
  /** The training's keys that it changes. */
  readonly train: Readonly<Record<string, unknown>>;
  /** The guard's keys that it changes; those of a budget are set for each. */
  readonly guard: Readonly<Record<string, unknown>>;
  /** All tokens of an update. */
  readonly tokens: number;
  /** Whether it is trained anew for each budget, or once and scaled to all. */
  readonly isControlled: boolean;
}

const keys = z.record(z.string(), z.unknown());
const arm = z.strictObject({ name: z.string(), guard: keys, train: keys.default({}) });
const text = z.array(z.string().min(1)).min(1);

/** The spec: `run` is a config of `train` with its guard, which the arms change. */
export const forgettingSchema = z.strictObject({
  run: z.looseObject({ guard: z.looseObject({ text }) }),
  test: z.strictObject({
    /** Files, or a share of the documents of the guard's, which nothing else then uses. */
    text: z.union([text, z.strictObject({ share: z.number().gt(0).lt(1) })]),
    data: z.array(keys).min(1),
    /** Rows of tasks that are not trained on. */
    held_out: z.array(keys).min(1).exactOptional(),
    /** Certificates of every run by so many draws of the test's documents, which the others judge. */
    draws: z.strictObject({
      count: z.int().positive(),
      control: z.int().min(2),
      certificate: z.int().min(2),
      deltas: z.array(z.number().gt(0).lt(1)).min(1),
    }).exactOptional(),
  }),
  budgets: z.array(z.number().positive()).min(1),
  seeds: z.array(z.int().min(0)).min(1),
  arms: z.strictObject({
    fixed: z.array(arm),
    controlled: z.array(arm).min(1),
  }),
});

/** A checked spec. */
export type ForgettingSpec = z.infer<typeof forgettingSchema>;

/** An experiment. */
export interface Experiment {
  readonly arms: readonly Arm[];
  /** In percent of perplexity, ascending. */
  readonly budgets: readonly number[];
  readonly seeds: readonly number[];
  /** The config of one training. */
  config(arm: Arm, seed: number, budget: number, cell: string): ParsedConfig;
  /** What is measured at the end and used for nothing else. */
  readonly test: {
    readonly text: readonly string[];
    readonly data: ParsedConfig["config"]["data"];
    readonly heldOut: ParsedConfig["config"]["data"];
    readonly draws: Resampling | null;
  };
}

/**
 * An experiment of a spec.
 *
 * @throws {ConfigError} where a key of the run or of an arm cannot be used.
 */
export async function experimentOf(spec: ForgettingSpec, place: Place): Promise<Experiment> {
  const { run, test, budgets, seeds, arms } = spec;
  const texts = await textsOf(spec, place);
  const guardKeys = { ...run.guard, text: texts.guard };
  const resolved = (values: Record<string, unknown>) =>
    parseConfig({ folder: place.folder, values: { ...run, guard: guardKeys, ...values } });
  const entries = (data: unknown) => resolved({ data }).config.data;
  const testing = resolved({ guard: { ...guardKeys, text: texts.test } }).config.guard;
  const valuesOf = ({ train, guard }: Pick<Arm, "train" | "guard">) => ({
    train: { ...run["train"] as object, ...train },
    guard: { ...guardKeys, ...guard },
  });
  const tokensOf = (arm: Pick<Arm, "train" | "guard">) => {
    const { config } = resolved(valuesOf(arm));
    const { micro_batch_tokens: length } = config.train;
    if (length === undefined) {
      throw new ConfigError("run.train.micro_batch_tokens: found none, wanted one for all arms");
    }
    const { train, guard } = sized(config, length, false);
    if (!guard || guard.loss === "ewc") return train.tokens_per_batch;
    const { T, micros } = rowSizes(train, guard);
    return train.tokens_per_batch + T * micros;
  };
  const armsOf = (given: typeof arms.fixed, isControlled: boolean) =>
    given.map((arm): Arm => ({ ...arm, isControlled, tokens: tokensOf(arm) }));
  return {
    budgets: [...budgets].sort((a, b) => a - b),
    seeds,
    arms: [...armsOf(arms.controlled, true), ...armsOf(arms.fixed, false)],
    config: (arm, seed, budget, cell) => {
      const { train, guard } = valuesOf(arm);
      return resolved({
        train: { log_every: 50, ...train, seed },
        guard: { ...guard, budget: `ppl:${budget}%` },
        out: runFolder(place.out, cell),
      });
    },
    test: {
      text: testing ? testing.text : [],
      data: entries(test.data),
      heldOut: test.held_out ? entries(test.held_out) : [],
      draws: test.draws ?? null,
    },
  };
}

/** Decides which documents are held back for the test. */
const TEST_SEED = 1;

/** The text of the guard and that of the test, which share no document. */
async function textsOf(
  { run: { guard: { text } }, test }: ForgettingSpec,
  place: Place,
): Promise<{ guard: readonly string[]; test: readonly string[] }> {
  if (Array.isArray(test.text)) return { guard: text, test: test.text };
  const { share } = test.text;
  const parts = await Promise.all(text.map(async (path) => {
    const entry = { path, format: "text" };
    const rows = await rowTextsOf(entry, place);
    const order = permutation(rows.length, TEST_SEED);
    const count = Math.round(share * rows.length);
    const part = (chosen: Uint32Array, name: string) =>
      entryOfRows(entry, Array.from(chosen.sort(), (i) => rows[i]!), name, place)["path"] as string;
    return {
      test: part(order.slice(0, count), "held back"),
      guard: part(order.slice(count), "guarded"),
    };
  }));
  return { guard: parts.map(({ guard }) => guard), test: parts.map(({ test }) => test) };
}
