/**
 * Keys that would have no effect beside the others: a value that somebody has set is refused there,
 * rather than accepted and ignored.
 *
 * @module
 */
import type { DataEntry } from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import type { ConfigFault } from "./faults.ts";
import { ADAPTER_RULES, besidePrompt, promptFaults, type Rule, when } from "./idle_adapter.ts";
import { initFaults } from "./init.ts";
import type { ParsedConfig } from "./mod.ts";
import { isHeeded, OPTIMIZER_KEYS } from "./optimizer.ts";
import type { ScheduleName } from "./schedule.ts";
import type { Config } from "./table.ts";

const NOTHING_DRAWN = "where nothing is drawn";

/** Schedules that fall to an end. */
const FALLING = [
  "cosine",
  "linear",
  "cosine_with_restarts",
  "polynomial",
  "warmup_stable_decay",
] as const;

const RULES: readonly Rule[] = [
  {
    key: "guard.samples",
    idle: ({ guard }) => when(guard && guard.text.length > 0, "beside guard.text, which is used"),
  },
  {
    key: "guard.fisher_documents",
    idle: ({ guard }) => when(guard && guard.loss !== "ewc", "beside a guard.loss other than ewc"),
  },
  {
    key: "guard.share",
    idle: ({ guard }) => {
      if (!guard) return null;
      if (guard.weight === 0) return "beside guard.weight 0, which trains on none of the text";
      return when(guard.loss === "ewc", "beside guard.loss ewc, which trains on none of the text");
    },
  },
  ...ADAPTER_RULES,
  { key: "guard.controller", idle: withoutController },
  { key: "guard.rollback", idle: withoutController },
  {
    key: "guard.rollback.most",
    idle: ({ guard }) => when(guard && guard.rollback.at === 0, "beside guard.rollback.at 0"),
  },
  {
    key: "train.tokens_per_batch",
    idle: ({ objective, guard }) =>
      when(
        "prompts" in objective && !guard,
        `beside objective.kind ${objective.kind}, whose updates are of objective.prompts`,
      ),
  },
  {
    key: "objective.max_tokens",
    idle: ({ objective: of }) =>
      when(of.kind === "gkd" && of.lmbda === 0, "beside objective.lmbda 0"),
  },
  {
    key: "objective.importance_sampling_level",
    off: "token",
    idle: (config) => {
      const { objective: of } = config;
      const isWeighed = of.kind === "grpo" && of.beta > 0 && of.unbiased_kl;
      return isWeighed ? null : withoutRatios(config);
    },
  },
  { key: "objective.epsilon_value", idle: withoutRatios },
  { key: "objective.epsilon", idle: withoutRatios },
  { key: "objective.epsilon_high", idle: withoutRatios },
  {
    key: "objective.unbiased_kl",
    idle: ({ objective: of }) =>
      when(of.kind === "grpo" && of.beta === 0, "beside objective.beta 0"),
  },
  {
    key: "objective.resample",
    off: 0,
    idle: ({ objective: of }) =>
      when("answers" in of && of.answers === 1, "beside objective.answers 1"),
  },
  {
    key: "objective.stop_drop",
    idle: ({ eval: { data }, train: { eval_every: every } }) =>
      when(data.length === 0 || every === 0, "without eval.data and train.eval_every"),
  },
  {
    key: "train.eval_every",
    off: 0,
    idle: ({ eval: { data, tasks } }) =>
      when(data.length + tasks.length === 0, "without eval.data or eval.tasks to measure"),
  },
  { key: "train.keep", off: "last", idle: withoutMeasurements },
  { key: "train.patience", idle: withoutMeasurements },
  { key: "train.metric", idle: withoutComparison },
  { key: "train.min_delta", idle: withoutPatience },
  ...OPTIMIZER_KEYS.map((key): Rule => ({
    key: `train.${key}`,
    idle: ({ train: { optimizer } }) =>
      when(!isHeeded(key, optimizer), `beside train.optimizer ${optimizer}`),
  })),
  {
    key: "train.neftune_noise_alpha",
    idle: (config) =>
      besidePrompt(config) ??
        when(config.objective.kind !== "sft", `beside objective.kind ${config.objective.kind}`),
  },
  { key: "train.min_lr_ratio", off: 0, idle: besideOther(...FALLING) },
  { key: "train.cycles", off: 1, idle: besideOther("cosine_with_restarts") },
  { key: "train.power", off: 1, idle: besideOther("polynomial") },
  { key: "train.decay", idle: besideOther("warmup_stable_decay") },
  {
    key: "eval.sample_tokens",
    idle: ({ eval: { samples } }) => when(samples === 0, "beside eval.samples 0"),
  },
  {
    key: "rank_timeout",
    idle: ({ distributed }) => when(distributed === undefined, "without distributed"),
  },
  ...["outer_lr", "outer_momentum"].map((name): Rule => ({
    key: `train.${name}`,
    idle: ({ train: { local_updates: local } }) =>
      when(local === undefined, "without train.local_updates"),
  })),
  {
    key: "mixture",
    idle: ({ data }) => when(data.length === 1, "beside a single entry of data"),
  },
];

/** An answer that was just drawn is as likely as it was. */
function withoutRatios({ objective }: Config): string | null {
  return when(
    "iterations" in objective && objective.iterations === 1,
    "beside objective.iterations 1",
  );
}

function besideOther(...heeding: readonly ScheduleName[]): Rule["idle"] {
  return ({ train: { schedule } }) =>
    when(!heeding.includes(schedule), `beside train.schedule ${schedule}`);
}

function withoutController({ guard }: Config): string | null {
  return when(
    guard && guard.weight !== undefined,
    "beside guard.weight, which is never controlled",
  );
}

function withoutMeasurements({ train: { eval_every: every } }: Config): string | null {
  return when(every === 0, "beside train.eval_every 0");
}

function withoutComparison({ train: { keep, patience } }: Config): string | null {
  return when(
    keep === "last" && patience === undefined,
    "without train.keep best or train.patience",
  );
}

function withoutPatience(config: Config): string | null {
  const { guard, train: { keep, patience } } = config;
  const isGuards = guard !== false && keep === "best" && patience === undefined;
  const reason = "beside guard without train.patience, for the guard compares to the last digit";
  return withoutComparison(config) ?? when(isGuards, reason);
}

/** Keys of the entry at `key` that would do nothing there. */
function* rulesOfEntry(key: string, entry: DataEntry, isAlone: boolean): Generator<Rule> {
  const { prompts, template, few_shot, chain_of_thought, inversion } = entry;
  const isDrawn = prompts || Array.isArray(template) || few_shot || chain_of_thought || inversion;
  yield { key: `${key}.seed`, off: 0, idle: () => when(!isDrawn, NOTHING_DRAWN) };
  const weighed = key.startsWith("eval")
    ? "on rows that are only measured"
    : "on the only entry of data";
  yield { key: `${key}.weight`, idle: () => when(isAlone, weighed) };
}

/**
 * What was set and would do nothing.
 *
 * @param isSet whether somebody has set a value of that dotted key, or of one within it.
 */
export function idleFaults(
  config: Config,
  isSet: (key: string) => boolean,
  valueOf: (key: string) => unknown,
): ConfigFault[] {
  const entries = [
    ...config.data.map((entry, i) => [`data.${i}`, entry, config.data.length === 1] as const),
    ...config.eval.data.map((entry, i) => [`eval.data.${i}`, entry, true] as const),
  ];
  const rules = [
    ...RULES,
    ...entries.flatMap(([key, entry, isAlone]) => [...rulesOfEntry(key, entry, isAlone)]),
  ];
  for (const [i, { max_rows: sampled, shots = 0 }] of config.eval.tasks.entries()) {
    const isDrawn = sampled !== undefined || shots > 0;
    rules.push({ key: `eval.tasks.${i}.seed`, off: 0, idle: () => when(!isDrawn, NOTHING_DRAWN) });
  }
  const found = rules.flatMap(({ key, off, idle }): ConfigFault[] => {
    const reason = idle(config);
    if (reason === null || !isSet(key)) return [];
    const value = valueOf(key);
    if (value === undefined || value === off) return [];
    const message = `found ${JSON.stringify(value)} ${reason}, where it has no effect, wanted none`;
    return [{ key, message }];
  });
  return [...found, ...promptFaults(config), ...initFaults(config)];
}

/**
 * A model that is trained from nothing has no adapter, and is not answered with at the end.
 *
 * @throws {ConfigError} where something was set that only an adapter's run heeds.
 */
export function refuseIdleInPretraining({ config, origin }: ParsedConfig): void {
  const { samples, sample_every: every } = config.eval;
  const answers = every > 0 || samples === 0 ? [] : ["eval.samples", "eval.sample_tokens"];
  const faults = Object.entries(origin)
    .filter(([key, from]) =>
      from !== "default" &&
      (key.startsWith("adapter.") || key === "train.lora_plus_ratio" || answers.includes(key))
    )
    .map(([key]) => `${key}: found one for a model from nothing, where it has no effect`);
  if (faults.length > 0) throw new ConfigError(faults.join("\n"));
}
