/** Damage: bytes, texts and JSON that are nearly right. All of it follows from a seed. */
import fc from "fast-check";
import { random } from "../../src/random.ts";

/** Random choices of one case. */
export class Dice {
  #count = 0;

  constructor(private readonly seed: number, private readonly number: number) {}

  /** A whole number below `n`. */
  below(n: number): number {
    return Math.floor(random(this.seed, this.number, this.#count++) * n);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }
}

/** Changes some bytes: bits, numbers of 32 and 64 bits, pieces that are lost, doubled or swapped. */
export function damagedBytes(whole: Uint8Array, dice: Dice): Uint8Array<ArrayBuffer> {
  let bytes = whole.slice();
  for (let times = 1 + dice.below(4); times > 0; times--) bytes = damagedOnce(bytes, dice);
  return bytes;
}

const NUMBERS = [0, 1, 7, 255, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53, 2 ** 63, 2 ** 64 - 1024];

function damagedOnce(bytes: Uint8Array<ArrayBuffer>, dice: Dice): Uint8Array<ArrayBuffer> {
  const at = dice.below(bytes.length + 1);
  const length = dice.below(Math.min(64, bytes.length - at + 1));
  const view = new DataView(bytes.buffer);
  switch (dice.below(7)) {
    case 0: // a bit
      if (at < bytes.length) bytes[at]! ^= 1 << dice.below(8);
      return bytes;
    case 1: // any byte
      if (at < bytes.length) bytes[at] = dice.below(256);
      return bytes;
    case 2: // a length, a count, an offset
      if (at + 4 <= bytes.length) view.setUint32(at, dice.of(NUMBERS) >>> 0, true);
      return bytes;
    case 3:
      if (at + 8 <= bytes.length) view.setBigUint64(at, BigInt(dice.of(NUMBERS)), true);
      return bytes;
    case 4: // the end is missing
      return bytes.slice(0, at);
    case 5: // a piece is missing
      return concat(bytes.subarray(0, at), bytes.subarray(at + length));
    default: // a piece is there twice
      return concat(bytes.subarray(0, at + length), bytes.subarray(at));
  }
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

const DEEP = JSON.parse(`${"[".repeat(600)}${"]".repeat(600)}`);

/** Values that people do not write. */
const ODD: readonly unknown[] = [
  ...[null, true, false, "", " ", "\u0000", "\ud800", "../../../etc/passwd", "/etc/passwd", "a\\b"],
  ...[0, -0, -1, 0.5, 1e-320, 1e308, -1e308, 2 ** 31, 2 ** 53, -(2 ** 53), 1e21, 4294967296],
  ...[
    [],
    {},
    [[]],
    [null],
    { "": null },
    DEEP,
    "x".repeat(70_000),
    "(a+)+$",
    "^(?!.*x)",
    "\\",
    "{{",
  ],
  ...["__proto__", "constructor", "toString", "NaN", "F32", "BF16", "I64", "<s>", "\u202e"],
];

/** Odd values, and what fast-check makes of JSON. */
const values = [...ODD, ...fc.sample(fc.jsonValue({ maxDepth: 3 }), { seed: 16, numRuns: 400 })];

/** A copy in which some places hold other values, names or nothing. */
export function damagedJson(whole: unknown, dice: Dice): unknown {
  const copy = structuredClone(whole);
  for (let times = 1 + dice.below(3); times > 0; times--) {
    const places = [...holders(copy)];
    if (places.length === 0) return dice.of(values);
    change(dice.of(places), dice);
  }
  return dice.below(200) === 0 ? dice.of(values) : copy;
}

type Holder = Record<string, unknown> | unknown[];

function* holders(value: unknown, depth = 0): Generator<Holder> {
  if (typeof value !== "object" || value === null || depth > 8) return;
  yield value as Holder;
  for (const inner of Object.values(value)) yield* holders(inner, depth + 1);
}

function change(holder: Holder, dice: Dice): void {
  const keys = Object.keys(holder);
  const [key, other] = [dice.of(keys.length > 0 ? keys : [""]), dice.of(keys)];
  const record = holder as Record<string, unknown>;
  switch (dice.below(6)) {
    case 0:
      delete record[key];
      break;
    case 1:
      if (!Array.isArray(holder)) record[JSON.stringify(dice.of(values))] = record[key];
      break;
    case 2:
      if (other !== undefined) record[key] = structuredClone(record[other]);
      break;
    default:
      record[key] = structuredClone(dice.of(values));
  }
}

/** Text of which words were dropped, doubled, exchanged or replaced by others of `words`. */
export function damagedText(whole: string, words: readonly string[], dice: Dice): string {
  const parts = whole.split(/(\W)/);
  for (let times = 1 + dice.below(6); times > 0; times--) {
    const [at, from] = [dice.below(parts.length), dice.below(parts.length)];
    const length = dice.below(8);
    const piece = dice.below(2) === 0 ? [dice.of(words)] : parts.slice(from, from + length);
    parts.splice(at, dice.below(4), ...piece);
  }
  return parts.join("");
}
