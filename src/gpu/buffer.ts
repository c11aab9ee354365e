/**
 * Buffers: made and counted, filled in chunks, read back.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { GpuError } from "../errors.ts";
import type { Device } from "./device.ts";
import { type TexelParts, uploadParts } from "./texture.ts";

/** A range of a buffer. Offsets are multiples of 256 where it is bound. */
export interface Slice {
  readonly buffer: GPUBuffer;
  /** In bytes. */
  readonly offset: number;
  readonly size: number;
}

/** Offsets of bound ranges must be multiples of this on every adapter. */
export const SLICE_ALIGNMENT = 256;

/** One upload's size; larger single writes are several times slower, as are smaller ones. */
const CHUNK = 4 << 20;

/**
 * A zeroed storage buffer of at least `bytes` bytes, counted in `device.allocated`.
 *
 * @throws {RangeError} above the device's largest buffer.
 */
export function createBuffer(device: Device, bytes: number, label: string): GPUBuffer {
  const size = Math.max(16, Math.ceil(bytes / 16) * 16);
  if (size > device.limits.maxBufferSize) {
    throw new RangeError(
      `${label} needs a buffer of ${size} bytes, this adapter allows ${device.limits.maxBufferSize}`,
    );
  }
  device.allocated += size;
  return device.gpu.createBuffer({
    label,
    size,
    usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
  });
}

/** Frees the buffer now; a dropped one would stay until the process ends. */
export function destroyBuffer(device: Device, buffer: GPUBuffer): void {
  device.allocated -= buffer.size;
  buffer.destroy();
}

/** The whole of a buffer as a slice. */
export function whole(buffer: GPUBuffer): Slice {
  return { buffer, offset: 0, size: buffer.size };
}

/** Writes `data` at the start of `memory` (plus `at` bytes), in chunks with a submit each. */
export function upload(
  device: Device,
  memory: Slice | TexelParts,
  data: ArrayBufferView,
  at = 0,
): void {
  const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  if ("parts" in memory) return uploadParts(device, memory, bytes, at);
  const slice = memory;
  if (at + bytes.length > slice.size) {
    throw new RangeError(`Cannot write ${bytes.length} bytes at ${at} into ${slice.size}`);
  }
  for (let from = 0; from < bytes.length; from += CHUNK) {
    const chunk = bytes.subarray(from, from + CHUNK);
    device.gpu.queue.writeBuffer(slice.buffer, slice.offset + at + from, chunk);
    if (bytes.length > CHUNK) device.gpu.queue.submit([]);
  }
}

/** Fills a slice with zeros. */
export function clear(device: Device, { buffer, offset, size }: Slice): void {
  const encoder = device.gpu.createCommandEncoder();
  encoder.clearBuffer(buffer, offset, size);
  device.gpu.queue.submit([encoder.finish()]);
}

/** Copies ranges of buffers, each to another place of the same buffer, without waiting. */
export function copyWithin(
  device: Device,
  ranges: readonly { readonly from: Slice; readonly to: number }[],
): void {
  const largest = Math.max(...ranges.map(({ from }) => from.size));
  const between = createBuffer(device, largest, "copy"); // a buffer is not copied to itself
  const encoder = device.gpu.createCommandEncoder();
  for (const { from: { buffer, offset, size }, to } of ranges) {
    encoder.copyBufferToBuffer(buffer, offset, between, 0, size);
    encoder.copyBufferToBuffer(between, 0, buffer, to, size);
  }
  device.gpu.queue.submit([encoder.finish()]);
  destroyBuffer(device, between);
}

/**
 * Reads a slice back. A sync point: it waits for all submitted work.
 *
 * @throws {GpuError} where the GPU is lost, or has reported an error.
 */
export async function read(device: Device, slice: Slice): Promise<Uint8Array<ArrayBuffer>> {
  const staging = await stagingOf(device, slice.size);
  const encoder = device.gpu.createCommandEncoder();
  encoder.copyBufferToBuffer(slice.buffer, slice.offset, staging, 0, slice.size);
  device.gpu.queue.submit([encoder.finish()]);
  const bytes = await fetchBytes(device, staging);
  device.check();
  staging.destroy();
  return new Uint8Array(bytes);
}

async function stagingOf(device: Device, size: number): Promise<GPUBuffer> {
  try {
    return stagingBuffer(device, size);
  } catch (fault) {
    throw await device.behind(fault);
  }
}

/** {@link read} as f32 numbers. */
export async function readFloats(device: Device, slice: Slice): Promise<Float32Array<ArrayBuffer>> {
  return new Float32Array((await read(device, slice)).buffer);
}

/**
 * A buffer that the host reads.
 *
 * @throws {GpuError} where the GPU is lost, or has no memory for it.
 */
export function stagingBuffer(device: Device, size: number): GPUBuffer {
  device.check();
  const staging = device.gpu.createBuffer({
    label: "readback",
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    mappedAtCreation: true, // for fetchBytes(): Deno panics where what was never mapped has no range
  });
  try {
    staging.unmap();
  } catch (cause) {
    throw new GpuError(`Cannot make a buffer of ${size} bytes to read into`, { cause });
  }
  return staging;
}

/** Lets timers, signals and servers have their turn. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/**
 * The first bytes of a staging buffer once the work before is done, all by default. In Deno mapping
 * blocks the thread until the device is idle, so what is asked for in one turn waits once; the range
 * is there at once, while the promise takes 10 ms more. Elsewhere the range throws until then.
 */
export async function fetchBytes(
  device: Device,
  staging: GPUBuffer,
  size = staging.size,
): Promise<ArrayBuffer> {
  try {
    await turn();
    const mapping = staging.mapAsync(GPUMapMode.READ, 0, size);
    mapping.catch(() => {}); // heard of below
    let range = rangeOf(staging, size);
    if (!range) {
      await mapping;
      range = staging.getMappedRange(0, size);
    }
    const bytes = range.slice(0);
    staging.unmap();
    return bytes;
  } catch (cause) {
    throw await device.behind(
      new GpuError(`Cannot read from the GPU: ${(cause as Error).message}`, { cause }),
    );
  }
}

function rangeOf(staging: GPUBuffer, size: number): ArrayBuffer | null {
  try {
    return staging.getMappedRange(0, size);
  } catch {
    return null;
  }
}
