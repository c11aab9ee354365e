/**
 * The flags that name tasks, and say how they are asked.
 *
 * @module
 */
import { dirname } from "node:path";
import { parseTasks } from "../../config/mod.ts";
import { templateNames } from "../../data/mod.ts";
import { metricOf } from "../../eval/metrics/mod.ts";
import type { TaskEntry } from "../../eval/tasks/entry.ts";
import { readTaskYaml } from "../../eval/tasks/lm_eval/yaml.ts";
import { entryOf } from "../../eval/tasks/read.ts";
import { ConfigError } from "../../errors.ts";
import { exists, isFile } from "../../io/files.ts";
import type { Arguments, Flag } from "../lib/args.ts";
import { numberOf } from "../lib/number.ts";

/** The flags of `--tasks`. */
export const TASK_FLAGS = {
  tasks: {
    type: "string",
    many: true,
    help: "rows with answers, a task of Super-NaturalInstructions or lm-eval, a folder of such, " +
      "PROMPTS.yaml@ROWS, or a file of {tasks: [...]}; more may follow",
  },
  metric: {
    type: "string",
    many: true,
    help: "metric of all tasks, in place of what fits their rows; more than once for several",
  },
  prompts: {
    type: "string",
    help:
      "asks each row in the words of every prompt of a file: YAML of PromptSource, or JSON of " +
      "annotations",
  },
  shots: { type: "string", help: "exemplars before each question" },
  "max-rows": { type: "string", help: "a seeded sample of so many rows of each task" },
  "max-tokens": { type: "string", help: "most tokens of an answer" },
  stop: {
    type: "string",
    many: true,
    help: "text that ends an answer; more than once for several",
  },
  seed: { type: "string", help: "of samples, exemplars and intervals; 0 by default" },
  out: { type: "string", help: "folder for predictions.jsonl and scores.json" },
} as const satisfies Record<string, Flag>;

/** Flags of `--tasks` alone, and of what stands beside it. */
export const ONLY_TASKS: readonly string[] = Object.keys(TASK_FLAGS);

/**
 * The entries that a command line names, its other flags in all of them.
 *
 * @throws {ConfigError} for what is not known.
 */
export function entriesOf({ positionals, flags, lists }: Arguments): TaskEntry[] {
  const specs = [...lists["tasks"] ?? [], ...positionals.slice(1)];
  const metrics = lists["metric"];
  for (const name of metrics ?? []) metricOf(name);
  const { prompts, template } = flags;
  const number = (flag: string, least: number) =>
    flags[flag] === undefined ? undefined : numberOf(flags, flag, 0, { least, whole: true });
  const [shots, rows, tokens] = [
    number("shots", 0),
    number("max-rows", 1),
    number("max-tokens", 1),
  ];
  const all: Partial<TaskEntry> = {
    ...(metrics && { metrics }),
    ...(prompts !== undefined && { prompts: promptsOf(prompts) }),
    ...(template !== undefined && { template: templateOf(template) }),
    ...(shots !== undefined && { shots }),
    ...(rows !== undefined && { max_rows: rows }),
    ...(tokens !== undefined && { max_tokens: tokens }),
    ...(lists["stop"] && { stop: lists["stop"] }),
    ...(flags["seed"] !== undefined && { seed: seedOf(flags) }),
  };
  return specs.flatMap(specEntries).map((entry) => ({ ...entry, ...all }));
}

/** The seed of samples, exemplars and intervals. */
export const seedOf = (flags: Arguments["flags"]): number =>
  numberOf(flags, "seed", 0, { least: 0, most: 2 ** 32 - 1, whole: true });

function specEntries(spec: string): readonly TaskEntry[] {
  if (!exists(spec) || !isFile(spec) || !/\.(ya?ml|json)$/i.test(spec)) return [entryOf(spec)];
  const isYaml = !/\.json$/i.test(spec);
  const file = isYaml ? readTaskYaml(spec) : suiteIn(spec);
  const tasks = file?.["tasks"];
  return Array.isArray(tasks) ? parseTasks(tasks, dirname(spec)) : [entryOf(spec)];
}

/** A JSON file that is a list of tasks; rows may be a list, or many objects. */
function suiteIn(path: string): Record<string, unknown> | null {
  const text = Deno.readTextFileSync(path);
  if (!/^\s*\{\s*"tasks"/.test(text)) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`${path}: found malformed JSON (${(error as Error).message})`);
  }
}

const promptsOf = (path: string): NonNullable<TaskEntry["prompts"]> =>
  /\.json$/i.test(path) ? { instructions: path } : { promptsource: path };

const templateOf = (template: string): NonNullable<TaskEntry["template"]> =>
  template.endsWith(".jinja") && !templateNames.includes(template) ? { file: template } : template;
