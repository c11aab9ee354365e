/**
 * What each command may touch beside what every command may: a line a command.
 *
 * @module
 */
import { HUB_VARIABLES } from "../../io/hub/settings.ts";

/** What a command does with the world. */
export interface Rule {
  /** Whether a JSON file that stands without a flag is a configuration, whose strings count as named. */
  readonly config?: boolean;
  /** Flags whose values it writes to; `out` of a configuration counts as well. */
  readonly writes?: readonly string[];
  /** Where it writes without being told. */
  readonly out?: string;
  /** Whether it takes the quickstart where it is told nothing else. */
  readonly quickstart?: boolean;
  /** Variables of the environment that it alone reads. */
  readonly env?: readonly string[];
  /** Whether it has a row in the history of runs that lies beside its output. */
  readonly history?: boolean;
  /** The folder of runs whose history it opens, unless `--from` names another. */
  readonly runs?: string;
  /** Whether a model, an adapter or rows may come from the hub, or go there. */
  readonly hub?: "read" | "write";
  /** Whether it looks at the hub's cache, and asks the hub nothing. */
  readonly cache?: boolean;
  /** Whether it trains among ranks where its configuration says so, and loads libmpi for that. */
  readonly ranks?: boolean;
  /** The port that it listens on, unless `--port` names another. */
  readonly port?: number;
}

/** By the name of the command. */
export const RULES: Readonly<Record<string, Rule>> = {
  init: { writes: ["out"], out: "train.yaml", hub: "read" },
  train: {
    ...{ config: true, writes: ["out", "rescue"], out: "runs/train", history: true },
    ...{ quickstart: true, hub: "read", env: ["OPENAI_API_KEY"], ranks: true },
  },
  guard: { writes: ["out"], history: true, hub: "read" },
  combine: { writes: ["out"], hub: "read" },
  merge: { writes: ["out"], hub: "read" },
  export: { writes: ["out"], history: true, hub: "read" },
  eval: { writes: ["out"], hub: "read" },
  generate: { hub: "read" },
  chat: { hub: "read" },
  serve: { hub: "read", port: 8000, env: ["GRAFT_API_KEY"] },
  push: { hub: "write" },
  pretrain: {
    ...{ config: true, writes: ["out", "rescue"], out: "runs/train", history: true },
    ranks: true,
    hub: "read",
  },
  plan: { config: true, quickstart: true, hub: "read" },
  inspect: { config: true, hub: "read" },
  data: { config: true, writes: ["out"], hub: "read" },
  "self-instruct": { writes: ["out"], hub: "read", env: ["OPENAI_API_KEY"] },
  sample: { writes: ["out"], hub: "read", env: ["OPENAI_API_KEY"] },
  bench: {},
  tune: { config: true, hub: "read" },
  study: { config: true, writes: ["out"], hub: "read" },
  watch: { runs: "runs", port: 8001 },
  runs: { runs: "runs" },
  doctor: { cache: true, env: ["TMPDIR"] },
};

/** Flags whose values are words, not places. */
export const WORDS: readonly string[] = [
  "prompt",
  "instruction",
  "input",
  "system",
  "stop",
  "only",
  "name",
  "host",
  "base-model",
];

/** Variables of the environment that every command reads. */
export const VARIABLES: readonly string[] = [
  ...HUB_VARIABLES,
  ...["LOG_STREAM", "LOG_TOKENS"], // of the package that reads YAML
];

/** What the system is asked: names, processors, load, memory, and what kind of disk a folder lies on. */
export const SYSTEM: readonly string[] = [
  "cpus",
  "homedir",
  "osRelease",
  "hostname",
  "osUptime",
  "loadavg",
  "statfs",
  "systemMemoryInfo",
];
