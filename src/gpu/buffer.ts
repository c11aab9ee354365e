/**
 * Buffers: made and counted, filled in chunks, read back at once or several steps later.
 *
 * @module
 */
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

/**
 * Reads a slice back. A sync point: it waits for all submitted work, 10 ms at least in Deno.
 *
 * @throws {GpuError} where the GPU is lost, or has reported an error.
 */
export async function read(device: Device, slice: Slice): Promise<Uint8Array<ArrayBuffer>> {
  const staging = stagingBuffer(device, slice.size);
  const encoder = device.gpu.createCommandEncoder();
  encoder.copyBufferToBuffer(slice.buffer, slice.offset, staging, 0, slice.size);
  device.gpu.queue.submit([encoder.finish()]);
  const bytes = await fetch(device, staging);
  device.check();
  staging.destroy();
  return new Uint8Array(bytes);
}

/** What the staging buffer holds once the work before is done. */
async function fetch(device: Device, staging: GPUBuffer): Promise<ArrayBuffer> {
  try {
    await staging.mapAsync(GPUMapMode.READ);
    const bytes = staging.getMappedRange().slice(0);
    staging.unmap();
    return bytes;
  } catch (cause) {
    device.check();
    throw new GpuError(`Cannot read from the GPU: ${(cause as Error).message}`, { cause });
  }
}

/** {@link read} as f32 numbers. */
export async function readFloats(device: Device, slice: Slice): Promise<Float32Array<ArrayBuffer>> {
  return new Float32Array((await read(device, slice)).buffer);
}

function stagingBuffer(device: Device, size: number): GPUBuffer {
  return device.gpu.createBuffer({
    label: "readback",
    size,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
}

/** What a {@link Ring} brought back: the floats that one step left, and the step's tag. */
export interface Arrival<Tag> {
  readonly tag: Tag;
  readonly values: Float32Array;
}

/**
 * A ring of staging buffers for numbers that are read several steps after they were made, so that
 * no step waits for the GPU.
 */
export class Ring<Tag> {
  readonly #device: Device;
  readonly #bytes: number;
  readonly #free: GPUBuffer[];
  readonly #flying: Promise<void>[] = [];
  #arrived: Arrival<Tag>[] = [];
  #loaded: GPUBuffer | null = null;
  #fault: unknown = null;

  /** `floats` numbers a step; `slots` steps may be under way at a time. */
  constructor(device: Device, floats: number, slots = 8) {
    this.#device = device;
    this.#bytes = floats * 4;
    this.#free = Array.from({ length: slots }, () => stagingBuffer(device, this.#bytes));
  }

  /** Waits only while every slot is under way. */
  async freeSlot(): Promise<void> {
    while (this.#free.length === 0) await this.#flying[0];
    this.#check();
  }

  /** Copies the slices, one after another, into a free slot; call before the encoder is finished. */
  load(encoder: GPUCommandEncoder, slices: readonly Slice[]): void {
    const slot = this.#free.shift();
    if (!slot) throw new RangeError("Ring.load() needs a free slot; await freeSlot() first");
    let at = 0;
    for (const { buffer, offset, size } of slices) {
      encoder.copyBufferToBuffer(buffer, offset, slot, at, size);
      at += size;
    }
    this.#loaded = slot;
  }

  /** Starts the journey of what was loaded; call after the submit. */
  send(tag: Tag): void {
    const slot = this.#loaded!;
    this.#loaded = null;
    const flight = fetch(this.#device, slot).then(
      (bytes) => void this.#arrived.push({ tag, values: new Float32Array(bytes) }),
      (fault) => this.#fault ??= fault,
    ).then(() => {
      this.#free.push(slot);
      this.#flying.splice(this.#flying.indexOf(flight), 1);
    });
    this.#flying.push(flight);
  }

  /**
   * What has arrived since the last call, oldest first.
   *
   * @throws {GpuError} where the GPU is lost, or has reported an error.
   */
  arrived(): Arrival<Tag>[] {
    this.#check();
    const arrived = this.#arrived;
    this.#arrived = [];
    return arrived;
  }

  /** What has arrived since the last call; waits for one where nothing has. */
  async next(): Promise<Arrival<Tag>[]> {
    if (this.#arrived.length === 0) await this.#flying[0];
    return this.arrived();
  }

  /** Waits for everything under way and returns it. */
  async drain(): Promise<Arrival<Tag>[]> {
    await Promise.all(this.#flying);
    return this.arrived();
  }

  #check(): void {
    if (this.#fault) throw this.#fault;
    this.#device.check();
  }

  destroy(): void {
    for (const slot of this.#free) slot.destroy();
  }
}
