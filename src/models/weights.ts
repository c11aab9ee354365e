/**
 * From the checkpoint's row-major tensors to what the kernels read, and back.
 *
 * @module
 */
import { type Slice, upload } from "../gpu/buffer.ts";
import type { Device } from "../gpu/device.ts";
import { FileError } from "../errors.ts";
import { fileBytes, type FormatName, FORMATS, type WeightFormat } from "../formats/mod.ts";
import type { TexelParts } from "../gpu/texture.ts";
import type { Engine } from "../graph/compile.ts";
import type { NumberType, Value } from "../graph/graph.ts";
import { refuseNonFinite, toFiniteFloat32 } from "../io/safetensors/finite.ts";
import type { TensorInfo } from "../io/safetensors/safetensors.ts";
import { roundingTo } from "./rounded_rows.ts";
import { type Tensors, transpose } from "./stored.ts";
import { heed } from "../stop.ts";

/** About how many bytes of a tensor are in hand at a time. */
const PIECE = 4 << 20;

/** A number in the precision of a format; of those with groups, in f32. */
export function roundTo(x: number, type: NumberType): number {
  const format = type === "u32" || FORMATS[type].group > 1 ? FORMATS.f32 : FORMATS[type];
  return format.decode(format.encode(Float32Array.of(x), 1))[0]!;
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
 * Uploads a matrix as its format has it on the device, some bands of four rows at a time; rows that
 * only fill the last band are zero. One that its file stores in another format is rounded to it.
 *
 * @throws {FileError} where a number is NaN or infinite.
 */
export function loadBlocks(
  device: Device,
  tensors: Tensors,
  value: Value,
  memory: Slice | TexelParts,
) {
  const { format: storedName, read } = tensors.source(value.name);
  const [stored, kept] = [FORMATS[storedName], FORMATS[value.type as FormatName]];
  const [rows, columns] = value.shape as [number, number];
  const [rowBytes, keptBytes] = [fileBytes(stored, columns), fileBytes(kept, columns)];
  const rounded = roundingTo(tensors, value.name, [rows, columns], value.type as FormatName);
  const step = Math.max(1, Math.floor(PIECE / (16 * rowBytes))) * 16; // whole units of any format
  for (let from = 0; from < rows; from += step) {
    heed();
    const count = Math.min(step, rows - from);
    const piece = new Uint8Array(Math.ceil(count / 4) * 4 * rowBytes);
    read({ offset: from * rowBytes, length: count * rowBytes, into: piece });
    refuseBroken(stored, piece, tensors.get(value.name), from * columns);
    const groups = stored === kept ? piece : new Uint8Array(piece.length / rowBytes * keptBytes);
    if (stored !== kept) {
      const numbers = stored.decode(piece.subarray(0, count * rowBytes));
      groups.set(rounded(numbers, from));
    }
    upload(device, memory, kept.pack(groups, columns), kept.bytes(from, columns));
  }
}

/** Puts a weight into the store, from the tensor `name`. @throws {FileError} as {@link loadBlocks}. */
export function loadWeight(
  { device, store }: Engine,
  tensors: Tensors,
  value: Value,
  name = value.name,
): void {
  const memory = store.addWeight(value);
  if (value.layout === "blocks") loadBlocks(device, tensors, { ...value, name }, memory);
  else upload(device, memory, loadVector(tensors, name));
}

/** Refuses numbers that are NaN or infinite: of formats with groups, their scales. */
function refuseBroken(format: WeightFormat, bytes: Uint8Array, tensor: TensorInfo, from: number) {
  if (format.group === 1) return refuseNonFinite(new Uint32Array(bytes.buffer), tensor, from);
  const { group, groupBytes, scales, powers } = format;
  const halves = new Uint16Array(bytes.buffer);
  for (let at = 0; at < bytes.length; at += groupBytes) {
    const isFinite = scales.every((i) => (halves[at / 2 + i]! & 0x7c00) !== 0x7c00) &&
      powers.every((i) => bytes[at + i] !== 255);
    if (isFinite) continue;
    const element = from + at / groupBytes * group;
    throw new FileError(
      `Cannot use tensor "${tensor.name}" in ${tensor.file}: the scale of its elements from ` +
        `${element} on is NaN or infinite`,
    );
  }
}

/** An f32 matrix [rows, columns] out of its 4x4 blocks; rows that only fill a band are dropped. */
export function fromBlocks(blocks: Float32Array, [rows, columns]: readonly [number, number]) {
  const rowMajor = FORMATS.f32.unpack(bytesIn(blocks), blocks.length / columns, columns);
  return new Float32Array(rowMajor.buffer).subarray(0, rows * columns);
}

/** An f32 matrix [rows, columns] as 4x4 blocks: {@link fromBlocks} the other way. */
export function blocksOf(numbers: Float32Array, [rows, columns]: readonly [number, number]) {
  const banded = new Float32Array(Math.ceil(rows / 4) * 4 * columns);
  banded.set(numbers);
  return new Float32Array(FORMATS.f32.pack(bytesIn(banded), columns).buffer);
}

const bytesIn = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);

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
