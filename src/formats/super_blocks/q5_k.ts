/**
 * q5_k: five bits times the scale of 32, less their minimum. 176 bytes a group of 256: its scales
 * and minima (see minima.ts), 32 bytes with the fifth bits, of number i of part p bit p of byte i,
 * then the other bits as q4_k has them.
 *
 * @module
 */
import loader from "../../../kernels/shared/weights_q5_k.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { grouped } from "../groups/grouped.ts";
import { besideGroup } from "../importance.ts";
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
import { packNibbles, unpackNibbles } from "./nibbles.ts";

/** Bytes of a group before its codes' four low bits. */
const LOW = HEAD_BYTES + PART;
/** Halves of a cell, 64 x 8 bytes, before its fifth bits, and before its scales and minima. */
const FIFTHS = 256;
const HEAD = 320;

const SEARCH = { most: 31, first: -0.5, growth: Math.fround(0.1), steps: 15 };

export const q5_k: WeightFormat = grouped({
  stored: "Q5_K",
  fallback: "Q5_1",
  ...{ group: SUPER_BLOCK, groupBytes: 176, scales: [0, 1], cells: 1, unitBytes: 704 },
  overflowsAt: 65520 * 32,
  loader: { name: "shared/weights_q5_k", text: loader },
  pieces: { part_minima: PART_MINIMA },
  weigh: besideGroup,

  encode(values, from, group, at, weights) {
    const x = values.subarray(from, from + SUPER_BLOCK);
    const codes = encodeWithMinima(x, group, at, SEARCH, weights);
    for (let i = 0; i < PART; i++) {
      let fifths = 0;
      for (let part = 0; part < 8; part++) fifths |= codes[PART * part + i]! >> 4 << part;
      group.setUint8(at + HEAD_BYTES + i, fifths);
    }
    for (let i = 0; i < SUPER_BLOCK / 2; i++) {
      const low = (i >> 5) * 2 * PART + i % PART;
      group.setUint8(at + LOW + i, codes[low]! & 15 | (codes[low + PART]! & 15) << 4);
    }
  },

  decode(group, at, values, to) {
    for (let part = 0; part < 8; part++) {
      const [step, minimum] = stepOf(group, at, part);
      const shift = 4 * (part & 1);
      for (let i = 0; i < PART; i++) {
        const four = group.getUint8(at + LOW + PART * (part >> 1) + i) >> shift & 15;
        const code = four | (group.getUint8(at + HEAD_BYTES + i) >> part & 1) << 4;
        values[to + PART * part + i] = step * code - minimum; // the product is exact: rounded once
      }
    }
  },

  pack(place) {
    const { file, at, device, unit, row } = place;
    packNibbles(place, LOW / 2);
    for (let block = 0; block < SUPER_BLOCK / 4; block++) {
      const from = at + HEAD_BYTES / 2 + block % 8 * 2;
      const four = fifthsOf(file[from]!, block >> 3) | fifthsOf(file[from + 1]!, block >> 3) << 2;
      device[unit + FIFTHS + block]! |= four << 4 * row;
    }
    packHead(place, unit + HEAD);
  },

  unpack(place) {
    const { file, at, device, unit, row } = place;
    unpackNibbles(place, LOW / 2);
    for (let block = 0; block < SUPER_BLOCK / 4; block++) {
      const four = device[unit + FIFTHS + block]! >>> 4 * row & 15;
      const to = at + HEAD_BYTES / 2 + block % 8 * 2;
      for (let i = 0; i < 4; i++) {
        file[to + (i >> 1)]! |= (four >> i & 1) << 8 * (i & 1) + (block >> 3);
      }
    }
    unpackHead(place, unit + HEAD);
  },
});

/** Bit `part` of the two bytes of a half. */
const fifthsOf = (half: number, part: number) => half >>> part & 1 | (half >>> 8 + part & 1) << 1;
