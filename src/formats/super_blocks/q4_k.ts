/**
 * q4_k: four bits times the scale of 32, less their minimum. 144 bytes a group of 256: its scales
 * and minima (see minima.ts), then for each 64 numbers 32 bytes, number i in the low and number
 * i + 32 in the high half of byte i.
 *
 * @module
 */
import loader from "../../../kernels/shared/weights_q4_k.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { grouped } from "../groups/grouped.ts";
import { besideGroup } from "../importance.ts";
import { packNibbles, unpackNibbles } from "./nibbles.ts";
import {
  encodeWithMinima,
  HEAD_BYTES,
  packHead,
  PART,
  PART_MINIMA,
  stepOf,
  SUPER_BLOCK,
  unpackHead,
} from "./minima.ts";

/** Halves of a cell, 64 x 8 bytes, before its scales and minima. */
const HEAD = 256;

const SEARCH = { most: 15, first: -1, growth: Math.fround(0.1), steps: 20 };

export const q4_k: WeightFormat = grouped({
  stored: "Q4_K",
  fallback: "Q5_0",
  ...{ group: SUPER_BLOCK, groupBytes: 144, scales: [0, 1], cells: 1, unitBytes: 576 },
  overflowsAt: 65520 * 32,
  loader: { name: "shared/weights_q4_k", text: loader },
  pieces: { part_minima: PART_MINIMA },
  weigh: besideGroup,

  encode(values, from, group, at, weights) {
    const x = values.subarray(from, from + SUPER_BLOCK);
    const codes = encodeWithMinima(x, group, at, SEARCH, weights);
    for (let i = 0; i < SUPER_BLOCK / 2; i++) {
      const low = (i >> 5) * 2 * PART + i % PART;
      group.setUint8(at + HEAD_BYTES + i, codes[low]! | codes[low + PART]! << 4);
    }
  },

  decode(group, at, values, to) {
    for (let part = 0; part < 8; part++) {
      const [step, minimum] = stepOf(group, at, part);
      const shift = 4 * (part & 1);
      const bytes = at + HEAD_BYTES + PART * (part >> 1);
      for (let i = 0; i < PART; i++) {
        const code = group.getUint8(bytes + i) >> shift & 15;
        values[to + PART * part + i] = step * code - minimum; // the product is exact: rounded once
      }
    }
  },

  pack(place) {
    packNibbles(place, HEAD_BYTES / 2);
    packHead(place, place.unit + HEAD);
  },

  unpack(place) {
    unpackNibbles(place, HEAD_BYTES / 2);
    unpackHead(place, place.unit + HEAD);
  },
});
