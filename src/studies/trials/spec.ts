/**
 * Parts of specs that several studies have.
 *
 * @module
 */
import { z } from "../../deps/zod.ts";
import { metricNames } from "../../eval/metrics/mod.ts";
import { didYouMean } from "../../io/nearest.ts";
import { NATS } from "./answers.ts";

/** A part of a config of `train`, checked where it is put into one. */
export const valuesSchema = z.record(z.string(), z.unknown());

const known = [...metricNames, NATS];

/** Metrics that are told of, the first in pictures. */
export const metricsSchema = z.array(
  z.string().superRefine((name, context) => {
    if (known.includes(name)) return;
    const message = `found ${JSON.stringify(name)}, wanted one of ${known.join(", ")}`;
    context.addIssue({ code: "custom", message: `${message}${didYouMean(name, known)}` });
  }),
).min(1);

/** Each is a run of its own of every cell. */
export const seedsSchema = z.array(z.int().min(0).max(2 ** 32 - 1)).min(1)
  .refine((seeds) => new Set(seeds).size === seeds.length, { error: "found a seed twice" });

/** The metrics that answers are scored by: {@link NATS} is measured beside them. */
export const askedMetrics = (metrics: readonly string[]): { metrics?: readonly string[] } => {
  const asked = metrics.filter((name) => name !== NATS);
  return asked.length > 0 ? { metrics: asked } : {};
};
