/**
 * A look at encoded examples before they train anything: lengths, and what is wrong.
 *
 * @module
 */
import { fitLength, isCut, type TooLongPolicy } from "./encode.ts";
import {
  answersOf,
  countSupervised,
  type Example,
  lengthOf,
  type RowTokenizer,
} from "../example.ts";
import { type FaultName, faultNames, faultsOf, type Marks, marksOf } from "./faults.ts";
import { sidesOf } from "./sides.ts";
import { GrowableArray } from "../../io/store/growable_array.ts";

/** Lengths in tokens, by share of the examples that are no longer. */
export interface Lengths {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly longest: number;
}

/** How many examples have a fault, and where the first of them is. */
export interface FaultCount {
  rows: number;
  first: string | null;
}

/** What a source gives to training. */
export interface Given {
  rows: number;
  tokens: number;
  /** Tokens that the loss sees. */
  supervised: number;
}

/** What training makes of an example that is too long. */
export interface Fit {
  /** The most tokens of a row in training. */
  readonly limit: number;
  /** The most tokens of both documents of a preference; `limit` where absent. */
  readonly bothLimit?: number;
}

/** Counts whole examples, one at a time: four bytes of each are kept. */
export class Inspection {
  /** Examples beyond the limit that are left out, and that are cut. */
  tooLong = 0;
  cut = 0;
  /** Examples that end without an end token though they answer nothing: text without EOS. */
  endless = 0;
  /** Preferences, and the tokens of their answers. */
  readonly preferences = { rows: 0, chosen: 0, rejected: 0 };
  /** How many examples have each label, by its number. */
  readonly labels: number[] = [];
  readonly faults: Readonly<Record<FaultName, FaultCount>> = Object.fromEntries(
    faultNames.map((name) => [name, { rows: 0, first: null }]),
  ) as Record<FaultName, FaultCount>;
  readonly #lengths = new GrowableArray(Uint32Array);
  readonly #marks: Marks;

  constructor(private readonly tokenizer: RowTokenizer, private readonly fit: Fit) {
    this.#marks = marksOf(tokenizer);
  }

  /** Counts an example, and adds to `given` what training gets of it under a policy. */
  add(example: Example, policy: TooLongPolicy, given: Given): void {
    const { limit, bothLimit = limit } = this.fit;
    const pieces = fitLength(example, limit, policy, this.tokenizer.bos, bothLimit);
    if (pieces.length === 0) this.tooLong++;
    else if (isCut(example, pieces)) this.cut++;
    given.rows += pieces.length;
    for (const piece of pieces) {
      given.tokens += lengthOf(piece);
      given.supervised += countSupervised(piece);
    }
    this.#lengths.push(lengthOf(example));
    this.#countAnswers(example);
    for (const name of faultsOf(example, this.#marks)) {
      const fault = this.faults[name];
      fault.rows++;
      fault.first ??= example.origin;
    }
    const { labels, isAnswer } = example;
    if (!isAnswer && !labels.some((label) => this.#marks.ends.has(label))) this.endless++;
  }

  #countAnswers(example: Example): void {
    const { label } = example;
    if (label !== undefined) this.labels[label] = (this.labels[label] ?? 0) + 1;
    if (answersOf(example) !== "two") return;
    const [chosen, rejected] = sidesOf(example).map(countSupervised);
    this.preferences.rows++;
    this.preferences.chosen += chosen!;
    this.preferences.rejected += rejected!;
  }

  /**
   * The lengths of whole examples.
   *
   * @throws {RangeError} where there are none.
   */
  get lengths(): Lengths {
    const ascending = this.#lengths.copy().sort();
    if (ascending.length === 0) throw new RangeError("Found no examples, wanted one at least");
    const at = (share: number) => ascending[Math.ceil(share * ascending.length) - 1]!;
    return { p50: at(0.5), p90: at(0.9), p99: at(0.99), longest: at(1) };
  }
}
