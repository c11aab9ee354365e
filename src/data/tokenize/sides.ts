/**
 * Several answers to a prompt as one example: documents that are packed together, so that an update
 * always has all.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { type Example, gradesOf, lengthOf, TEXT_FLAGS, type TextFlag } from "../example.ts";
import type { Grades } from "../../rows/content.ts";

/** The example of several documents, in the order of their answers. */
export function joinSides(
  sides: readonly Example[],
  { origin, ...grades }: Grades & { readonly origin: string },
): Example {
  return {
    ids: Uint32Array.from(sides.flatMap(({ ids }) => [...ids])),
    labels: Int32Array.from(sides.flatMap(({ labels }) => [...labels])),
    sides: { lengths: sides.map(({ ids }) => ids.length), ...gradesOf(grades) },
    isAnswer: true,
    ...flagsOf(sides),
    ...virtualOf(sides[0]),
    origin,
  };
}

/** The documents of several answers; of another example itself. */
export function sidesOf(example: Example): Example[] {
  const { sides, ids, labels, origin } = example;
  if (!sides) return [example];
  let end = 0;
  return sides.lengths.map((length): Example => {
    const from = end;
    end += length;
    return {
      ids: ids.subarray(from, end),
      labels: labels.subarray(from, end),
      origin,
      isAnswer: true,
      ...flagsOf([example]),
      ...virtualOf(example),
    };
  });
}

/** The virtual tokens that each document begins with. */
const virtualOf = ({ virtual }: Partial<Example> = {}) => virtual === undefined ? {} : { virtual };

/** What an answer is called among so many. */
export function sideName(
  index: number,
  { lengths, grades }: NonNullable<Example["sides"]>,
): string {
  if (!grades) return ["chosen", "rejected"][index]!;
  return `answer ${index + 1} of ${lengths.length}, ${grades[index]}`;
}

/** What is known of the text of one or the other. */
function flagsOf(sides: readonly Example[]): Partial<Record<TextFlag, true>> {
  const flags = TEXT_FLAGS.filter((flag) => sides.some((side) => side[flag]));
  return Object.fromEntries(flags.map((flag) => [flag, true]));
}

/** What several answers must fit. */
export interface SideLimits {
  /** The most tokens of each document. */
  readonly maxTokens: number;
  /** The most tokens of all. */
  readonly bothTokens: number;
}

/** Several answers, or what a policy makes of them where they are too long; null to leave them out. */
export function fitSides(
  example: Example,
  { maxTokens, bothTokens }: SideLimits,
  policy: "drop" | "truncate" | "error",
  limit: (side: Example, maxTokens: number) => Example | null,
): Example | null {
  const sides = sidesOf(example);
  const lengths = sides.map(lengthOf);
  const all = lengths.reduce((sum, length) => sum + length, 0);
  if (Math.max(...lengths) <= maxTokens && all <= bothTokens) return example;
  if (policy === "error") {
    const found = `${lengths.join(" and ")} tokens of answers with their prompt`;
    const wanted = `at most ${maxTokens} of each and ${bothTokens} of all`;
    throw new FileError(`${example.origin}: found ${found}, wanted ${wanted}`);
  }
  if (policy === "drop") return null;
  const cut = sides.map((side) => limit(side, Math.min(maxTokens, share(lengths, bothTokens))));
  if (cut.includes(null)) return null;
  const fitting = cut as Example[];
  if (new Set(fitting.map(({ ids }) => String(ids))).size < fitting.length) return null;
  return joinSides(fitting, { ...example.sides, origin: example.origin });
}

/** The most that each of some lengths may keep for all to fit: shorter ones keep all they have. */
function share(lengths: readonly number[], capacity: number): number {
  let left = capacity;
  for (const [i, length] of lengths.toSorted((a, b) => a - b).entries()) {
    const most = Math.floor(left / (lengths.length - i));
    if (length > most) return most;
    left -= length;
  }
  return Infinity;
}
