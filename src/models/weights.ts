/**
 * From the checkpoint's row-major tensors to what the kernels read, and back.
 *
 * @module
 */
import { type Slice, upload } from "../gpu/buffer.ts";
import type { Device } from "../gpu/device.ts";
import { BYTES, type NumberType, type Value } from "../graph/graph.ts";
import { refuseNonFinite, toFiniteFloat32 } from "../io/safetensors/finite.ts";
import { fromFloat32, toFloat32 } from "../io/safetensors/safetensors.ts";
import { type Tensors, transpose } from "./stored.ts";

/** About how many bytes of a tensor are in hand at a time. */
const PIECE = 4 << 20;

/** A number in the precision of a stored type. */
export function roundTo(x: number, type: NumberType): number {
  const dtype = type === "bf16" ? "BF16" : type === "f16" ? "F16" : "F32";
  return toFloat32(fromFloat32(Float32Array.of(x), dtype), dtype)[0]!;
}

/** A vector as f32. */
export function loadVector(tensors: Tensors, name: string): Float32Array {
  return toFiniteFloat32(tensors.reader(name)(), tensors.get(name));
}

/** A tensor as f32, in the orientation of the checkpoint. */
export function loadStored(tensors: Tensors, name: string): Float32Array {
  const tensor = tensors.get(name);
  return toFiniteFloat32(tensors.checkpoint.read(tensor.name), tensor);
}

/**
 * Uploads a matrix as 4x4 blocks in the precision that it is stored in, some bands of four rows at
 * a time; rows that only fill the last band are zero.
 */
export function loadBlocks(device: Device, tensors: Tensors, value: Value, slice: Slice) {
  const read = tensors.reader(value.name);
  const [rows, columns] = value.shape as [number, number];
  const rowBytes = columns * BYTES[value.type];
  const step = Math.max(1, Math.floor(PIECE / (4 * rowBytes))) * 4;
  for (let from = 0; from < rows; from += step) {
    const count = Math.min(step, rows - from);
    const piece = new Uint8Array(Math.ceil(count / 4) * 4 * rowBytes);
    read({ offset: from * rowBytes, length: count * rowBytes, into: piece });
    const words = new Uint32Array(piece.buffer);
    refuseNonFinite(words, tensors.get(value.name), from * columns);
    upload(device, slice, toBlocks(words, rowBytes / 4, BYTES[value.type]), from * rowBytes);
  }
}

/** How one matrix lies in words of four bytes: a block's row is four numbers. */
interface Words {
  readonly rows: number;
  readonly perRow: number;
  readonly perBlockRow: number;
}

/** Calls `move(inRows, inBlocks)` for the first word of every block's row. */
function eachBlockRow(
  { rows, perRow, perBlockRow }: Words,
  move: (from: number, to: number) => void,
) {
  let to = 0;
  for (let band = 0; band < rows; band += 4) {
    for (let column = 0; column < perRow; column += perBlockRow) {
      for (let row = band; row < band + 4; row++, to += perBlockRow) {
        move(row * perRow + column, to);
      }
    }
  }
}

/** Words of whole bands of rows, as 4x4 blocks. */
export function toBlocks(rowMajor: Uint32Array, perRow: number, perBlockRow: number): Uint32Array {
  const blocks = new Uint32Array(rowMajor.length);
  eachBlockRow({ rows: rowMajor.length / perRow, perRow, perBlockRow }, (from, to) => {
    for (let i = 0; i < perBlockRow; i++) blocks[to + i] = rowMajor[from + i]!;
  });
  return blocks;
}

/** An f32 matrix [rows, columns] out of its 4x4 blocks; rows that only fill a band are dropped. */
export function fromBlocks(blocks: Float32Array, [rows, columns]: readonly [number, number]) {
  const rowMajor = new Float32Array(blocks.length);
  const words = { rows: blocks.length / columns, perRow: columns, perBlockRow: 4 };
  eachBlockRow(words, (from, to) => {
    for (let i = 0; i < 4; i++) rowMajor[from + i] = blocks[to + i]!;
  });
  return rowMajor.subarray(0, rows * columns);
}

/** An f32 matrix [rows, columns] as 4x4 blocks: {@link fromBlocks} the other way. */
export function blocksOf(numbers: Float32Array, [rows, columns]: readonly [number, number]) {
  const banded = new Float32Array(Math.ceil(rows / 4) * 4 * columns);
  banded.set(numbers);
  return new Float32Array(toBlocks(new Uint32Array(banded.buffer), columns, 4).buffer);
}

/** What of a param says how the store keeps it. */
export type Param = Pick<Value, "name" | "shape" | "layout">;

/** A tensor of the checkpoint in f32, as the store keeps params. */
export function loadParam(tensors: Tensors, param: Param): Float32Array {
  const numbers = loadVector(tensors, param.name);
  return param.layout === "rows" ? numbers : blocksOf(numbers, param.shape as [number, number]);
}

/** The same of numbers as a checkpoint has them. */
export function keptParam(tensors: Tensors, param: Param, stored: Float32Array): Float32Array {
  const { name, shape, layout } = param;
  if (layout === "rows") return stored;
  const numbers = tensors.isTransposed(name)
    ? transpose(stored, tensors.turn(name, shape) as [number, number])
    : stored;
  return blocksOf(numbers, shape as [number, number]);
}

/** What the store keeps of a param, as its checkpoint has it: {@link loadParam} the other way. */
export function storedParam(
  tensors: Tensors,
  { name, shape, layout }: Param,
  kept: Float32Array,
): Float32Array {
  if (layout === "rows") return kept;
  const numbers = fromBlocks(kept, shape as [number, number]);
  return tensors.isTransposed(name) ? transpose(numbers, shape as [number, number]) : numbers;
}
