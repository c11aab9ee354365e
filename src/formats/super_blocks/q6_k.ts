/**
 * q6_k: six bits less 32, times the scale of 16. 210 bytes a group of 256: for each 128 numbers 64
 * bytes with four low bits, number i in the low and number i + 64 in the high half of byte i; for
 * each 128 numbers 32 bytes with the two high bits, number i + 32 k in bits 2 k of byte i; 16 scales
 * in signed bytes; what they are multiplied by in f16.
 *
 * @module
 */
import loader from "../../../kernels/shared/weights_q6_k.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { clamp, fitScale, LEAST, nearest } from "../fit.ts";
import { nibbles, spread } from "../groups/codes.ts";
import { grouped } from "../groups/grouped.ts";
import { SUPER_BLOCK } from "./minima.ts";

const PART = 16;
/** Bytes of a group before the high bits, the scales and what those are multiplied by. */
const [HIGH, SCALES, SCALE] = [128, 192, 208];
/** Halves of a unit, two cells of 64 x 8 bytes, before the same. */
const DEVICE = { high: 512, scales: 768, scale: 832 };

const f = Math.fround;
const codes = new Uint8Array(SUPER_BLOCK);
const fitted = new Float32Array(SUPER_BLOCK / PART);

export const q6_k: WeightFormat = grouped({
  stored: "Q6_K",
  fallback: "Q8_0",
  ...{ group: SUPER_BLOCK, groupBytes: 210, scales: [SCALE / 2], cells: 2, unitBytes: 1680 },
  overflowsAt: 65520 * 32,
  loader: { name: "shared/weights_q6_k", text: loader },

  weigh: ({ importance }) => importance,

  /** As `quantize_row_q6_K_ref` and `quantize_row_q6_K_impl` of ggml. */
  encode(values, from, group, at, weights) {
    const x = values.subarray(from, from + SUPER_BLOCK);
    if (!encodeParts(x, group, at, weights)) return;
    for (let i = 0; i < SUPER_BLOCK / 2; i++) {
      const low = i + (i & 64);
      group.setUint8(at + i, codes[low]! & 15 | (codes[low + 64]! & 15) << 4);
    }
    for (let i = 0; i < SUPER_BLOCK / 4; i++) {
      const first = i % 32 + (i >> 5) * 128;
      let high = 0;
      for (let k = 0; k < 4; k++) high |= codes[first + 32 * k]! >> 4 << 2 * k;
      group.setUint8(at + HIGH + i, high);
    }
  },

  decode(group, at, values, to) {
    const d = group.getFloat16(at + SCALE, true);
    for (let i = 0; i < SUPER_BLOCK; i++) {
      const low = group.getUint8(at + (i >> 7) * 64 + i % 64) >> (i & 64 ? 4 : 0) & 15;
      const high = group.getUint8(at + HIGH + (i >> 7) * 32 + i % 32) >> 2 * (i >> 5 & 3) & 3;
      const scale = group.getInt8(at + SCALES + (i >> 4));
      values[to + i] = d * scale * ((low | high << 4) - 32); // exact
    }
  },

  pack({ file, at, device, unit, cell, row }) {
    const [low, high] = [unit + 256 * cell, unit + DEVICE.high + 128 * cell];
    for (let block = 0; block < 64; block++) {
      const [four, two] = [lowOf(block), highOf(block)];
      const [a, b] = [
        file[at + four.half]! >>> four.shift,
        file[at + four.half + 1]! >>> four.shift,
      ];
      device[low + 4 * block + row] = nibbles(a, b);
      const [c, d] = [file[at + two.half]! >>> two.shift, file[at + two.half + 1]! >>> two.shift];
      device[high + 2 * block + (row >> 1)]! |= pairs(c, d) << 8 * (row & 1);
    }
    const scales = unit + DEVICE.scales + 32 * cell;
    for (let part = 0; part < SUPER_BLOCK / PART; part++) {
      const byte = file[at + (SCALES + part >> 1)]! >>> 8 * (part & 1) & 255;
      device[scales + 2 * part + (row >> 1)]! |= byte << 8 * (row & 1);
    }
    device[unit + DEVICE.scale + 4 * cell + row] = file[at + SCALE / 2]!;
  },

  unpack({ file, at, device, unit, cell, row }) {
    const [low, high] = [unit + 256 * cell, unit + DEVICE.high + 128 * cell];
    for (let block = 0; block < 64; block++) {
      const [four, two] = [lowOf(block), highOf(block)];
      const [a, b] = spread(device[low + 4 * block + row]!);
      file[at + four.half]! |= a << four.shift;
      file[at + four.half + 1]! |= b << four.shift;
      const byte = device[high + 2 * block + (row >> 1)]! >>> 8 * (row & 1);
      file[at + two.half]! |= (byte & 3 | (byte & 12) << 6) << two.shift;
      file[at + two.half + 1]! |= (byte >> 4 & 3 | (byte & 192) << 2) << two.shift;
    }
    const scales = unit + DEVICE.scales + 32 * cell;
    for (let part = 0; part < SUPER_BLOCK / PART; part++) {
      const byte = device[scales + 2 * part + (row >> 1)]! >>> 8 * (row & 1) & 255;
      file[at + (SCALES + part >> 1)]! |= byte << 8 * (part & 1);
    }
    file[at + SCALE / 2] = device[unit + DEVICE.scale + 4 * cell + row]!;
  },
});

/** Writes the scales, and the codes into `codes`; false where all is zero. */
function encodeParts(
  x: Float32Array,
  group: DataView,
  at: number,
  weights?: Float32Array,
): boolean {
  const partOf = <T extends Float32Array | Uint8Array>(of: T, part: number) =>
    of.subarray(PART * part, PART * (part + 1)) as T;
  let furthest = 0;
  for (let part = 0; part < fitted.length; part++) {
    const ofPart = weights && partOf(weights, part);
    const scale = fitScale(partOf(x, part), partOf(codes, part), 32, ofPart);
    fitted[part] = scale;
    if (Math.abs(scale) > Math.abs(furthest)) furthest = scale;
  }
  if (Math.abs(furthest) < LEAST) return false;
  const inverse = f(-128 / furthest);
  group.setFloat16(at + SCALE, f(1 / inverse), true);
  const d = group.getFloat16(at + SCALE, true);
  for (let part = 0; part < fitted.length; part++) {
    group.setInt8(at + SCALES + part, Math.min(127, nearest(f(inverse * fitted[part]!))));
    const step = f(d * group.getInt8(at + SCALES + part));
    if (step === 0) continue;
    const numbers = partOf(x, part);
    for (let i = 0; i < PART; i++) {
      codes[PART * part + i] = clamp(nearest(f(numbers[i]! / step)), -32, 31) + 32;
    }
  }
  return true;
}

/** Where the low bits of a block's four numbers lie in a file: half of the group, and bit of a byte. */
const lowOf = (block: number) => ({
  half: (block >> 5) * 32 + block % 16 * 2,
  shift: block & 16 ? 4 : 0,
});

/** The same of the two high bits. */
const highOf = (block: number) => ({
  half: HIGH / 2 + (block >> 5) * 16 + block % 8 * 2,
  shift: 2 * (block >> 3 & 3),
});

/** Two low bits of each byte of two halves, as one byte; the first lowest. */
const pairs = (a: number, b: number) => a & 3 | a >>> 6 & 12 | (b & 3) << 4 | b >>> 2 & 192;
