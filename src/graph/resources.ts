/**
 * What programs keep between replays and share with each other but not with the store: caches of
 * keys and values, sums over passes.
 *
 * @module
 */
import { createBuffer, destroyBuffer, type Slice, whole } from "../gpu/buffer.ts";
import type { Device } from "../gpu/device.ts";
import { bytesOf, describe, type Value } from "./graph.ts";

/** The states of some programs by name, freed with whoever made them. */
export class Resources implements Disposable {
  readonly #states = new Map<string, GPUBuffer>();

  constructor(readonly device: Device) {}

  /** Bytes on the device. */
  get bytes(): number {
    return this.#states.values().reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * The buffer of a state, made, all zero, when first asked for.
   *
   * @throws {RangeError} where another program has made it smaller.
   */
  find(state: Value): Slice {
    const found = this.#states.get(state.name);
    const buffer = found ?? createBuffer(this.device, bytesOf(state), state.name);
    this.#states.set(state.name, buffer);
    if (buffer.size >= bytesOf(state)) return whole(buffer);
    throw new RangeError(
      `${describe(state)} takes ${bytesOf(state)} bytes, found ${buffer.size} made for it`,
    );
  }

  [Symbol.dispose](): void {
    for (const buffer of this.#states.values()) destroyBuffer(this.device, buffer);
    this.#states.clear();
  }
}
