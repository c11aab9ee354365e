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
    pack: (rows, columns) => moved(rows, columns * numberBytes / 4, numberBytes, "pack"),
    unpack: (packed, _, columns) => moved(packed, columns * numberBytes / 4, numberBytes, "unpack"),
  };
}

/**
 * Moves words of four bytes between rows, of `perRow` words, and the rows of 4x4 blocks, of
 * `perBlockRow` words.
 */
function moved(
  bytes: Uint8Array,
  perRow: number,
  perBlockRow: number,
  way: "pack" | "unpack",
): Uint8Array<ArrayBuffer> {
  const source = new Uint32Array(aligned(bytes, 4));
  const target = new Uint32Array(source.length);
  const packs = way === "pack";
  let inBlocks = 0;
  for (let band = 0; band < source.length; band += 4 * perRow) {
    for (let column = 0; column < perRow; column += perBlockRow) {
      for (let row = 0; row < 4; row++, inBlocks += perBlockRow) {
        const inRows = band + row * perRow + column;
        const [from, to] = packs ? [inRows, inBlocks] : [inBlocks, inRows];
        for (let i = 0; i < perBlockRow; i++) target[to + i] = source[from + i]!;
      }
    }
  }
  return new Uint8Array(target.buffer);
}

/** The buffer of `bytes` where they are all of it, else a copy. */
export function aligned({ buffer, byteOffset, byteLength }: Uint8Array, to: number): ArrayBuffer {
  if (byteLength % to !== 0) throw new RangeError(`${byteLength} bytes are no words of ${to}`);
  const isWhole = byteOffset === 0 && byteLength === buffer.byteLength;
  return (isWhole ? buffer : buffer.slice(byteOffset, byteOffset + byteLength)) as ArrayBuffer;
}
