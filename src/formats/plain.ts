/**
 * Formats of single numbers: the words of a row of four, re-laid as rows of 4x4 blocks.
 *
 * @module
 */
import { fromFloat32, overflowsAt, toFloat32 } from "../io/safetensors/dtype.ts";
import type { WeightFormat } from "./format.ts";

/** A format whose numbers stand alone: an element type of safetensors. */
export function plain(
  stored: "F32" | "F16" | "BF16",
  loader: WeightFormat["loader"],
): WeightFormat {
  const numberBytes = stored === "F32" ? 4 : 2;
  return {
    stored,
    ...{
      group: 1,
      groupBytes: numberBytes,
      scales: [],
      powers: [],
      overflowsAt: overflowsAt(stored),
      loader,
    },
    encode: (values) => fromFloat32(values, stored),
    decode: (bytes) => toFloat32(bytes, stored),
    bytes: (rows, columns) => rows * columns * numberBytes,
    pack: (rows, columns) => relaid(rows, columns, numberBytes, toBlocks),
    unpack: (packed, _, columns) => relaid(packed, columns, numberBytes, toRows),
  };
}

/** Moves the words of four bytes of one band of four rows, which begin at `band`. */
type Move = (
  target: Uint32Array,
  source: Uint32Array,
  band: number,
  perRow: number,
  perBlockRow: number,
) => void;

function relaid(bytes: Uint8Array, columns: number, numberBytes: number, move: Move) {
  const source = new Uint32Array(aligned(bytes, 4));
  const target = new Uint32Array(source.length);
  const perRow = columns * numberBytes / 4;
  for (let band = 0; band < source.length; band += 4 * perRow) {
    move(target, source, band, perRow, numberBytes);
  }
  return new Uint8Array(target.buffer);
}

// Two words of each of the four rows at a time, without inner loops: 4 times as fast as with them,
// and most of what loading a model costs. A row of a block has as many words as a number has bytes.
const toBlocks: Move = (target, source, band, perRow, width) => {
  const [b, c, d] = [perRow, 2 * perRow, 3 * perRow];
  for (let half = 0; half < width; half += 2) {
    const end = band + perRow;
    for (let at = band + half, to = band + half; at < end; at += width, to += 4 * width) {
      target[to] = source[at]!;
      target[to + 1] = source[at + 1]!;
      target[to + width] = source[at + b]!;
      target[to + width + 1] = source[at + b + 1]!;
      target[to + 2 * width] = source[at + c]!;
      target[to + 2 * width + 1] = source[at + c + 1]!;
      target[to + 3 * width] = source[at + d]!;
      target[to + 3 * width + 1] = source[at + d + 1]!;
    }
  }
};

const toRows: Move = (target, source, band, perRow, width) => {
  const [b, c, d] = [perRow, 2 * perRow, 3 * perRow];
  for (let half = 0; half < width; half += 2) {
    const end = band + perRow;
    for (let to = band + half, at = band + half; to < end; to += width, at += 4 * width) {
      target[to] = source[at]!;
      target[to + 1] = source[at + 1]!;
      target[to + b] = source[at + width]!;
      target[to + b + 1] = source[at + width + 1]!;
      target[to + c] = source[at + 2 * width]!;
      target[to + c + 1] = source[at + 2 * width + 1]!;
      target[to + d] = source[at + 3 * width]!;
      target[to + d + 1] = source[at + 3 * width + 1]!;
    }
  }
};

/** The buffer of `bytes` where they are all of it, else a copy. */
export function aligned({ buffer, byteOffset, byteLength }: Uint8Array, to: number): ArrayBuffer {
  if (byteLength % to !== 0) throw new RangeError(`${byteLength} bytes are no words of ${to}`);
  const isWhole = byteOffset === 0 && byteLength === buffer.byteLength;
  return (isWhole ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer;
}
