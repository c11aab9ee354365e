/**
 * What the study of quality runs: ways to choose rows, and how many.
 *
 * @module
 */
import { z } from "../../deps/zod.ts";
import { metricsSchema, seedsSchema, valuesSchema } from "../trials/spec.ts";

/** Ways to choose rows. */
export const WAYS = ["select", "diversity", "difficulty", "random"] as const;
export type Way = typeof WAYS[number];

/** The spec of the study. */
export const qualitySchema = z.strictObject({
  run: valuesSchema,
  /** All rows that may be chosen. */
  data: valuesSchema,
  /** A seeded sample of so many of them stands for all; all where absent. */
  rows: z.int().min(1).exactOptional(),
  tasks: z.array(valuesSchema).min(1),
  ways: z.array(z.enum(WAYS)).min(1).default([...WAYS]),
  sizes: z.array(z.int().min(1)).min(1).default([100, 300, 1000]),
  metrics: metricsSchema,
  seeds: seedsSchema,
});

/** A checked spec. */
export type QualitySpec = z.infer<typeof qualitySchema>;

export const BASE = "base";
/** The cell that measures how hard each row is. */
export const DIFFICULTY = "difficulty";
export const cellName = (way: Way, size: number, seed: number): string =>
  `${way} ${size} seed ${seed}`;
