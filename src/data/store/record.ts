/**
 * Examples as records of 32-bit words, for the disk and the way between workers: how many tokens it
 * has, their words, the lengths of its source and of its chosen document, its label, the bytes of its
 * origin, then those as UTF-8, filled up to a whole word. So a record says itself where the next one begins.
 *
 * @module
 */

import { type Example, UNSUPERVISED } from "../example.ts";

/** Set in the word of a supervised token; ids are below it. */
const SUPERVISED = 0x80000000;
const WORD = 4;
/** In place of what it has not. */
const NONE = 0xffffffff;
/** Words between its tokens and its origin. */
const FIELDS = 4;

/** The record of an example. */
export function recordOf(example: Example): Uint32Array {
  if (example instanceof Recorded) return example.record;
  const { ids, labels, origin } = example;
  const { sourceLength = NONE, chosenLength = NONE, label = NONE } = example;
  const text = new TextEncoder().encode(origin);
  const end = 1 + ids.length;
  const record = new Uint32Array(end + FIELDS + Math.ceil(text.length / WORD));
  record[0] = ids.length;
  for (const [i, id] of ids.entries()) {
    record[1 + i] = labels[i] === UNSUPERVISED ? id : id | SUPERVISED;
  }
  record.set([sourceLength, chosenLength, label, text.length], end);
  new Uint8Array(record.buffer).set(text, (end + FIELDS) * WORD);
  return record;
}

/** The examples of records that stand one after the other. */
export function* examplesIn(words: Uint32Array): Generator<Recorded> {
  for (let begin = 0; begin < words.length;) {
    const example = new Recorded(words, begin);
    yield example;
    begin += example.record.length;
  }
}

/** An example that is a view of its record. */
export class Recorded implements Example {
  readonly record: Uint32Array;
  readonly #tokens: Uint32Array;

  /** The example whose record begins at a word. */
  constructor(words: Uint32Array, begin: number) {
    const end = begin + 1 + words[begin]!;
    const bytes = words[end + FIELDS - 1]!;
    this.record = words.subarray(begin, end + FIELDS + Math.ceil(bytes / WORD));
    this.#tokens = words.subarray(begin + 1, end);
  }

  get ids(): Uint32Array {
    return this.#tokens.map((word) => word & ~SUPERVISED);
  }

  get labels(): Int32Array {
    return Int32Array.from(
      this.#tokens,
      (word) => word & SUPERVISED ? word & ~SUPERVISED : UNSUPERVISED,
    );
  }

  get sourceLength(): number | undefined {
    return this.#field(0);
  }

  get chosenLength(): number | undefined {
    return this.#field(1);
  }

  get label(): number | undefined {
    return this.#field(2);
  }

  get origin(): string {
    const { buffer, byteOffset } = this.record;
    const end = 1 + this.#tokens.length;
    const bytes = this.record[end + FIELDS - 1]!;
    const begin = byteOffset + (end + FIELDS) * WORD;
    return new TextDecoder().decode(new Uint8Array(buffer, begin, bytes));
  }

  get length(): number {
    return this.#tokens.length;
  }

  get supervised(): number {
    let count = 0;
    for (const word of this.#tokens) if (word & SUPERVISED) count++;
    return count;
  }

  #field(field: number): number | undefined {
    const value = this.record[1 + this.#tokens.length + field]!;
    return value === NONE ? undefined : value;
  }
}
