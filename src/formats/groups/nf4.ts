/**
 * nf4: one of sixteen numbers, the quantiles of a normal distribution, times the largest of 64. 36
 * bytes a group: that number in f32, then byte i with number 2 i in its high and 2 i + 1 in its low
 * half.
 *
 * Method: Dettmers et al. 2023, QLoRA (arXiv 2305.14314); the numbers are those of bitsandbytes.
 *
 * @module
 */
import loader from "../../../kernels/shared/weights_nf4.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { grouped } from "./grouped.ts";

const GROUP = 64;
/** Halves of a unit, a cell of 16 x 8 bytes, before its scales. */
const SCALES = 64;

/** The numbers that a code stands for, ascending. */
export const NF4_VALUES = Float32Array.of(
  ...[-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453],
  ...[-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0],
  ...[0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224],
  ...[0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1],
);

/** A number above the i-th of them has a code above i. */
const BOUNDS = NF4_VALUES.subarray(1).map((high, i) => Math.fround(NF4_VALUES[i]! + high) / 2);

export const nf4: WeightFormat = grouped({
  stored: "NF4",
  ...{ group: GROUP, groupBytes: 36, scales: [], cells: 1, unitBytes: 144 },
  overflowsAt: Infinity,
  loader: { name: "shared/weights_nf4", text: loader },

  /** x / the largest, to the nearest of the numbers: `quantize_4bit` of bitsandbytes. */
  encode(values, from, group, at) {
    let largest = 0;
    for (let i = 0; i < GROUP; i++) largest = Math.max(largest, Math.abs(values[from + i]!));
    const inverse = Math.fround(1 / Math.max(largest, LEAST));
    group.setFloat32(at, largest, true);
    for (let i = 0; i < GROUP; i += 2) {
      const [first, second] = [
        codeOf(values[from + i]! * inverse),
        codeOf(values[from + i + 1]! * inverse),
      ];
      group.setUint8(at + 4 + i / 2, first << 4 | second);
    }
  },

  decode(group, at, values, to) {
    const largest = group.getFloat32(at, true);
    for (let i = 0; i < GROUP; i += 2) {
      const byte = group.getUint8(at + 4 + i / 2);
      values[to + i] = NF4_VALUES[byte >> 4]! * largest;
      values[to + i + 1] = NF4_VALUES[byte & 15]! * largest;
    }
  },

  pack({ file, at, device, unit, row }) {
    device[unit + SCALES + 2 * row] = file[at]!;
    device[unit + SCALES + 2 * row + 1] = file[at + 1]!;
    for (let block = 0; block < 16; block++) {
      device[unit + 4 * block + row] = turned(file[at + 2 + block]!);
    }
  },

  unpack({ file, at, device, unit, row }) {
    file[at] = device[unit + SCALES + 2 * row]!;
    file[at + 1] = device[unit + SCALES + 2 * row + 1]!;
    for (let block = 0; block < 16; block++) {
      file[at + 2 + block] = turned(device[unit + 4 * block + row]!);
    }
  },
});

/** What bitsandbytes divides by where all of a group is 0. */
const LEAST = Math.fround(1e-38);

function codeOf(x: number): number {
  const scaled = Math.fround(x);
  let code = 0;
  while (code < BOUNDS.length && scaled > BOUNDS[code]!) code++;
  return code;
}

/** A half whose bytes have the first of two nibbles high, as one that has it low, or back. */
const turned = (half: number): number => (half & 0x0f0f) << 4 | half >>> 4 & 0x0f0f;
