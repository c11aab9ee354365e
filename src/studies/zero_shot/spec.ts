/**
 * What the zero-shot study runs: tasks in clusters, each cluster held out in turn.
 *
 * @module
 */
import { z } from "../../deps/zod.ts";
import { ConfigError } from "../../errors.ts";
import { didYouMean } from "../../io/nearest.ts";
import { metricsSchema, seedsSchema, valuesSchema } from "../trials/spec.ts";
import { FLAN_CLUSTERS, FLAN_KIN } from "./flan.ts";

const counts = z.array(z.int().min(1)).default([]);

/** A task of the spec. */
const task = z.strictObject({
  /** Its clusters; those of FLAN by its name where absent. */
  cluster: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).exactOptional(),
  /** Only rows with these values in these fields. */
  where: z.record(z.string(), z.string()).exactOptional(),
  train: valuesSchema,
  test: valuesSchema,
});

/** The spec of the study. */
export const zeroShotSchema = z.strictObject({
  run: valuesSchema,
  tasks: z.record(z.string().min(1), task),
  /** Clusters of which neither is trained on where the other is held out; FLAN's where absent. */
  kin: z.array(z.tuple([z.string(), z.string()])).default(FLAN_KIN.map(([a, b]) => [a, b])),
  /** Rows a task; all where absent. */
  rows: z.int().min(1).exactOptional(),
  /** What is varied, one at a time. */
  vary: z.strictObject({ tasks: counts, prompts: counts, rows: counts }).partial().default({}),
  metrics: metricsSchema,
  seeds: seedsSchema,
});

/** A checked spec. */
export type ZeroShotSpec = z.infer<typeof zeroShotSchema>;

/** The tasks of each cluster, and of each cluster held out those that may be trained on. */
export interface Split {
  readonly cluster: string;
  readonly held: readonly string[];
  readonly trained: readonly string[];
}

/**
 * Each cluster held out in turn: trained on are the tasks of all others that are no kin to it, but for
 * tasks that are in the cluster too.
 *
 * @throws {ConfigError} for a task of no cluster, or one cluster alone.
 */
export function splitsOf({ tasks, kin }: Pick<ZeroShotSpec, "tasks" | "kin">): Split[] {
  const clusters = new Map<string, string[]>();
  for (const [name, { cluster }] of Object.entries(tasks)) {
    for (const  of of[cluster ?? flanClusters(name)].flat()) {
      clusters.getOrInsertComputed(of, () => []).push(name);
    }
  }
  if (clusters.size < 2) {
    throw new ConfigError(`Found ${clusters.size} cluster of tasks, wanted two at least`);
  }
  return Array.from(clusters, ([cluster, held]): Split => {
    const related = kin.flatMap((pair) => pair.includes(cluster) ? pair : []);
    const others = [...clusters].filter(([name]) => name !== cluster && !related.includes(name));
    const trained = new Set(others.flatMap(([, names]) => names)).difference(new Set(held));
    if (trained.size > 0) return { cluster, held, trained: [...trained] };
    throw new ConfigError(`Found no task to train on where ${cluster} is held out, wanted some`);
  });
}

/** The clusters of FLAN that a task is in. */
function flanClusters(task: string): string[] {
  const found = Object.entries(FLAN_CLUSTERS).filter(([, tasks]) => tasks.includes(task));
  if (found.length > 0) return found.map(([cluster]) => cluster);
  const near = didYouMean(task, new Set(Object.values(FLAN_CLUSTERS).flat()));
  throw new ConfigError(
    `tasks.${task}: found no cluster and no task of FLAN by that name, wanted a cluster${near}`,
  );
}
