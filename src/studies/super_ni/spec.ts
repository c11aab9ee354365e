/**
 * What the study of Super-NaturalInstructions runs: task files to train on and others to be asked,
 * with the definition alone and with examples.
 *
 * @module
 */
import { basename, dirname, join, resolve } from "node:path";
import { z } from "../../deps/zod.ts";
import { ConfigError } from "../../errors.ts";
import { readJsonObject, readText } from "../../io/files.ts";
import { permutation } from "../../random.ts";
import type { Place } from "../engine/study.ts";
import { fileOf } from "../trials/rows.ts";
import { metricsSchema, seedsSchema, valuesSchema } from "../trials/spec.ts";

const file = z.string().min(1);

/** The spec of the study. */
export const superNiSchema = z.strictObject({
  run: valuesSchema,
  /** Task files; or the split of the benchmark: the folder of tasks, and lists of their names. */
  split: z.union([
    z.strictObject({ train: z.array(file).min(1), test: z.array(file).min(1) }),
    z.strictObject({ tasks: file, train: file, test: file }),
  ]),
  /** Positive examples in a prompt, for each a model of its own: 0 is the definition alone. */
  examples: z.array(z.int().min(0)).min(1).default([0, 2]),
  /** Instances of a task that are trained on and that are asked; Tk-Instruct has 100. */
  instances: z.strictObject({
    train: z.int().min(1).default(100),
    test: z.int().min(1).default(100),
  }).prefault({}),
  max_tokens: z.int().min(1).default(128),
  metrics: metricsSchema.default(["rougeL_stem", "exact_match"]),
  seeds: seedsSchema,
});

/** A checked spec. */
export type SuperNiSpec = z.infer<typeof superNiSchema>;

/** A task file. */
export interface TaskFile {
  readonly path: string;
  readonly name: string;
  readonly category: string;
}

export const baseName = (examples: number): string => `base ${examples} examples`;
export const tunedName = (examples: number, seed: number): string =>
  `tuned ${examples} examples seed ${seed}`;

/**
 * The task files of a spec.
 *
 * @throws {FileError} where one is missing or is no task.
 * @throws {ConfigError} where two that are asked have one name.
 */
export function filesOf(
  { split }: SuperNiSpec,
  { folder }: Place,
): { train: TaskFile[]; test: TaskFile[] } {
  const paths = (of: "train" | "test"): string[] => {
    const named = split[of];
    if (typeof named !== "string") return named.map((path) => resolve(folder, path));
    const { tasks } = split as { tasks: string };
    const names = readText(resolve(folder, named)).split("\n").map((name) => name.trim());
    return names.filter((name) => name !== "")
      .map((name) => join(resolve(folder, tasks), `${name}.json`));
  };
  const found = { train: paths("train").map(taskFile), test: paths("test").map(taskFile) };
  const names = found.test.map(({ name }) => name);
  const twin = names.find((name, i) => names.indexOf(name) < i);
  if (twin === undefined) return found;
  throw new ConfigError(`split.test: found ${twin} twice, wanted each task once`);
}

function taskFile(path: string): TaskFile {
  const { Categories: categories } = readJsonObject(path);
  const stem = basename(path, ".json");
  const name = /^(train|test|dev)$/.test(stem) ? basename(dirname(path)) : stem;
  const [category] = Array.isArray(categories) ? categories : [categories];
  return { path, name, category: typeof category === "string" ? category : "none" };
}

/** Categories whose official score is exact match; that of all others is ROUGE-L. */
const EXACT = [
  "Textual Entailment",
  "Cause Effect Classification",
  "Coreference Resolution",
  "Dialogue Act Recognition",
  "Answerability Classification",
  "Word Analogy",
];

/** By what the benchmark scores a category. */
export const officialMetric = (category: string): string =>
  EXACT.includes(category) ? "exact_match" : "rougeL_stem";

/**
 * A task with a seeded sample of its instances: a file of the study where it has more.
 *
 * @returns its path.
 */
export function sampledTask(
  { path, name }: TaskFile,
  { count, seed }: { readonly count: number; readonly seed: number },
  place: Place,
): string {
  const task = readJsonObject(path);
  const { Instances: instances } = task;
  if (!Array.isArray(instances) || instances.length <= count) return path;
  const order = permutation(instances.length, seed).subarray(0, count).sort();
  const some = { ...task, Instances: Array.from(order, (i) => instances[i]) };
  return fileOf(`${name} ${count} instances seed ${seed}`, ".json", JSON.stringify(some), place);
}
