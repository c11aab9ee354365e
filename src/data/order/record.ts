/**
 * Examples as records of 32-bit words, for the disk and the way between workers: the words of its
 * tokens, the length of its source, the bytes of its origin, then those as UTF-8, filled up to a whole
 * word.
 *
 * @module
 */

import { type Example, UNSUPERVISED } from "../example.ts";

/** Set in the word of a supervised token; ids are below it. */
const SUPERVISED = 0x80000000;
const WORD = 4;
/** In place of the length of a source. */
export const NO_SOURCE = 0xffffffff;

/** The record of an example. */
export function recordOf(example: Example): Uint32Array {
  if (example instanceof Recorded) return example.record;
  const { ids, labels, origin } = example;
  const text = new TextEncoder().encode(origin);
  const record = new Uint32Array(ids.length + 1 + originWords(text.length));
  for (const [i, id] of ids.entries()) {
    record[i] = labels[i] === UNSUPERVISED ? id : id | SUPERVISED;
  }
  record[ids.length] = sourceWord(example);
  record[ids.length + 1] = text.length;
  new Uint8Array(record.buffer).set(text, (ids.length + 2) * WORD);
  return record;
}

/** Words of an origin of so many bytes, their number counted. */
const originWords = (bytes: number): number => 1 + Math.ceil(bytes / WORD);

/** The ids of a record's tokens. */
export const idsIn = (tokens: Uint32Array): Uint32Array => tokens.map((word) => word & ~SUPERVISED);

/** Their labels. */
export const labelsIn = (tokens: Uint32Array): Int32Array =>
  Int32Array.from(tokens, (word) => word & SUPERVISED ? word & ~SUPERVISED : UNSUPERVISED);

/** The word of a source's length. */
export const sourceWord = ({ sourceLength }: Example): number => sourceLength ?? NO_SOURCE;

/** The length of a source, from its word. */
export const sourceIn = (word: number): number | undefined => word === NO_SOURCE ? undefined : word;

/** An example that is a view of its record. */
export class Recorded implements Example {
  readonly record: Uint32Array;
  readonly #tokens: Uint32Array;

  /** The example of so many tokens whose record begins at a word. */
  constructor(words: Uint32Array, begin: number, tokens: number) {
    const end = begin + tokens;
    this.record = words.subarray(begin, end + 1 + originWords(words[end + 1]!));
    this.#tokens = words.subarray(begin, end);
  }

  get ids(): Uint32Array {
    return idsIn(this.#tokens);
  }

  get labels(): Int32Array {
    return labelsIn(this.#tokens);
  }

  get sourceLength(): number | undefined {
    return sourceIn(this.record[this.#tokens.length]!);
  }

  get origin(): string {
    const { buffer, byteOffset } = this.record;
    const begin = byteOffset + this.#tokens.byteLength + 2 * WORD;
    const bytes = this.record[this.#tokens.length + 1]!;
    return new TextDecoder().decode(new Uint8Array(buffer, begin, bytes));
  }

  get counts(): { readonly length: number; readonly supervised: number } {
    let supervised = 0;
    for (const word of this.#tokens) if (word & SUPERVISED) supervised++;
    return { length: this.#tokens.length, supervised };
  }
}
