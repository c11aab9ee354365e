/**
 * Numbers as a person reads them.
 *
 * @module
 */
import { inUnit, type Metric } from "../budget.ts";

/** What forgetting of a metric is measured in. */
export const unitOf = (metric: Metric): string =>
  metric === "ppl" ? "% of perplexity" : "nats a token";

/** A shift in nats a token, as a number in the unit of its budget. */
export const inBudgetUnit = (metric: Metric, shift: number): number =>
  metric === "ppl" ? 100 * Math.expm1(shift) : shift;

/** A shift in the unit of its budget; of a bound that does not exist, "none". */
export const shiftText = (metric: Metric, shift: number): string =>
  Number.isFinite(shift) ? minus(inUnit(metric, shift)) : "none";

/** A standard error of a shift, in the unit of its budget. */
export function errorText(metric: Metric, se: number): string {
  if (!Number.isFinite(se)) return "unknown";
  return metric === "ppl" ? `${(100 * se).toFixed(2)} %` : se.toFixed(4);
}

/** With digits after the point. */
export const fixed = (value: number, digits: number): string => minus(value.toFixed(digits));

/** With its sign. */
export const signed = (value: number, digits: number): string =>
  `${value > 0 ? "+" : ""}${fixed(value, digits)}`;

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export const whole = (count: number): string => count.toLocaleString("en-US");

/** A strength without the noise of its last bits. */
export const strengthText = (strength: number): string => String(Number(strength.toFixed(4)));

/** A probability of a test. */
export const chance = (p: number): string => p < 0.001 ? "< 0.001" : p.toPrecision(2);

/** Seconds as a person says them. */
export function secondsText(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** With a real minus sign, and none before nothing. */
const minus = (text: string): string => text.replace(/^-(?=.*[1-9])/, "\u2212").replace(/^-/, "");
