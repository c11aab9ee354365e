/**
 * The metrics of answers, in one list. A new one is a file here and a line in it.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { didYouMean } from "../../io/nearest.ts";
import { rankings } from "./choices.ts";
import { matches } from "./match.ts";
import type { Metric } from "./metric.ts";
import { numeric } from "./number.ts";
import { refusals } from "./refusal.ts";
import { rouges } from "./rouge.ts";
import { tokenF1 } from "./token_f1.ts";

export * from "./choices.ts";
export * from "./metric.ts";
export { BEHAVIOURS, isBehaviour } from "./refusal.ts";

/** All metrics. */
export const metrics: readonly Metric[] = [
  ...matches,
  tokenF1,
  ...rouges,
  ...numeric,
  ...refusals,
  ...rankings,
];

/** Their names. */
export const metricNames: readonly string[] = metrics.map(({ name }) => name);

/**
 * The metric of that name.
 *
 * @throws {ConfigError} where there is none, with the names that are near.
 */
export function metricOf(name: string): Metric {
  const found = metrics.find((metric) => metric.name === name);
  if (found) return found;
  const wanted = `one of ${metricNames.join(", ")}${didYouMean(name, metricNames)}`;
  throw new ConfigError(`Found the metric ${JSON.stringify(name)}, wanted ${wanted}`);
}
