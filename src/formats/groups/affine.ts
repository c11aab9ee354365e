/**
 * Affine groups of 64 in two to eight bits: a code times a scale, plus a bias. A group is its scale
 * and its bias in f32, then its codes one after another, the lowest bit first.
 *
 * Source: `quantize` of mlx (Apple, 2023), which keeps codes, scales and biases in three tensors.
 *
 * @module
 */
import affine from "../../../kernels/shared/affine.wgsl" with { type: "text" };
import two from "../../../kernels/shared/weights_affine_2.wgsl" with { type: "text" };
import three from "../../../kernels/shared/weights_affine_3.wgsl" with { type: "text" };
import four from "../../../kernels/shared/weights_affine_4.wgsl" with { type: "text" };
import five from "../../../kernels/shared/weights_affine_5.wgsl" with { type: "text" };
import six from "../../../kernels/shared/weights_affine_6.wgsl" with { type: "text" };
import eight from "../../../kernels/shared/weights_affine_8.wgsl" with { type: "text" };
import type { WeightFormat } from "../format.ts";
import { halvesToEven } from "./codes.ts";
import { grouped, type Place } from "./grouped.ts";

/** Columns that share a scale. */
export const AFFINE_GROUP = 64;
/** Bytes of a scale and a bias before the codes of a group. */
export const AFFINE_HEAD = 8;
const BLOCKS = AFFINE_GROUP / 4;
/** The least scale, and with it the least distance of two numbers. */
const LEAST = Math.fround(1e-7);

export const affine_2: WeightFormat = affineOf(2, [2], two);
export const affine_3: WeightFormat = affineOf(3, [2, 1], three);
export const affine_4: WeightFormat = affineOf(4, [4], four);
export const affine_5: WeightFormat = affineOf(5, [4, 1], five);
export const affine_6: WeightFormat = affineOf(6, [4, 2], six);
export const affine_8: WeightFormat = affineOf(8, [8], eight);

/** @param planes How many bits of a code lie together on the device, the lowest first. */
function affineOf(bits: number, planes: readonly number[], loader: string): WeightFormat {
  const most = 2 ** bits - 1;
  const groupBytes = AFFINE_HEAD + bits * AFFINE_GROUP / 8;
  return grouped({
    stored: `AFFINE_${bits}`,
    ...{ group: AFFINE_GROUP, groupBytes, scales: [], cells: 1, unitBytes: 4 * groupBytes },
    overflowsAt: Infinity,
    loader: { name: `shared/weights_affine_${bits}`, text: loader },
    pieces: { affine: { name: "shared/affine", text: affine } },

    encode(values, from, group, at) {
      const { scale, bias } = lineOf(values, from, most);
      group.setFloat32(at, scale, true);
      group.setFloat32(at + 4, bias, true);
      const codeOf = (x: number) => {
        const steps = Math.fround(Math.fround(x - bias) / scale);
        return Math.min(Math.max(halvesToEven(steps), 0), most);
      };
      for (let i = 0; i < AFFINE_GROUP; i++) {
        putBits(group, at + AFFINE_HEAD, i * bits, codeOf(values[from + i]!));
      }
    },

    decode(group, at, values, to) {
      const [scale, bias] = [group.getFloat32(at, true), group.getFloat32(at + 4, true)];
      for (let i = 0; i < AFFINE_GROUP; i++) {
        const code = bitsAt(group, at + AFFINE_HEAD, i * bits, bits);
        values[to + i] = Math.fround(scale * code) + bias;
      }
    },

    pack: (place) => move(place, bits, planes, "pack"),
    unpack: (place) => move(place, bits, planes, "unpack"),
  });
}

/**
 * What the codes of a group count from and by: from its end that is farther from 0, in steps of
 * which a whole number leads to 0.
 */
function lineOf(values: Float32Array, from: number, most: number): { scale: number; bias: number } {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < AFFINE_GROUP; i++) {
    low = Math.min(low, values[from + i]!);
    high = Math.max(high, values[from + i]!);
  }
  const step = Math.max(Math.fround(Math.fround(high - low) / most), LEAST);
  const isLow = Math.abs(low) > Math.abs(high);
  const [end, scale] = isLow ? [low, step] : [high, -step];
  const steps = halvesToEven(Math.fround(end / scale));
  return steps === 0 ? { scale, bias: 0 } : { scale: Math.fround(end / steps), bias: end };
}

/** Adds a code to bytes of 0 from bit `bit` on. */
function putBits(group: DataView, at: number, bit: number, code: number): void {
  const byte = at + (bit >> 3);
  const shifted = code << (bit & 7);
  group.setUint8(byte, group.getUint8(byte) | shifted & 255);
  if (shifted > 255) group.setUint8(byte + 1, shifted >> 8);
}

/** The code from bit `bit` on. */
function bitsAt(group: DataView, at: number, bit: number, bits: number): number {
  const [byte, shift] = [at + (bit >> 3), bit & 7];
  const above = shift + bits > 8 ? group.getUint8(byte + 1) << 8 : 0;
  return (group.getUint8(byte) | above) >> shift & 2 ** bits - 1;
}

/** Bits of an array of halves: fewer than there are in two halves from where they begin. */
interface Bits {
  readonly halves: Uint16Array;
  readonly at: number;
}

function take({ halves, at }: Bits, bit: number, width: number): number {
  const [half, shift] = [at + (bit >> 4), bit & 15];
  const above = shift + width > 16 ? halves[half + 1]! << 16 : 0;
  return ((halves[half]! | above) >>> shift) & (width === 32 ? -1 : 2 ** width - 1);
}

/** Adds bits to halves of 0. */
function put({ halves, at }: Bits, bit: number, width: number, value: number): void {
  const [half, shift] = [at + (bit >> 4), bit & 15];
  halves[half]! |= value << shift;
  if (shift + width > 16) halves[half + 1]! |= value >>> 16 - shift;
}

/** Of four fields of `from` bits, those `width` from `low` on, as four fields of `to` from `at` on. */
function fields(four: number, [from, low]: Field, [to, at]: Field, width: number): number {
  if (from === to) return four;
  const mask = 2 ** width - 1;
  let found = 0;
  for (let i = 0; i < 4; i++) found |= (four >>> from * i + low & mask) << to * i + at;
  return found;
}

/** How many bits a field has, and which one is meant. */
type Field = readonly [bits: number, at: number];

/**
 * Copies a group between file and device. There a cell has a plane for each of `planes`, in which a
 * row of a block is four fields; then the scales of its rows, and their biases.
 */
function move(
  { file, at, device, unit, row }: Place,
  bits: number,
  planes: readonly number[],
  way: "pack" | "unpack",
): void {
  const ends = unit + bits * BLOCKS;
  for (const [i, on] of [0, 1, 8, 9].entries()) {
    if (way === "pack") device[ends + on + 2 * row] = file[at + i]!;
    else file[at + i] = device[ends + on + 2 * row]!;
  }
  const inFile = { halves: file, at: at + AFFINE_HEAD / 2 };
  for (let block = 0; block < BLOCKS; block++) {
    const codes = way === "pack" ? take(inFile, 4 * bits * block, 4 * bits) : 0;
    for (let i = 0, low = 0; i < planes.length; low += planes[i++]!) {
      const width = planes[i]!;
      const plane = { halves: device, at: unit + low * BLOCKS };
      const slot = 4 * width * (4 * block + row);
      if (way === "pack") {
        put(plane, slot, 4 * width, fields(codes, [bits, low], [width, 0], width));
      } else {
        const four = fields(take(plane, slot, 4 * width), [width, 0], [bits, low], width);
        put(inFile, 4 * bits * block, 4 * bits, four);
      }
    }
  }
}
