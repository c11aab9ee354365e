/**
 * Faults of encoded rows that ruin training without a word, in one list. A row with one stops a run
 * unless the fault is allowed by its name.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { END_TOKENS } from "../templates/builtin.ts";
import type { Example, RowTokenizer } from "../example.ts";
import { UNSUPERVISED } from "../../rows/content.ts";
import { sidesOf } from "./sides.ts";

/** Ids that mark begin and end. */
export interface Marks {
  /** Null where the tokenizer puts none before a document. */
  readonly bos: number | null;
  /** What may end an answer. */
  readonly ends: ReadonlySet<number>;
}

/** One kind of fault. */
export interface Fault {
  /** What is found in such a row, and what is wanted, as messages say it. */
  readonly found: string;
  readonly wanted: string;
  readonly has: (example: Example, marks: Marks) => boolean;
}

const isLearnt = (label: number) => label !== UNSUPERVISED;

/** The name of a fault, by which it is allowed. */
export type FaultName =
  | "unsupervised"
  | "double-bos"
  | "double-eos"
  | "unknown-token"
  | "no-end"
  | "all-supervised";

/** All faults. */
export const faults: Readonly<Record<FaultName, Fault>> = {
  "unsupervised": {
    found: "no supervised token",
    wanted: "at least one",
    has: ({ labels }) => !labels.some(isLearnt),
  },
  "double-bos": {
    found: "BOS twice at the beginning, as when template and tokenizer both write it",
    wanted: "it once (data.special_tokens reads one that is written out in a row)",
    has: ({ ids, virtual = 0, beginsTwice }, { bos }) =>
      beginsTwice === true || bos !== null && ids[virtual] === bos && ids[virtual + 1] === bos,
  },
  "double-eos": {
    found: "an end token twice after an answer, as when the text has one and another is added",
    wanted: "it once",
    has: ({ labels, endsTwice }, { ends }) =>
      endsTwice === true || labels.some((id, i) => i > 0 && ends.has(id) && labels[i - 1] === id),
  },
  "unknown-token": {
    found: "text to learn that the vocabulary lacks",
    wanted: "text of which each character has a token",
    has: ({ learnsUnknown }) => learnsUnknown === true,
  },
  "no-end": {
    found: "an answer without an end token to learn, after which a model goes on and on",
    wanted: "one after each answer",
    has: (example, { ends }) =>
      example.isAnswer === true && ends.size > 0 &&
      runsOf(example).some(({ supervised, from, to }) =>
        supervised && !example.ids.subarray(from, to).some((id) => ends.has(id))
      ),
  },
  "all-supervised": {
    found: "a prompt that is learnt like the answer",
    wanted: "a prompt that is not",
    has: ({ labels, isAnswer }) => isAnswer === true && labels.subarray(1).every(isLearnt),
  },
};

/** The names of all. */
export const faultNames: readonly FaultName[] = Object.keys(faults) as FaultName[];

/** The ids that mark begin and end for a tokenizer. */
export function marksOf({ bos, eos, encode }: RowTokenizer): Marks {
  const ends = END_TOKENS.map((token) => encode(token)).filter((ids) => ids.length === 1).flat();
  return { bos, ends: new Set(eos === null ? ends : [eos, ...ends]) };
}

/** The names of a row's faults. */
export function faultsOf(example: Example, marks: Marks): FaultName[] {
  const sides = sidesOf(example);
  return faultNames.filter((name) => sides.some((side) => faults[name].has(side, marks)));
}

/**
 * Stops at a row with a fault.
 *
 * @throws {FileError} where it has one that is not among the allowed.
 */
export function checkFaults(example: Example, marks: Marks, allowed: readonly FaultName[]): void {
  const name = faultsOf(example, marks).find((name) => !allowed.includes(name));
  if (name !== undefined) throw faultError(example, name);
}

/** What to say of a row with a fault. */
export function faultError({ origin }: Example, name: FaultName): FileError {
  const { found, wanted } = faults[name];
  return new FileError(`${origin}: found ${found}, wanted ${wanted}, or "${name}" in train.allow`);
}

/** Neighbouring tokens of an example that are all supervised, or all not. */
export interface Run {
  readonly supervised: boolean;
  /** From the first token up to, and without, the last. */
  readonly from: number;
  readonly to: number;
}

/** An example as runs of the same kind. */
export function runsOf({ labels }: Pick<Example, "labels">): Run[] {
  const runs: Run[] = [];
  for (let from = 0; from < labels.length;) {
    const supervised = isLearnt(labels[from]!);
    let to = from + 1;
    while (to < labels.length && isLearnt(labels[to]!) === supervised) to++;
    runs.push({ supervised, from, to });
    from = to;
  }
  return runs;
}
