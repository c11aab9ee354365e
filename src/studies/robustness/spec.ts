/**
 * What the study of robustness runs: tasks, each under ten phrasings at least.
 *
 * @module
 */
import { z } from "../../deps/zod.ts";
import { ConfigError } from "../../errors.ts";
import { permutation } from "../../random.ts";
import type { Place } from "../engine/study.ts";
import { patternsOf } from "../trials/rows.ts";
import { metricsSchema, seedsSchema, valuesSchema } from "../trials/spec.ts";

/** Phrasings that a task is asked in, at least. */
const LEAST_PHRASINGS = 10;

/** The spec of the study. */
export const robustnessSchema = z.strictObject({
  run: valuesSchema,
  tasks: z.record(
    z.string().min(1),
    z.strictObject({
      train: valuesSchema,
      test: valuesSchema,
      /** A list of patterns or of Jinja, or {flan, task}. */
      phrasings: z.unknown(),
    }),
  ),
  /** In how many phrasings the tasks are trained on. */
  trained_on: z.array(z.int().min(1)).min(1),
  /** Rows a task; all where absent. */
  rows: z.int().min(1).exactOptional(),
  metrics: metricsSchema,
  seeds: seedsSchema,
});

/** A checked spec. */
export type RobustnessSpec = z.infer<typeof robustnessSchema>;

export const BASE = "base";
export const cellName = (phrasings: number, seed: number): string =>
  `${phrasings} phrasings seed ${seed}`;

/** Which of so many phrasings are trained on: of more, those of fewer and others. */
export const trainedPhrasings = (
  all: number,
  count: number,
  seed: number,
): number[] => [...permutation(all, seed).subarray(0, count)];

/**
 * The phrasings of a task.
 *
 * @throws {ConfigError} where there are fewer than ten, or than are trained on.
 */
export function phrasingsOf(
  { tasks, trained_on: counts }: RobustnessSpec,
  name: string,
  place: Place,
): readonly unknown[] {
  const list = patternsOf(tasks[name]!.phrasings, place);
  const least = Math.max(LEAST_PHRASINGS, ...counts);
  if (list.length >= least) return list;
  throw new ConfigError(
    `tasks.${name}.phrasings: found ${list.length} phrasings, wanted ${least} at least`,
  );
}
