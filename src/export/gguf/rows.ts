/**
 * Tensors on their way into a GGUF file: as f32, some rows at a time, in llama.cpp's order and type.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import type { GgufType } from "../../io/gguf/tensor_types.ts";
import { encodingOf } from "./file_types.ts";
import type { GgufTensor } from "../../io/gguf/writer.ts";
import { heed } from "../../stop.ts";

/** A tensor's numbers, made in pieces when they are due. */
export interface Numbers {
  readonly shape: readonly number[];
  /** The bytes of its f32 numbers, row-major; a piece is used before the next is asked for. */
  bytes(): Iterable<Uint8Array>;
}

export interface RowOptions {
  /** Rows of a head whose two halves are woven together, as {@link weave} does. */
  readonly headDim?: number | undefined;
  /** Added to each number. */
  readonly shift?: number;
  /** What errors in each column count, [columns], where the type heeds it. */
  readonly importance?: Float32Array | undefined;
  /** The same tensor without the adapter, and who hears at the end what is left of the update. */
  readonly update?: {
    readonly before: Numbers;
    readonly kept: (update: KeptUpdate) => void;
  } | undefined;
  /** Hears at the end of a tensor how far rounding moved it, relative, as a root mean square. */
  readonly rounded?: ((error: number) => void) | undefined;
}

/** What rounding has left of an update of some numbers. */
export interface KeptUpdate {
  /** The sum of its squares. */
  readonly squares: number;
  /** The sum of its products with what it has changed of the rounded numbers. */
  readonly along: number;
}

/** Numbers converted at a time, where no head asks for more. */
const BLOCK = 1 << 20;

/** The tensor of `name` with the numbers of `source`; `file` is for errors. */
export function convertedTensor(
  name: string,
  type: GgufType,
  source: Numbers,
  file: string,
  { headDim, shift = 0, importance, update, rounded }: RowOptions = {},
): GgufTensor {
  const width = source.shape.length < 2 ? 1 : source.shape.at(-1)!;
  const { encode, decode, overflowsAt } = encodingOf(type);
  const length = width * (headDim ?? Math.max(1, Math.floor(BLOCK / width)));
  return {
    name,
    type,
    shape: source.shape,
    *data() {
      let [moved, whole, squares, along] = [0, 0, 0, 0];
      const order = (block: Float32Array) =>
        headDim === undefined ? block : weave(block, headDim, width);
      const earlier = update && blocks(update.before, length);
      for (const block of blocks(source, length)) {
        heed();
        const values = order(block);
        for (let i = 0; i < values.length; i++) {
          values[i]! += shift;
          if (Math.abs(values[i]!) < overflowsAt) continue;
          throw new FileError(
            `Cannot export ${file}: tensor "${name}" would hold ${
              values[i]
            }, wanted finite ${type}`,
          );
        }
        const bytes = encode(values, width, importance);
        if (earlier) {
          const before = order(earlier.next().value!);
          const [after, alone] = [decode(bytes), decode(encode(before, width, importance))];
          for (let i = 0; i < values.length; i++) {
            const change = values[i]! - before[i]!;
            squares += change ** 2;
            along += change * (after[i]! - alone[i]!);
          }
        }
        if (rounded) {
          for (const [i, x] of decode(bytes).entries()) {
            moved += (x - values[i]!) ** 2;
            whole += values[i]! ** 2;
          }
        }
        yield bytes;
      }
      update?.kept({ squares, along });
      rounded?.(whole === 0 ? 0 : Math.sqrt(moved / whole));
    },
  };
}

/** The numbers of `source` in new arrays of `length`; the last may be shorter. */
function* blocks(source: Numbers, length: number): Generator<Float32Array, undefined> {
  const most = source.shape.reduce((n, size) => n * size, 1);
  let block = new Uint8Array(4 * Math.min(length, most));
  let filled = 0;
  for (const piece of source.bytes()) {
    for (let used = 0; used < piece.byteLength;) {
      const part = piece.subarray(used, used + block.byteLength - filled);
      block.set(part, filled);
      used += part.byteLength;
      filled += part.byteLength;
      if (filled < block.byteLength) continue;
      yield new Float32Array(block.buffer);
      block = new Uint8Array(block.byteLength);
      filled = 0;
    }
  }
  if (filled > 0) yield new Float32Array(block.buffer, 0, filled / 4);
}

/**
 * The rows of one head, [headDim, width], in the order of Meta's rotation, which turns neighbours,
 * out of the order of Hugging Face's, which turns row i with row i + headDim / 2. Source: llama.cpp,
 * `LlamaModel.permute` of its converter.
 */
export function weave(rows: Float32Array, headDim: number, width: number): Float32Array {
  const woven = new Float32Array(rows.length);
  for (let i = 0; i < headDim; i++) {
    const from = (i % 2) * (headDim / 2) + Math.floor(i / 2);
    woven.set(rows.subarray(from * width, (from + 1) * width), i * width);
  }
  return woven;
}
