/**
 * What the guard experiment runs: arms, budgets and seeds over one model and its data.
 *
 * @module
 */
import { dirname } from "node:path";
import { z } from "../../deps/zod.ts";
import { ConfigError } from "../../errors.ts";
import { readJsonObject } from "../../io/files.ts";
import { parseConfig, type ParsedConfig } from "../../config/mod.ts";
import { rowSizes } from "../../forgetting/term.ts";

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

const schema = z.strictObject({
  run: z.record(z.string(), z.unknown()),
  test: z.strictObject({
    text: z.array(z.string()).min(1),
    data: z.array(z.record(z.string(), z.unknown())).min(1),
    held_out: z.array(z.record(z.string(), z.unknown())).min(1),
  }),
  budgets: z.array(z.number().positive()).min(1),
  seeds: z.array(z.int().min(0)).min(1),
  arms: z.strictObject({
    fixed: z.array(arm),
    controlled: z.array(arm),
  }),
});

/** An experiment. */
export interface Spec {
  readonly arms: readonly Arm[];
  /** In percent of perplexity, ascending. */
  readonly budgets: readonly number[];
  readonly seeds: readonly number[];
  /** The config of one training. */
  config(arm: Arm, seed: number, budget: number, out: string): ParsedConfig;
  /** What is measured at the end and used for nothing else. */
  readonly test: {
    readonly text: readonly string[];
    readonly data: ParsedConfig["config"]["data"];
    readonly heldOut: ParsedConfig["config"]["data"];
  };
}

/**
 * Reads an experiment: `run` is a config of `train` with its guard, which the arms change.
 *
 * @throws {ConfigError} where a key is unknown or missing.
 */
export function readSpec(file: string): Spec {
  const parsed = schema.safeParse(readJsonObject(file));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigError(`${file}: ${issue!.path.join(".")}: ${issue!.message}`);
  }
  const { run, test, budgets, seeds, arms } = parsed.data;
  const resolved = (values: Record<string, unknown>) =>
    parseConfig({ folder: dirname(file), values: { ...run, ...values } });
  const entries = (data: unknown) => resolved({ data }).config.data;
  const { guard } = resolved({ guard: { ...guardOf(run), text: test.text } }).config;
  const valuesOf = ({ train, guard }: Pick<Arm, "train" | "guard">) => ({
    train: { ...run["train"] as object, ...train },
    guard: { ...guardOf(run), ...guard },
  });
  const tokensOf = (arm: Pick<Arm, "train" | "guard">) => {
    const { config } = resolved(valuesOf(arm));
    const { train, guard } = config;
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
    config: (arm, seed, budget, out) => {
      const { train, guard } = valuesOf(arm);
      return resolved({
        train: { ...train, seed, log_every: 50 },
        guard: { ...guard, budget: `ppl:${budget}%` },
        out,
      });
    },
    test: {
      text: guard ? guard.text : [],
      data: entries(test.data),
      heldOut: entries(test.held_out),
    },
  };
}

const guardOf = (run: Record<string, unknown>) => run["guard"] as Record<string, unknown>;
