/**
 * q4_1: four bits times an f16 scale, plus an f16 minimum. 20 bytes a group of 32: scale, minimum,
 * then byte i with number i in its low and number i + 16 in its high half.
 *
 * @module
 */
import loader from "../../../kernels/shared/weights_q4_1.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { besideRow } from "../importance.ts";
import { nibbles, putFours, spread } from "./codes.ts";
import { GROUP, grouped } from "./grouped.ts";
import { roundWithMinimum } from "./minimum.ts";

/** Halves of a cell, 8 x 8 bytes, before its scales and its minima. */
const SCALES = 32;
const MINIMA = 36;

export const q4_1: WeightFormat = grouped({
  stored: "Q4_1",
  ...{ groupBytes: 20, scales: [0, 1], cells: 1, unitBytes: 80 },
  overflowsAt: 65520,
  loader: { name: "shared/weights_q4_1", text: loader },

  weigh: besideRow,

  encode(values, from, group, at, weights) {
    const codes = roundWithMinimum({ values, from, group, at, weights }, 15);
    putFours(group, at + 4, (i) => codes[i]!);
  },

  decode(group, at, values, to) {
    const d = group.getFloat16(at, true);
    const least = group.getFloat16(at + 2, true);
    for (let i = 0; i < GROUP / 2; i++) {
      const byte = group.getUint8(at + 4 + i);
      values[to + i] = d * (byte & 15) + least; // the product is exact: rounded once
      values[to + GROUP / 2 + i] = d * (byte >> 4) + least;
    }
  },

  pack({ file, at, device, unit, row }) {
    device[unit + SCALES + row] = file[at]!;
    device[unit + MINIMA + row] = file[at + 1]!;
    for (let block = 0; block < 4; block++) {
      const [a, b] = [file[at + 2 + 2 * block]!, file[at + 3 + 2 * block]!];
      device[unit + 4 * block + row] = nibbles(a, b);
      device[unit + 4 * (block + 4) + row] = nibbles(a >>> 4, b >>> 4);
    }
  },

  unpack({ file, at, device, unit, row }) {
    file[at] = device[unit + SCALES + row]!;
    file[at + 1] = device[unit + MINIMA + row]!;
    for (let block = 0; block < 4; block++) {
      const low = spread(device[unit + 4 * block + row]!);
      const high = spread(device[unit + 4 * (block + 4) + row]!);
      file[at + 2 + 2 * block] = low[0] | high[0] << 4;
      file[at + 3 + 2 * block] = low[1] | high[1] << 4;
    }
  },
});
