/**
 * nf4 with double quantisation: its scales, less their mean, are rounded to eight bits themselves, by
 * blocks of 256 that run on over the rows of a matrix. In memory and on the device a scale is the f32
 * that its code stands for, as in nf4; a checkpoint has the codes.
 *
 * Method: Dettmers et al. 2023, QLoRA (arXiv 2305.14314); the dynamic map is that of Dettmers et al.
 * 2021 (arXiv 2110.02861). Source: `quantize_4bit` of bitsandbytes with `compress_statistics`, its
 * kernel of plain torch: to the nearest code. Its own library for processors looks codes up in a table
 * of 65536 steps, and so has a neighbour's code for some numbers that lie halfway between two.
 *
 * @module
 */
import type { WeightFormat } from "../format.ts";
import { nf4 } from "./nf4.ts";

/** Scales that share one. */
export const NESTED_BLOCK = 256;

/** What bitsandbytes divides by where all of a block is 0. */
const LEAST = Math.fround(1e-38);

/** The numbers that a code of a scale stands for, ascending: `create_dynamic_map` of bitsandbytes. */
export const DYNAMIC_MAP = dynamicMap();

/** Scales in eight bits: a code's number times that of its block, plus an offset. */
export interface NestedScales {
  readonly codes: Uint8Array; // [scales]
  readonly largest: Float32Array; // [scales / NESTED_BLOCK, rounded up]
  readonly offset: number;
}

/** Rounds the scales of a whole matrix. Their mean is summed in f64 and rounded once. */
export function nestScales(scales: Float32Array): NestedScales {
  const offset = Math.fround(scales.reduce((sum, scale) => sum + scale, 0) / scales.length);
  const codes = new Uint8Array(scales.length);
  const largest = new Float32Array(Math.ceil(scales.length / NESTED_BLOCK));
  for (const block of largest.keys()) {
    const from = block * NESTED_BLOCK;
    const rest = scales.subarray(from, from + NESTED_BLOCK).map((scale) => scale - offset);
    largest[block] = rest.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const inverse = Math.fround(1 / Math.max(largest[block]!, LEAST));
    for (const [i, x] of rest.entries()) codes[from + i] = codeOf(Math.fround(x * inverse));
  }
  return { codes, largest, offset };
}

/** The scales that codes stand for, by the map and the size of a block that go with them. */
export function unnestScales(
  { codes, largest, offset }: NestedScales,
  map: Float32Array = DYNAMIC_MAP,
  block: number = NESTED_BLOCK,
): Float32Array<ArrayBuffer> {
  return Float32Array.from(
    codes,
    (code, i) => Math.fround(map[code]! * largest[Math.floor(i / block)]!) + offset,
  );
}

export const nf4_double: WeightFormat = {
  ...nf4,
  stored: "NF4_DOUBLE",
  settle(groups) {
    const view = new DataView(groups.buffer, groups.byteOffset, groups.byteLength);
    const { groupBytes } = nf4;
    const scales = Float32Array.from(
      { length: groups.length / groupBytes },
      (_, i) => view.getFloat32(i * groupBytes, true),
    );
    for (const [i, scale] of unnestScales(nestScales(scales)).entries()) {
      view.setFloat32(i * groupBytes, scale, true);
    }
  },
};

/** Numbers of a part of a range are the middles of steps that double with the range. */
function dynamicMap(): Float32Array<ArrayBuffer> {
  const { fround } = Math;
  const numbers = [0, 1];
  for (let range = 0; range < 7; range++) {
    const parts = 2 ** range;
    const step = fround(fround(1 - fround(0.1)) / parts);
    // As torch's `linspace` of f32: from either end to the middle.
    const ends = Array.from(
      { length: parts + 1 },
      (_, i) => fround(2 * i <= parts ? fround(0.1) + step * i : 1 - step * (parts - i)),
    );
    for (let part = 0; part < parts; part++) {
      const middle = fround(fround(ends[part]! + ends[part + 1]!) / 2);
      const number = fround(fround(10 ** (range - 6)) * middle);
      numbers.push(number, -number);
    }
  }
  return Float32Array.from(numbers).sort();
}

/** The number of the nearest of the map, the lower of two. */
function codeOf(x: number): number {
  let code = 0;
  for (let half = DYNAMIC_MAP.length / 2; half >= 1; half /= 2) {
    const below = code + half - 1;
    if (x > Math.fround(DYNAMIC_MAP[below]! + DYNAMIC_MAP[below + 1]!) / 2) code += half;
  }
  return code;
}
