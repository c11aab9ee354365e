/**
 * int8: signed bytes times the largest magnitude of a row / 127. 68 bytes a group of 64: that
 * magnitude in f32, then the bytes.
 *
 * Method: Dettmers et al. 2022, LLM.int8() (arXiv 2208.07339), without outliers, which are a matter of
 * what is multiplied; `int8_vectorwise_quant` of bitsandbytes.
 *
 * @module
 */
import loader from "../../../kernels/shared/weights_int8.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { halvesToEven } from "./codes.ts";
import { grouped } from "./grouped.ts";

const GROUP = 64;
const GROUP_BYTES = 68;
/** Halves of a unit, a cell of 16 x 16 bytes, before its scales. */
const SCALES = 128;
/** 1 / 127 as bitsandbytes has it. */
const STEP = Math.fround(0.007874015718698502);

const groups = grouped({
  stored: "INT8",
  ...{ group: GROUP, groupBytes: GROUP_BYTES, scales: [], cells: 1, unitBytes: 272 },
  overflowsAt: Infinity,
  loader: { name: "shared/weights_int8", text: loader },

  encode() {
    throw new TypeError("A scale is of a whole row");
  },

  decode(group, at, values, to) {
    const largest = group.getFloat32(at, true);
    for (let i = 0; i < GROUP; i++) {
      values[to + i] = Math.fround(group.getInt8(at + 4 + i) * largest) * STEP;
    }
  },

  pack({ file, at, device, unit, row }) {
    device[unit + SCALES + 2 * row] = file[at]!;
    device[unit + SCALES + 2 * row + 1] = file[at + 1]!;
    for (let block = 0; block < 16; block++) {
      const to = unit + 8 * block + 2 * row;
      device[to] = file[at + 2 + 2 * block]!;
      device[to + 1] = file[at + 3 + 2 * block]!;
    }
  },

  unpack({ file, at, device, unit, row }) {
    file[at] = device[unit + SCALES + 2 * row]!;
    file[at + 1] = device[unit + SCALES + 2 * row + 1]!;
    for (let block = 0; block < 16; block++) {
      const from = unit + 8 * block + 2 * row;
      file[at + 2 + 2 * block] = device[from]!;
      file[at + 3 + 2 * block] = device[from + 1]!;
    }
  },
});

export const int8: WeightFormat = {
  ...groups,
  encode(values, columns) {
    const bytes = new Uint8Array(values.length / GROUP * GROUP_BYTES);
    const view = new DataView(bytes.buffer);
    for (let row = 0; row < values.length; row += columns) {
      let largest = 0;
      for (let i = row; i < row + columns; i++) largest = Math.max(largest, Math.abs(values[i]!));
      const inverse = largest === 0 ? 0 : Math.fround(127 / largest);
      for (let i = row; i < row + columns; i++) {
        const group = Math.floor(i / GROUP) * GROUP_BYTES;
        if (i % GROUP === 0) view.setFloat32(group, largest, true);
        view.setInt8(group + 4 + i % GROUP, halvesToEven(Math.fround(values[i]! * inverse)));
      }
    }
    return bytes;
  },
};
