/**
 * q8_0: signed bytes times an f16 scale. 34 bytes a group of 32: scale, bytes.
 *
 * @module
 */
import loader from "../../../kernels/shared/weights_q8_0.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { GROUP, grouped } from "./grouped.ts";

/** Halves of a unit, two cells of 16 x 8 bytes each, before its scales. */
const SCALES = 128;

export const q8_0: WeightFormat = grouped({
  stored: "Q8_0",
  ...{ groupBytes: 34, scales: [0], cells: 2, unitBytes: 272 },
  overflowsAt: 65520 * 127,
  loader: { name: "shared/weights_q8_0", text: loader },

  /** d = max |x| / 127 and round(x / d), halves away from zero: ggml's `quantize_row_q8_0_ref`. */
  encode(values, from, group, at) {
    let largest = 0;
    for (let i = 0; i < GROUP; i++) largest = Math.max(largest, Math.abs(values[from + i]!));
    const d = Math.fround(largest / 127);
    const inverse = d === 0 ? 0 : Math.fround(1 / d);
    group.setFloat16(at, d, true);
    for (let i = 0; i < GROUP; i++) {
      const x = Math.fround(values[from + i]! * inverse);
      group.setInt8(at + 2 + i, Math.sign(x) * Math.floor(Math.abs(x) + 0.5));
    }
  },

  decode(group, at, values, to) {
    const d = group.getFloat16(at, true);
    for (let i = 0; i < GROUP; i++) values[to + i] = d * group.getInt8(at + 2 + i);
  },

  pack({ file, at, device, unit, cell, row }) {
    device[unit + SCALES + 4 * cell + row] = file[at]!;
    for (let block = 0; block < 8; block++) {
      const to = unit + 64 * cell + 8 * block + 2 * row;
      device[to] = file[at + 1 + 2 * block]!;
      device[to + 1] = file[at + 2 + 2 * block]!;
    }
  },

  unpack({ file, at, device, unit, cell, row }) {
    file[at] = device[unit + SCALES + 4 * cell + row]!;
    for (let block = 0; block < 8; block++) {
      const from = unit + 64 * cell + 8 * block + 2 * row;
      file[at + 1 + 2 * block] = device[from]!;
      file[at + 2 + 2 * block] = device[from + 1]!;
    }
  },
});
