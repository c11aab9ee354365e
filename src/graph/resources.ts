/**
 * What programs keep between replays and share with each other but not with the store: caches of
 * keys and values, sums over passes, tables of their own size.
 *
 * @module
 */
import { createBuffer, destroyBuffer, type Slice, upload, whole } from "../gpu/buffer.ts";
import type { Device } from "../gpu/device.ts";
import { bytesOf, describe, type Value } from "./graph.ts";

/** What a value holds when it is made. */
export type Contents = () => Float32Array | Uint32Array;

/** Values of some programs by name, freed with whoever made them. */
export class Resources implements Disposable {
  readonly #buffers = new Map<string, GPUBuffer>();

  constructor(readonly device: Device) {}

  /** Bytes on the device. */
  get bytes(): number {
    return this.#buffers.values().reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * The buffer of a value, made when first asked for: with contents where there are any, else zero.
   *
   * @throws {RangeError} where another program has made it smaller.
   */
  find(value: Value, contents?: Contents): Slice {
    const buffer = this.#buffers.get(value.name) ?? this.#make(value, contents);
    if (buffer.size >= bytesOf(value)) return whole(buffer);
    throw new RangeError(
      `${describe(value)} takes ${bytesOf(value)} bytes, found ${buffer.size} made for it`,
    );
  }

  [Symbol.dispose](): void {
    for (const buffer of this.#buffers.values()) destroyBuffer(this.device, buffer);
    this.#buffers.clear();
  }

  #make(value: Value, contents?: Contents): GPUBuffer {
    const buffer = createBuffer(this.device, bytesOf(value), value.name);
    this.#buffers.set(value.name, buffer);
    if (contents) upload(this.device, whole(buffer), contents());
    return buffer;
  }
}
