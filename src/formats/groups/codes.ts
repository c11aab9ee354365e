/**
 * Codes, as files have them and in 4x4 blocks.
 *
 * @module
 */
import { GROUP } from "./grouped.ts";

/** x rounded to a whole number, halves to the even one. */
export function halvesToEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low;
}

/** Four low nibbles, one of each byte of two halves, as one half; the first lowest. */
export const nibbles = (a: number, b: number): number =>
  (a & 0xf) | (a >>> 4 & 0xf0) | (b & 0xf) << 8 | (b << 4 & 0xf000);

/** {@link nibbles} the other way: two halves with a nibble in the low part of each byte. */
export const spread = (four: number): [number, number] => [
  (four & 0xf) | (four & 0xf0) << 4,
  (four >>> 8 & 0xf) | (four >>> 4 & 0xf00),
];

/** Writes a group's codes of four bits, number i in the low and number i + 16 in the high half of byte i. */
export function putFours(group: DataView, at: number, codeOf: (i: number) => number): void {
  for (let i = 0; i < GROUP / 2; i++) {
    group.setUint8(at + i, codeOf(i) | codeOf(GROUP / 2 + i) << 4);
  }
}

/** Writes a group's codes of five bits: their fifth bits in a u32, then the others by halves. */
export function putFives(group: DataView, at: number, codeOf: (i: number) => number): void {
  let fifths = 0;
  for (let i = 0; i < GROUP / 2; i++) {
    const [low, high] = [codeOf(i), codeOf(GROUP / 2 + i)];
    group.setUint8(at + 4 + i, (low & 15) | (high & 15) << 4);
    fifths |= low >> 4 << i | high >> 4 << (GROUP / 2 + i);
  }
  group.setUint32(at, fifths >>> 0, true);
}

/** Code `i` of what {@link putFives} wrote. */
export function fiveAt(group: DataView, at: number, i: number): number {
  const byte = group.getUint8(at + 4 + i % (GROUP / 2));
  const four = i < GROUP / 2 ? byte & 15 : byte >> 4;
  return four | (group.getUint32(at, true) >>> i & 1) << 4;
}

/**
 * Copies the codes of a group to the device, where the four low bits of its row lie in halves from
 * `low` on and the fifth bits of a block in one half each from `fifth` on.
 */
export function packFives(
  file: Uint16Array,
  at: number,
  device: Uint16Array,
  [low, fifth]: readonly [number, number],
  row: number,
): void {
  for (let block = 0; block < 4; block++) {
    const [a, b] = [file[at + 2 + 2 * block]!, file[at + 3 + 2 * block]!];
    device[low + 4 * block + row] = nibbles(a, b);
    device[low + 4 * (block + 4) + row] = nibbles(a >>> 4, b >>> 4);
    device[fifth + block]! |= (file[at]! >>> 4 * block & 15) << 4 * row;
    device[fifth + block + 4]! |= (file[at + 1]! >>> 4 * block & 15) << 4 * row;
  }
}

/** {@link packFives} the other way. */
export function unpackFives(
  file: Uint16Array,
  at: number,
  device: Uint16Array,
  [low, fifth]: readonly [number, number],
  row: number,
): void {
  for (let block = 0; block < 4; block++) {
    const first = spread(device[low + 4 * block + row]!);
    const last = spread(device[low + 4 * (block + 4) + row]!);
    file[at + 2 + 2 * block] = first[0] | last[0] << 4;
    file[at + 3 + 2 * block] = first[1] | last[1] << 4;
    file[at]! |= (device[fifth + block]! >>> 4 * row & 15) << 4 * block;
    file[at + 1]! |= (device[fifth + block + 4]! >>> 4 * row & 15) << 4 * block;
  }
}
