/**
 * q5_0: five bits less 16, times an f16 scale. 22 bytes a group of 32: scale, 32 fifth bits, then
 * byte i with number i in its low and number i + 16 in its high half.
 *
 * @module
 */
import loader from "../../../kernels/shared/weights_q5_0.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { fitScale } from "../fit.ts";
import { besideRow } from "../importance.ts";
import { fiveAt, packFives, putFives, unpackFives } from "./codes.ts";
import { GROUP, grouped } from "./grouped.ts";

/** Halves of a unit, two cells of 8 x 8 bytes each, before its fifth bits and its scales. */
const FIFTHS = 64;
const SCALES = 80;

export const q5_0: WeightFormat = grouped({
  stored: "Q5_0",
  ...{ groupBytes: 22, scales: [0], cells: 2, unitBytes: 176 },
  overflowsAt: 65520 * 16,
  loader: { name: "shared/weights_q5_0", text: loader },

  weigh: besideRow,

  /**
   * d = x / -16 of the x furthest from 0, x / d + 16 rounded: ggml's `quantize_row_q5_0_ref`; with
   * weights the scale of the least error, `quantize_row_q5_0_impl`.
   */
  encode(values, from, group, at, weights) {
    if (weights) {
      const codes = new Uint8Array(GROUP);
      group.setFloat16(at, fitScale(values.subarray(from, from + GROUP), codes, 16, weights), true);
      putFives(group, at + 2, (i) => codes[i]!);
      return;
    }
    let furthest = 0;
    for (let i = 0; i < GROUP; i++) {
      const x = values[from + i]!;
      if (Math.abs(x) > Math.abs(furthest)) furthest = x;
    }
    const d = Math.fround(furthest / -16);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    group.setFloat16(at, d, true);
    putFives(group, at + 2, (i) => {
      const scaled = Math.fround(values[from + i]! * inverse);
      return Math.min(31, Math.trunc(Math.fround(scaled + 16.5)));
    });
  },

  decode(group, at, values, to) {
    const d = group.getFloat16(at, true);
    for (let i = 0; i < GROUP; i++) values[to + i] = d * (fiveAt(group, at + 2, i) - 16);
  },

  pack({ file, at, device, unit, cell, row }) {
    device[unit + SCALES + 4 * cell + row] = file[at]!;
    packFives(file, at + 1, device, [unit + 32 * cell, unit + FIFTHS + 8 * cell], row);
  },

  unpack({ file, at, device, unit, cell, row }) {
    file[at] = device[unit + SCALES + 4 * cell + row]!;
    unpackFives(file, at + 1, device, [unit + 32 * cell, unit + FIFTHS + 8 * cell], row);
  },
});
