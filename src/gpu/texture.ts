/**
 * Textures as memory: words of 16 bytes in rows of 1024 texels, for kernels that read matrices
 * through read-only storage textures. Word `at` is texel (at % 1024, at / 1024), as
 * `kernels/shared/texel.wgsl` has it.
 *
 * @module
 */
import type { Slice } from "./buffer.ts";
import type { Device } from "./device.ts";

/** What a texel's 16 bytes are: four f32 of a matrix, or a word for a weight format to unpack. */
export type TexelFormat = "rgba32float" | "rgba32uint";

const TEXEL_BYTES = 16;
const ROW_TEXELS = 1024;

/** Bytes of a row: a texture takes whole ones. */
export const ROW_BYTES = ROW_TEXELS * TEXEL_BYTES;

/** One upload's size, as for buffers. */
const CHUNK = 4 << 20;

/** A texture that holds what a buffer could. */
export interface Texels {
  readonly texture: GPUTexture;
  readonly view: GPUTextureView;
  /** Bytes that it takes. */
  readonly bytes: number;
}

/** Bytes of the rows that hold `bytes` bytes. */
export const texelBytes = (bytes: number): number =>
  Math.max(1, Math.ceil(bytes / ROW_BYTES)) * ROW_BYTES;

/** A zeroed texture of at least `bytes` bytes, counted in `device.allocated`. */
export function createTexels(
  device: Device,
  bytes: number,
  format: TexelFormat,
  label: string,
): Texels {
  const size = texelBytes(bytes);
  device.allocated += size;
  const texture = device.gpu.createTexture({
    label,
    size: [ROW_TEXELS, size / ROW_BYTES],
    format,
    usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST,
  });
  return { texture, view: texture.createView(), bytes: size };
}

/** Frees the texture now. */
export function destroyTexels(device: Device, { texture, bytes }: Texels): void {
  device.allocated -= bytes;
  texture.destroy();
}

/** A rectangle of texels, and where its bytes begin. */
interface Piece {
  readonly origin: [number, number];
  readonly size: [number, number];
  readonly from: number;
}

/** The rectangles that `texels` texels from texel `at` on fill: part of a row, rows, part of a row. */
function pieces(at: number, texels: number): Piece[] {
  const found: Piece[] = [];
  for (let done = 0; done < texels;) {
    const [x, y] = [(at + done) % ROW_TEXELS, Math.floor((at + done) / ROW_TEXELS)];
    const left = texels - done;
    const rows = x === 0 ? Math.floor(left / ROW_TEXELS) : 0;
    const size: [number, number] = rows > 0
      ? [ROW_TEXELS, rows]
      : [Math.min(ROW_TEXELS - x, left), 1];
    found.push({ origin: [x, y], size, from: done * TEXEL_BYTES });
    done += size[0] * size[1];
  }
  return found;
}

/** Writes whole words from byte `at` on, in chunks with a submit each. */
export function uploadTexels(
  device: Device,
  { texture }: Texels,
  data: Uint8Array<ArrayBuffer>,
  at = 0,
): void {
  if (at % TEXEL_BYTES !== 0 || data.length % TEXEL_BYTES !== 0) {
    throw new RangeError(`Cannot write ${data.length} bytes at ${at}: words have ${TEXEL_BYTES}`);
  }
  const { queue } = device.gpu;
  for (let from = 0; from < data.length; from += CHUNK) {
    const chunk = data.subarray(from, from + CHUNK);
    for (const piece of pieces((at + from) / TEXEL_BYTES, chunk.length / TEXEL_BYTES)) {
      const layout = { offset: piece.from, bytesPerRow: ROW_BYTES };
      queue.writeTexture({ texture, origin: piece.origin }, chunk, layout, piece.size);
    }
    if (data.length > CHUNK) queue.submit([]);
  }
}

/** Copies slices to textures at once. */
export function copyNow(device: Device, copies: readonly { from: Slice; to: Texels }[]): void {
  const encoder = device.gpu.createCommandEncoder();
  for (const { from, to } of copies) copyToTexels(encoder, from, to);
  device.gpu.queue.submit([encoder.finish()]);
}

/** A matrix in textures, one for each range that a kernel may bind. */
export interface TexelParts {
  readonly parts: readonly { readonly offset: number; readonly size: number; texels: Texels }[];
}

/** Writes whole words from byte `at` of the matrix on. */
export function uploadParts(
  device: Device,
  { parts }: TexelParts,
  data: Uint8Array<ArrayBuffer>,
  at: number,
): void {
  const last = parts.at(-1)!;
  if (at + data.length > last.offset + last.size) {
    throw new RangeError(
      `Cannot write ${data.length} bytes at ${at} into ${last.offset + last.size}`,
    );
  }
  for (const { offset, size, texels } of parts) {
    const [from, to] = [Math.max(at, offset), Math.min(at + data.length, offset + size)];
    if (from >= to) continue;
    uploadTexels(device, texels, data.subarray(from - at, to - at), from - offset);
  }
}

/** Copies a slice to the beginning of a texture; not inside a pass. */
export function copyToTexels(
  encoder: GPUCommandEncoder,
  { buffer, offset, size }: Slice,
  { texture }: Texels,
): void {
  for (const { origin, size: extent, from } of pieces(0, Math.ceil(size / TEXEL_BYTES))) {
    const source = { buffer, offset: offset + from, bytesPerRow: ROW_BYTES };
    encoder.copyBufferToTexture(source, { texture, origin }, extent);
  }
}
