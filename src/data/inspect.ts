/**
 * A look at encoded examples before they train anything: lengths, masks, and what is wrong.
 *
 * @module
 */
import { type Example, UNSUPERVISED } from "./example.ts";

/** Lengths in tokens, by share of the examples that are no longer. */
export interface Lengths {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly longest: number;
}

/** What may spoil training without a word; numbers of examples. */
export interface Faults {
  /** BOS twice at the beginning, as when a template writes it and the encoder adds it. */
  readonly doubleBos: number;
  /** No EOS among the supervised tokens: the model would not learn to stop. */
  readonly neverEnds: number;
  /** Nothing supervised. */
  readonly unsupervised: number;
  /** Same tokens as an earlier example. */
  readonly duplicates: number;
}

/** What a set of examples comes to. */
export interface Inspection {
  readonly examples: number;
  readonly tokens: number;
  /** Tokens that the loss sees. */
  readonly supervised: number;
  readonly lengths: Lengths;
  readonly faults: Faults;
}

/** Ids that mark begin and end, where the tokenizer has them. */
export interface Marks {
  readonly bos: number | null;
  readonly eos: number | null;
}

/**
 * Counts what examples hold and what is wrong with them.
 *
 * @throws {RangeError} where there are none.
 */
export function inspectExamples(examples: readonly Example[], { bos, eos }: Marks): Inspection {
  if (examples.length === 0) throw new RangeError("Found no examples, wanted one at least");
  const count = (is: (example: Example) => boolean) => examples.filter(is).length;
  const supervisedOf = ({ labels }: Example) => labels.filter((label) => label !== UNSUPERVISED);
  const distinct = new Set(examples.map(({ ids }) => ids.join(" ")));
  return {
    examples: examples.length,
    tokens: examples.reduce((sum, { ids }) => sum + ids.length, 0),
    supervised: examples.reduce((sum, example) => sum + supervisedOf(example).length, 0),
    lengths: lengthsOf(examples),
    faults: {
      doubleBos: count(({ ids }) => bos !== null && ids[0] === bos && ids[1] === bos),
      neverEnds: count((example) => eos !== null && !supervisedOf(example).includes(eos)),
      unsupervised: count((example) => supervisedOf(example).length === 0),
      duplicates: examples.length - distinct.size,
    },
  };
}

function lengthsOf(examples: readonly Example[]): Lengths {
  const ascending = examples.map(({ ids }) => ids.length).sort((a, b) => a - b);
  const at = (share: number) => ascending[Math.ceil(share * ascending.length) - 1]!;
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), longest: at(1) };
}

/** Neighbouring tokens of an example that are all supervised, or all not. */
export interface Run {
  readonly supervised: boolean;
  /** From the first token up to, and without, the last. */
  readonly from: number;
  readonly to: number;
}

/** An example as runs of the same kind. */
export function runsOf({ labels }: Example): Run[] {
  const runs: Run[] = [];
  for (let from = 0; from < labels.length;) {
    const supervised = labels[from] !== UNSUPERVISED;
    let to = from + 1;
    while (to < labels.length && (labels[to] !== UNSUPERVISED) === supervised) to++;
    runs.push({ supervised, from, to });
    from = to;
  }
  return runs;
}
