/**
 * A look at encoded examples before they train anything: lengths, and what is wrong.
 *
 * @module
 */
import { type Example, lengthOf } from "./example.ts";
import { type FaultName, faultNames, faultsOf, type Marks } from "./faults.ts";

/** Lengths in tokens, by share of the examples that are no longer. */
export interface Lengths {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly longest: number;
}

/**
 * The lengths of some examples.
 *
 * @throws {RangeError} where there are none.
 */
export function lengthPercentiles(examples: readonly Example[]): Lengths {
  if (examples.length === 0) throw new RangeError("Found no examples, wanted one at least");
  const ascending = examples.map(lengthOf).sort((a, b) => a - b);
  const at = (share: number) => ascending[Math.ceil(share * ascending.length) - 1]!;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), longest: at(1) };
}

/** How many examples have a fault, and where the first of them is. */
export interface FaultCount {
  readonly rows: number;
  readonly first: string | null;
}

/** The faults of some examples, by name. */
export function countFaults(
  examples: readonly Example[],
  marks: Marks,
): Record<FaultName, FaultCount> {
  const faulty = new Map<FaultName, string[]>(faultNames.map((name) => [name, []]));
  for (const example of examples) {
    for (const name of faultsOf(example, marks)) faulty.get(name)!.push(example.origin);
  }
  return Object.fromEntries(
    faulty.entries().map(([name, rows]) => [name, { rows: rows.length, first: rows[0] ?? null }]),
  ) as Record<FaultName, FaultCount>;
}
