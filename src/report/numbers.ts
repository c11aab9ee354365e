/**
 * Numbers as a person reads them.
 *
 * @module
 */

/** With digits after the point. */
export const fixed = (value: number, digits: number): string => minus(value.toFixed(digits));

/** With its sign. */
export const signed = (value: number, digits: number): string =>
  `${value > 0 ? "+" : ""}${fixed(value, digits)}`;

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export const whole = (count: number): string => count.toLocaleString("en-US");

/** A probability of a test. */
export const chance = (p: number): string => p < 0.001 ? "< 0.001" : p.toPrecision(2);

/** Seconds as a person says them. */
export function secondsText(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** A number as text with a real minus sign, and none before nothing. */
export const minus = (text: string): string =>
  text.replace(/^-(?=.*[1-9])/, "\u2212").replace(/^-/, "");
