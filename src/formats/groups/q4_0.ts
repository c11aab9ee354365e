/**
 * q4_0: four bits less 8, times an f16 scale. 18 bytes a group of 32: scale, then byte i with number
 * i in its low and number i + 16 in its high half.
 *
 * @module
 */
import loader from "../../../kernels/shared/weights_q4_0.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { fitScale } from "../fit.ts";
import { besideRow } from "../importance.ts";
import { nibbles, putFours, spread } from "./codes.ts";
import { GROUP, grouped, type Place } from "./grouped.ts";

/** Halves of a unit, two cells of 8 x 8 bytes each, before its scales. */
const SCALES = 64;

/** Groups of a scale and 32 codes of four bits. */
export const SCALED_FOURS = {
  ...{ groupBytes: 18, scales: [0], cells: 2, unitBytes: 144 },

  pack({ file, at, device, unit, cell, row }: Place) {
    device[unit + SCALES + 4 * cell + row] = file[at]!;
    const to = unit + 32 * cell + row;
    for (let block = 0; block < 4; block++) {
      const [a, b] = [file[at + 1 + 2 * block]!, file[at + 2 + 2 * block]!];
      device[to + 4 * block] = nibbles(a, b);
      device[to + 4 * (block + 4)] = nibbles(a >>> 4, b >>> 4);
    }
  },

  unpack({ file, at, device, unit, cell, row }: Place) {
    file[at] = device[unit + SCALES + 4 * cell + row]!;
    const from = unit + 32 * cell + row;
    for (let block = 0; block < 4; block++) {
      const low = spread(device[from + 4 * block]!);
      const high = spread(device[from + 4 * (block + 4)]!);
      file[at + 1 + 2 * block] = low[0] | high[0] << 4;
      file[at + 2 + 2 * block] = low[1] | high[1] << 4;
    }
  },
};

export const q4_0: WeightFormat = grouped({
  stored: "Q4_0",
  ...SCALED_FOURS,
  overflowsAt: 65520 * 8,
  loader: { name: "shared/weights_q4_0", text: loader },

  weigh: besideRow,

  /**
   * d = x / -8 of the x furthest from 0, x / d + 8 rounded: ggml's `quantize_row_q4_0_ref`; with
   * weights the scale of the least error, `quantize_row_q4_0_impl`.
   */
  encode(values, from, group, at, weights) {
    if (weights) {
      const codes = new Uint8Array(GROUP);
      group.setFloat16(at, fitScale(values.subarray(from, from + GROUP), codes, 8, weights), true);
      putFours(group, at + 2, (i) => codes[i]!);
      return;
    }
    let furthest = 0;
    for (let i = 0; i < GROUP; i++) {
      const x = values[from + i]!;
      if (Math.abs(x) > Math.abs(furthest)) furthest = x;
    }
    const d = Math.fround(furthest / -8);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    const code = (x: number) =>
      Math.min(15, Math.trunc(Math.fround(Math.fround(x * inverse) + 8.5)));
    group.setFloat16(at, d, true);
    putFours(group, at + 2, (i) => code(values[from + i]!));
  },

  decode(group, at, values, to) {
    const d = group.getFloat16(at, true);
    for (let i = 0; i < GROUP / 2; i++) {
      const byte = group.getUint8(at + 2 + i);
      values[to + i] = d * ((byte & 15) - 8);
      values[to + GROUP / 2 + i] = d * ((byte >> 4) - 8);
    }
  },
});
