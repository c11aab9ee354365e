/**
 * Forgetting in the unit of its budget.
 *
 * @module
 */
import { minus } from "../../report/numbers.ts";
import { atMost, inUnit, type Metric } from "../budget.ts";

/** What forgetting of a metric is measured in. */
export const unitOf = (metric: Metric): string =>
  metric === "ppl" ? "% of perplexity" : "nats a token";

/** A shift in nats a token, as a number in the unit of its budget. */
export const inBudgetUnit = (metric: Metric, shift: number): number =>
  metric === "ppl" ? 100 * Math.expm1(shift) : shift;

/** A shift in the unit of its budget; of a bound that does not exist, "none". */
export const shiftText = (metric: Metric, shift: number): string =>
  Number.isFinite(shift) ? minus(inUnit(metric, shift)) : "none";

/** An upper bound in the unit of its budget, rounded up; "none" where there is none. */
export const boundText = (metric: Metric, bound: number): string =>
  Number.isFinite(bound) ? minus(atMost(metric, bound)) : "none";

/** A standard error of a shift, in the unit of its budget. */
export function errorText(metric: Metric, se: number): string {
  if (!Number.isFinite(se)) return "unknown";
  return metric === "ppl" ? `${(100 * se).toFixed(2)} %` : se.toFixed(4);
}

/** A strength without the noise of its last bits. */
export const strengthText = (strength: number): string => String(Number(strength.toFixed(4)));
