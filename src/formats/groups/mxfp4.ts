/**
 * mxfp4: one of eight magnitudes up to 6 with a sign (E2M1), times a power of two (E8M0). 17 bytes a
 * group of 32: the exponent plus 127, then byte i with number i in its low and number i + 16 in its
 * high half.
 *
 * Method: Open Compute Project 2023, OCP Microscaling Formats (MX) Specification 1.0; rounded as ggml
 * rounds.
 *
 * @module
 */
import loader from "../../../kernels/shared/weights_mxfp4.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { nibbles, spread } from "./codes.ts";
import { GROUP, grouped } from "./grouped.ts";

/** Halves of a unit, four cells of 8 x 8 bytes each, before its scales of a byte. */
const SCALES = 128;
/** The scale that stands for NaN. */
export const MXFP4_NAN = 255;
/** The largest power of two among the magnitudes is 2^2. */
const TOP = 2;
/** Twice the numbers that codes stand for. */
const DOUBLED = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

export const mxfp4: WeightFormat = grouped({
  stored: "MXFP4",
  ...{ groupBytes: 17, scales: [], powers: [0], cells: 4, unitBytes: 272 },
  overflowsAt: Infinity,
  loader: { name: "shared/weights_mxfp4", text: loader },

  /** The power that puts the largest among the last two magnitudes, and the nearest of them all. */
  encode(values, from, group, at) {
    let largest = 0;
    for (let i = 0; i < GROUP; i++) largest = Math.max(largest, Math.abs(values[from + i]!));
    const exponent = largest === 0 ? 0 : Math.floor(Math.fround(Math.log2(largest))) - TOP + 127;
    const power = Math.max(exponent, 0);
    const half = halfOf(power);
    const codeOf = (x: number) => {
      let [best, least] = [0, Math.abs(x)];
      for (let code = 1; code < DOUBLED.length; code++) {
        const error = Math.abs(Math.fround(DOUBLED[code]! * half - x));
        if (error < least) [best, least] = [code, error];
      }
      return best;
    };
    group.setUint8(at, power);
    for (let i = 0; i < GROUP / 2; i++) {
      const [low, high] = [codeOf(values[from + i]!), codeOf(values[from + GROUP / 2 + i]!)];
      group.setUint8(at + 1 + i, low | high << 4);
    }
  },

  decode(group, at, values, to) {
    const half = halfOf(group.getUint8(at));
    for (let i = 0; i < GROUP / 2; i++) {
      const byte = group.getUint8(at + 1 + i);
      values[to + i] = DOUBLED[byte & 15]! * half;
      values[to + GROUP / 2 + i] = DOUBLED[byte >> 4]! * half;
    }
  },

  pack({ bytes, at, device, unit, cell, row }) {
    const first = 2 * at;
    device[unit + SCALES + 2 * cell + (row >> 1)]! |= bytes[first]! << 8 * (row & 1);
    for (let block = 0; block < 4; block++) {
      const from = first + 1 + 4 * block;
      const [a, b] = [halfAt(bytes, from), halfAt(bytes, from + 2)];
      const to = unit + 32 * cell + row;
      device[to + 4 * block] = nibbles(a, b);
      device[to + 4 * (block + 4)] = nibbles(a >>> 4, b >>> 4);
    }
  },

  unpack({ bytes, at, device, unit, cell, row }) {
    const first = 2 * at;
    bytes[first] = device[unit + SCALES + 2 * cell + (row >> 1)]! >>> 8 * (row & 1);
    for (let block = 0; block < 4; block++) {
      const on = unit + 32 * cell + row;
      const low = spread(device[on + 4 * block]!);
      const high = spread(device[on + 4 * (block + 4)]!);
      const to = first + 1 + 4 * block;
      for (let i = 0; i < 2; i++) {
        const half = low[i]! | high[i]! << 4;
        bytes[to + 2 * i] = half;
        bytes[to + 2 * i + 1] = half >>> 8;
      }
    }
  },
});

/** Half of what the scale `power` stands for. */
const halfOf = (power: number): number => power === MXFP4_NAN ? NaN : 2 ** (power - 128);

const halfAt = (bytes: Uint8Array, at: number): number => bytes[at]! | bytes[at + 1]! << 8;
