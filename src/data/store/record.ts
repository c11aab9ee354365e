/**
 * Examples as records of 32-bit words, for the disk and the way between workers: how many tokens it
 * has, their words, the fields of {@linkcode FIELDS}, the lengths of its documents and their grades,
 * then its origin as UTF-8, filled up to a whole word. So a record says itself where the next begins.
 *
 * @module
 */

import type { Example, Sides } from "../example.ts";
import { UNSUPERVISED } from "../../rows/content.ts";

/** Set in the word of a supervised token; ids are below it. */
const SUPERVISED = 0x80000000;
const WORD = 4;
/** In place of what it has not. */
const NONE = 0xffffffff;
/** Words between its tokens and what has no length of its own. */
const FIELDS = {
  sourceLength: 0,
  label: 1,
  /** The number of its documents, 0 where it has one, and whether they have grades. */
  sides: 2,
  graded: 3,
  /** The bits of an f32. */
  margin: 4,
  textBytes: 5,
} as const;
const FIELD_WORDS = Object.keys(FIELDS).length;

const bits = (numbers: readonly number[]): Uint32Array =>
  new Uint32Array(Float32Array.from(numbers).buffer);
const floats = (words: Uint32Array): number[] => [...new Float32Array(words.slice().buffer)];

/** The record of an example. */
export function recordOf(example: Example): Uint32Array {
  if (example instanceof Recorded) return example.record;
  const { ids, labels, origin, sides, sourceLength = NONE, label = NONE } = example;
  const { lengths = [], grades = [], margin } = sides ?? {};
  const text = new TextEncoder().encode(origin);
  const end = 1 + ids.length;
  const texts = end + FIELD_WORDS + lengths.length + grades.length;
  const record = new Uint32Array(texts + Math.ceil(text.length / WORD));
  record[0] = ids.length;
  for (const [i, id] of ids.entries()) {
    record[1 + i] = labels[i] === UNSUPERVISED ? id : id | SUPERVISED;
  }
  const marginBits = margin === undefined ? NONE : bits([margin])[0]!;
  const fields = [sourceLength, label, lengths.length, grades.length, marginBits, text.length];
  record.set([...fields, ...lengths, ...bits(grades)], end);
  new Uint8Array(record.buffer).set(text, texts * WORD);
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
    const field = (name: keyof typeof FIELDS) => words[end + FIELDS[name]]!;
    const texts = end + FIELD_WORDS + field("sides") + field("graded");
    this.record = words.subarray(begin, texts + Math.ceil(field("textBytes") / WORD));
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
    return this.#optional("sourceLength");
  }

  get label(): number | undefined {
    return this.#optional("label");
  }

  get sides(): Sides | undefined {
    const [count, graded] = [this.#field("sides"), this.#field("graded")];
    if (count === 0) return undefined;
    const begin = this.#end + FIELD_WORDS;
    const lengths = [...this.record.subarray(begin, begin + count)];
    const grades = floats(this.record.subarray(begin + count, begin + count + graded));
    const margin = this.#optional("margin");
    return {
      lengths,
      ...(graded > 0 && { grades }),
      ...(margin !== undefined && { margin: floats(Uint32Array.of(margin))[0]! }),
    };
  }

  get origin(): string {
    const { buffer, byteOffset } = this.record;
    const texts = this.#end + FIELD_WORDS + this.#field("sides") + this.#field("graded");
    const begin = byteOffset + texts * WORD;
    return new TextDecoder().decode(new Uint8Array(buffer, begin, this.#field("textBytes")));
  }

  get length(): number {
    return this.#tokens.length;
  }

  get supervised(): number {
    let count = 0;
    for (const word of this.#tokens) if (word & SUPERVISED) count++;
    return count;
  }

  /** Where its tokens end. */
  get #end(): number {
    return 1 + this.#tokens.length;
  }

  #field(name: keyof typeof FIELDS): number {
    return this.record[this.#end + FIELDS[name]]!;
  }

  #optional(name: keyof typeof FIELDS): number | undefined {
    const value = this.#field(name);
    return value === NONE ? undefined : value;
  }
}
