/**
 * q5_1: five bits times an f16 scale, plus an f16 minimum. 24 bytes a group of 32: scale, minimum,
 * then codes as q5_0 has them.
 *
 * @module
 */
import loader from "../../../kernels/shared/weights_q5_1.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { besideRow } from "../importance.ts";
import { fiveAt, packFives, putFives, unpackFives } from "./codes.ts";
import { GROUP, grouped } from "./grouped.ts";
import { roundWithMinimum } from "./minimum.ts";

/** Halves of a cell, 8 x 8 bytes, before its fifth bits, its scales and its minima. */
const FIFTHS = 32;
const SCALES = 40;
const MINIMA = 44;

export const q5_1: WeightFormat = grouped({
  stored: "Q5_1",
  ...{ groupBytes: 24, scales: [0, 1], cells: 1, unitBytes: 96 },
  overflowsAt: 65520,
  loader: { name: "shared/weights_q5_1", text: loader },

  weigh: besideRow,

  encode(values, from, group, at, weights) {
    const codes = roundWithMinimum({ values, from, group, at, weights }, 31);
    putFives(group, at + 4, (i) => codes[i]!);
  },

  decode(group, at, values, to) {
    const d = group.getFloat16(at, true);
    const least = group.getFloat16(at + 2, true);
    for (let i = 0; i < GROUP; i++) {
      values[to + i] = d * fiveAt(group, at + 4, i) + least; // the product is exact: rounded once
    }
  },

  pack({ file, at, device, unit, row }) {
    device[unit + SCALES + row] = file[at]!;
    device[unit + MINIMA + row] = file[at + 1]!;
    packFives(file, at + 2, device, [unit, unit + FIFTHS], row);
  },

  unpack({ file, at, device, unit, row }) {
    file[at] = device[unit + SCALES + row]!;
    file[at + 1] = device[unit + MINIMA + row]!;
    unpackFives(file, at + 2, device, [unit, unit + FIFTHS], row);
  },
});
