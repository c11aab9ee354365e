/**
 * From the scores of the vocabulary to one token.
 *
 * @module
 */

/** How a token is drawn. */
export interface SampleOptions {
  /** Divides the scores; 0, the default, always takes the highest. */
  readonly temperature: number;
  /** Only the so many likeliest tokens; 0, the default, for all. */
  readonly topK: number;
  /** Only the fewest likeliest tokens whose probabilities reach this sum; 1, the default, for all. */
  readonly topP: number;
  /** Only tokens at least this share as likely as the likeliest; 0, the default, for all. */
  readonly minP: number;
}

/**
 * Draws a token from logits: temperature, then top-k, then top-p (Holtzman et al., 2020), then min-p
 * (Nguyen et al., 2024), as transformers' `logits_process.py` has them; tokens that tie with the last one kept stay too.
 *
 * @param u A random number in [0, 1).
 * @throws {RangeError} where an option is out of range, or no logit is a finite number.
 */
export function sample(
  logits: Float32Array,
  { temperature = 0, topK = 0, topP = 1, minP = 0 }: Partial<SampleOptions>,
  u: number,
): number {
  if (!(temperature >= 0)) refuse("temperature", temperature, "0 or more");
  if (!(Number.isInteger(topK) && topK >= 0)) refuse("top-k", topK, "a whole number from 0 on");
  if (!(topP > 0 && topP <= 1)) refuse("top-p", topP, "more than 0 and at most 1");
  if (!(minP >= 0 && minP <= 1)) refuse("min-p", minP, "0 to 1");
  const best = argmax(logits);
  if (temperature === 0) return best;
  const top = logits[best]!;
  const weights = new Float64Array(logits.length);
  for (let i = 0; i < weights.length; i++) weights[i] = Math.exp((logits[i]! - top) / temperature);
  if (topK > 0) keepFrom(weights, weights.toSorted().at(-Math.min(topK, weights.length))!);
  if (topP < 1) keepFrom(weights, leastOfNucleus(weights, topP));
  if (minP > 0) keepFrom(weights, minP); // the likeliest weighs 1
  return draw(weights, u);
}

/** The first of the highest. */
function argmax(logits: Float32Array): number {
  let best = -1;
  for (let i = 0; i < logits.length; i++) {
    if (logits[i]! > (logits[best] ?? -Infinity)) best = i;
  }
  if (best >= 0 && logits[best]! < Infinity) return best;
  throw new RangeError("Found no finite score in the model's output, wanted one at least");
}

function keepFrom(weights: Float64Array, least: number): void {
  for (let i = 0; i < weights.length; i++) if (weights[i]! < least) weights[i] = 0;
}

/** The smallest weight that is kept when the lightest are dropped while they sum up to 1 - topP. */
function leastOfNucleus(weights: Float64Array, topP: number): number {
  const ascending = weights.toSorted();
  const dropped = (1 - topP) * total(weights);
  let sum = 0;
  return ascending.find((weight) => (sum += weight) > dropped) ?? ascending.at(-1)!;
}

function draw(weights: Float64Array, u: number): number {
  const target = u * total(weights);
  let sum = 0;
  const drawn = weights.findIndex((weight) => (sum += weight) > target);
  return drawn >= 0 ? drawn : weights.findLastIndex((weight) => weight > 0);
}

function total(weights: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i]!;
  return sum;
}

function refuse(option: string, found: number, wanted: string): never {
  throw new RangeError(`Found a ${option} of ${found}, wanted ${wanted}`);
}
