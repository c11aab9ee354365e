/**
 * Super-blocks of 256 numbers whose eight parts of 32 have a scale and a minimum of six bits each,
 * themselves times an f16 scale: the beginning of q4_k and q5_k, 16 bytes.
 *
 * @module
 */
import partMinima from "../../../kernels/shared/part_minima.wgsl" with { type: "text" };
import type { Text } from "../../gpu/kernel.ts";
import type { Place } from "../groups/grouped.ts";
import { BY_IMPORTANCE, clamp, fitScales, fitWithMinimum, nearest, type Search } from "../fit.ts";

/** Reads what {@link packHead} lays down. */
export const PART_MINIMA: Text = { name: "shared/part_minima", text: partMinima };

/** Numbers of a super-block, and of a part. */
export const SUPER_BLOCK = 256;
export const PART = 32;
/** Bytes of a super-block in a file before its codes. */
export const HEAD_BYTES = 16;

const f = Math.fround;

const codes = new Uint8Array(SUPER_BLOCK);
/** What is found for each of the eight parts: a scale or a minimum, and the six bits of it. */
const [scales, minima] = [0, 1].map(() => ({ found: new Float32Array(8), six: new Uint8Array(8) }));

/**
 * Writes the beginning of a super-block and gives its codes, from 0 to `search.most`: those of
 * `quantize_row_q4_K_ref` and `quantize_row_q5_K_ref` of ggml, and with `weights` [256] those of
 * `quantize_row_q4_K_impl` and `quantize_row_q5_K_impl`. They are good until the next call.
 */
export function encodeWithMinima(
  x: Float32Array,
  group: DataView,
  at: number,
  search: Search,
  weights?: Float32Array,
): Uint8Array {
  const { most } = search;
  for (let part = 0; part < 8; part++) {
    const of = codes.subarray(PART * part, PART * (part + 1));
    const { scale, minimum } = weights === undefined
      ? fitWithMinimum(partOf(x, part), of, search)
      : fitWithMinimum(partOf(x, part), of, { most, ...BY_IMPORTANCE }, partOf(weights, part));
    scales!.found[part] = scale;
    minima!.found[part] = minimum;
  }
  const sums = weights && sumsOf(weights);
  group.setFloat16(at, sixesOf(scales!, sums), true);
  group.setFloat16(at + 2, sixesOf(minima!, sums), true);
  const [d, dmin] = [group.getFloat16(at, true), group.getFloat16(at + 2, true)];
  for (let part = 0; part < 8; part++) {
    const [scale, minimum] = [scales!.six[part]!, minima!.six[part]!];
    putSixes(group, at + 4, part, scale, minimum);
    const step = f(d * scale);
    if (step === 0) continue;
    recode(partOf(x, part), codes.subarray(PART * part), step, f(dmin * minimum), most);
  }
  return codes;
}

/** Puts what was found in six bits each; what those are multiplied by. */
function sixesOf(
  { found, six }: { readonly found: Float32Array; readonly six: Uint8Array },
  weights: Float32Array | undefined,
): number {
  if (weights) return fitScales(found, six, 63, weights);
  const largest = found.reduce((a, b) => Math.max(a, b), 0);
  const inverse = largest > 0 ? f(63 / largest) : 0;
  for (let part = 0; part < 8; part++) {
    six[part] = Math.min(63, nearest(f(inverse * found[part]!)) & 255);
  }
  return f(largest / 63);
}

/** Of each part of 32, added up in f32. */
function sumsOf(weights: Float32Array): Float32Array {
  return Float32Array.from(
    { length: 8 },
    (_, part) => partOf(weights, part).reduce((sum, w) => f(sum + w), 0),
  );
}

const partOf = (x: Float32Array, part: number) => x.subarray(PART * part, PART * (part + 1));

/** The codes of a part by the scale and the minimum that are kept of it. */
function recode(x: Float32Array, to: Uint8Array, step: number, minimum: number, most: number) {
  for (let i = 0; i < PART; i++) to[i] = clamp(nearest(f(f(x[i]! + minimum) / step)), 0, most);
}

/**
 * Scale and minimum of `part`, in the twelve bytes that a file has for all: the first four parts' in
 * the low six bits of bytes 0 to 7, of the others' the low four bits in bytes 8 to 11, the two
 * highest above those of parts 0 to 3.
 */
function putSixes(group: DataView, at: number, part: number, scale: number, minimum: number): void {
  const add = (byte: number, bits: number) =>
    group.setUint8(at + byte, group.getUint8(at + byte) | bits);
  if (part < 4) {
    add(part, scale);
    add(part + 4, minimum);
  } else {
    add(part + 4, scale & 15 | (minimum & 15) << 4);
    add(part - 4, scale >> 4 << 6);
    add(part, minimum >> 4 << 6);
  }
}

/** Byte `i` of the twelve; the parts' scales and minima as {@link putSixes} has them. */
function sixes(byte: (i: number) => number, part: number): [scale: number, minimum: number] {
  if (part < 4) return [byte(part) & 63, byte(part + 4) & 63];
  const low = byte(part + 4);
  return [low & 15 | byte(part - 4) >> 6 << 4, low >> 4 | byte(part) >> 6 << 4];
}

/** The step and the minimum of a part of a super-block in a file. */
export function stepOf(group: DataView, at: number, part: number): [step: number, minimum: number] {
  const [scale, minimum] = sixes((i) => group.getUint8(at + 4 + i), part);
  return [group.getFloat16(at, true) * scale, group.getFloat16(at + 2, true) * minimum];
}

/**
 * Copies the beginning of a super-block to the last 64 bytes of a cell: for each part a u32, in byte
 * r of it the scale of row r and the two low bits of its minimum, then for each part a half, in four
 * bits of which the rest of that minimum, then for each row its f16 scales.
 */
export function packHead({ file, at, device, row }: Place, head: number): void {
  const byte = (i: number) => file[at + 2 + (i >> 1)]! >>> 8 * (i & 1) & 255;
  for (let part = 0; part < 8; part++) {
    const [scale, minimum] = sixes(byte, part);
    device[head + 2 * part + (row >> 1)]! |= (scale | (minimum & 3) << 6) << 8 * (row & 1);
    device[head + 16 + part]! |= minimum >> 2 << 4 * row;
  }
  device[head + 24 + 2 * row] = file[at]!;
  device[head + 25 + 2 * row] = file[at + 1]!;
}

/** {@link packHead} the other way. */
export function unpackHead({ file, at, device, row }: Place, head: number): void {
  const twelve = new DataView(new ArrayBuffer(12));
  for (let part = 0; part < 8; part++) {
    const byte = device[head + 2 * part + (row >> 1)]! >>> 8 * (row & 1) & 255;
    const high = device[head + 16 + part]! >>> 4 * row & 15;
    putSixes(twelve, 0, part, byte & 63, byte >> 6 | high << 2);
  }
  file[at] = device[head + 24 + 2 * row]!;
  file[at + 1] = device[head + 25 + 2 * row]!;
  for (let i = 0; i < 6; i++) file[at + 2 + i] = twelve.getUint16(2 * i, true);
}
