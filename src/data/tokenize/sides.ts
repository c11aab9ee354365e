/**
 * Preferences as examples: two documents of one prompt that are packed as one example, so that an
 * update always has both.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { type Example, lengthOf, TEXT_FLAGS, type TextFlag } from "../example.ts";

/** The two documents of a preference, in the order in which they are packed. */
export const SIDES = ["chosen", "rejected"] as const;
export type Side = typeof SIDES[number];

/** The example of a chosen and a rejected document. */
export function joinSides(chosen: Example, rejected: Example, origin: string): Example {
  return {
    ids: Uint32Array.from([...chosen.ids, ...rejected.ids]),
    labels: Int32Array.from([...chosen.labels, ...rejected.labels]),
    chosenLength: chosen.ids.length,
    isAnswer: true,
    ...flagsOf([chosen, rejected]),
    origin,
  };
}

/** The chosen and the rejected document of a preference; of another example itself. */
export function sidesOf(example: Example): Example[] {
  const { chosenLength } = example;
  if (chosenLength === undefined) return [example];
  const { ids, labels, origin } = example;
  return [[0, chosenLength], [chosenLength, ids.length]].map(([from, to]): Example => ({
    ids: ids.subarray(from, to),
    labels: labels.subarray(from, to),
    origin,
    isAnswer: true,
    ...flagsOf([example]),
  }));
}

/** What is known of the text of one or the other. */
function flagsOf(sides: readonly Example[]): Partial<Record<TextFlag, true>> {
  const flags = TEXT_FLAGS.filter((flag) => sides.some((side) => side[flag]));
  return Object.fromEntries(flags.map((flag) => [flag, true]));
}

/** What a preference must fit. */
export interface SideLimits {
  /** The most tokens of either document. */
  readonly maxTokens: number;
  /** The most tokens of both. */
  readonly bothTokens: number;
}

/** A preference, or what a policy makes of one that is too long; null for one to leave out. */
export function fitSides(
  example: Example,
  { maxTokens, bothTokens }: SideLimits,
  policy: "drop" | "truncate" | "error",
  limit: (side: Example, maxTokens: number) => Example | null,
): Example | null {
  const sides = sidesOf(example);
  const [chosen, rejected] = sides.map(lengthOf) as [number, number];
  const longer = Math.max(chosen, rejected);
  if (longer <= maxTokens && chosen + rejected <= bothTokens) return example;
  if (policy === "error") {
    const found = `${chosen} and ${rejected} tokens of two answers with their prompt`;
    const wanted = `at most ${maxTokens} of each and ${bothTokens} of both`;
    throw new FileError(`${example.origin}: found ${found}, wanted ${wanted}`);
  }
  if (policy === "drop") return null;
  // The shorter keeps all it has, if that is no more than half of it.
  const rest = bothTokens - Math.min(chosen, rejected, Math.floor(bothTokens / 2));
  const [first, second] = sides.map((side) => limit(side, Math.min(maxTokens, rest)));
  if (!first || !second || String(first.ids) === String(second.ids)) return null;
  return joinSides(first, second, example.origin);
}
