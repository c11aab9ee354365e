/**
 * Weighted sums of tensors of one shape, some of their numbers left out (PEFT's `merge_utils.py`).
 *
 * @module
 */
import type { CombineMethod, Majority } from "./methods.ts";

/** How tensors are mixed. */
export interface MixOptions extends Pick<CombineMethod, "prunes" | "elects"> {
  /** The share of numbers that pruning keeps, above 0 and at most 1. */
  readonly density: number;
  readonly majority: Majority;
  /** A number in [0, 1) for number `i` of tensor `t`, by which random pruning decides. */
  random(t: number, i: number): number;
}

/** A tensor and its weight in the sum. */
export interface Weighted {
  readonly numbers: ArrayLike<number>;
  readonly weight: number;
}

/**
 * The sum of tensors [n], each times its weight. Numbers are pruned first; where signs are elected,
 * the sign of a sum without weights prevails, and the mean of those that have it is what remains.
 */
export function mix(tensors: readonly Weighted[], options: MixOptions): Float64Array {
  const pruned = tensors.map(({ numbers }, t) => pruneOf(numbers, t, options));
  const size = pruned[0]!.length;
  const mixed = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const sign = options.elects ? electedSign(pruned, i, options.majority) : 0;
    let count = 0;
    for (const [t, numbers] of pruned.entries()) {
      const x = numbers[i]!;
      if (options.elects && Math.sign(x) !== sign) continue;
      mixed[i]! += tensors[t]!.weight * x;
      count++;
    }
    if (options.elects && count > 1) mixed[i]! /= count;
  }
  return mixed;
}

function electedSign(tensors: readonly ArrayLike<number>[], i: number, majority: Majority) {
  const sum = tensors.reduce(
    (sum, numbers) => sum + (majority === "total" ? numbers[i]! : Math.sign(numbers[i]!)),
    0,
  );
  return sum >= 0 ? 1 : -1;
}

function pruneOf(numbers: ArrayLike<number>, t: number, options: MixOptions): ArrayLike<number> {
  const { prunes, density, random } = options;
  if (prunes === undefined || density === 1) return numbers;
  if (prunes === "magnitude") return largest(numbers, density);
  return Float64Array.from(numbers, (x, i) => random(t, i) < density ? x / density : 0);
}

/** The numbers whose size is among the largest, the rest zero; of equal ones the first. */
function largest(numbers: ArrayLike<number>, density: number): Float64Array {
  const kept = Math.floor(density * numbers.length);
  const result = new Float64Array(numbers.length);
  if (kept === 0) return result;
  const sizes = Float64Array.from(numbers, Math.abs);
  const least = sizes.toSorted()[sizes.length - kept]!;
  let equal = kept - sizes.reduce((count, size) => count + Number(size > least), 0);
  for (let i = 0; i < result.length; i++) {
    if (sizes[i]! > least || (sizes[i] === least && equal-- > 0)) result[i] = numbers[i]!;
  }
  return result;
}
