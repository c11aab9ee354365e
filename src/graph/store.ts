/**
 * The store: buffers that outlive programs. Frozen weights, and trained params in one flat buffer
 * with one each for gradient, sum and moments.
 *
 * @module
 */
import {
  createBuffer,
  destroyBuffer,
  readFloats,
  type Slice,
  SLICE_ALIGNMENT,
  upload,
  whole,
} from "../gpu/buffer.ts";
import type { Device } from "../gpu/device.ts";
import { bytesOf, type Value } from "./graph.ts";

/** The flat buffers beside the params; all have the same layout. */
export const FLAT = ["params", "gradients", "sums", "m", "v"] as const;
export type Flat = typeof FLAT[number];

/** Whether a state of that name is a flat buffer. */
export const isFlat = (name: string): name is Flat => (FLAT as readonly string[]).includes(name);

/** Where a param lies in the flat buffers. */
interface Place {
  readonly offset: number;
  readonly size: number;
}

/** Buffers by name, shared by every program of one model. */
export class Store {
  readonly #weights = new Map<string, GPUBuffer>();
  readonly #places = new Map<string, Place>();
  readonly #flat = new Map<Flat, GPUBuffer>();
  /** Bytes of one flat buffer. */
  #flatBytes = 0;

  constructor(readonly device: Device) {}

  get paramNames(): string[] {
    return [...this.#places.keys()];
  }

  /** Bytes on the device. */
  get bytes(): number {
    const buffers = [...this.#weights.values(), ...this.#flat.values()];
    return buffers.reduce((sum, { size }) => sum + size, 0);
  }

  hasWeight(name: string): boolean {
    return this.#weights.has(name);
  }

  /** Makes the buffer of a frozen tensor; `upload` it in pieces afterwards. */
  addWeight(value: Value): Slice {
    const buffer = createBuffer(this.device, bytesOf(value), value.name);
    this.#weights.set(value.name, buffer);
    return whole(buffer);
  }

  /** Lays the params out, 256-byte aligned, and makes the flat buffers, all zero. */
  addParams(params: readonly Value[]): void {
    if (this.#places.size > 0) throw new RangeError("The store holds params already");
    for (const param of params) {
      const size = bytesOf(param);
      this.#places.set(param.name, { offset: this.#flatBytes, size });
      this.#flatBytes += Math.ceil(size / SLICE_ALIGNMENT) * SLICE_ALIGNMENT;
    }
    for (const name of FLAT) {
      this.#flat.set(name, createBuffer(this.device, this.#flatBytes, name));
    }
  }

  /** A flat buffer as a whole. */
  flat(name: Flat): Slice {
    const buffer = this.#flat.get(name);
    if (!buffer) throw new RangeError("The store holds no params yet");
    return { buffer, offset: 0, size: this.#flatBytes };
  }

  /** One param's part of a flat buffer. */
  param(name: string, flat: Flat = "params"): Slice {
    const place = this.#places.get(name);
    if (!place) throw new RangeError(`The store holds no param ${name}`);
    return { ...place, buffer: this.#flat.get(flat)! };
  }

  writeParam(name: string, values: Float32Array, flat: Flat = "params"): void {
    upload(this.device, this.param(name, flat), values);
  }

  readParam(name: string, flat: Flat = "params"): Promise<Float32Array<ArrayBuffer>> {
    return readFloats(this.device, this.param(name, flat));
  }

  /** The buffer of a weight, a param, its gradient, or of a state by the name of a flat buffer. */
  find(value: Value): Slice {
    if (value.kind === "param") return this.param(value.name);
    if (value.kind === "gradient") return this.param(value.name, "gradients");
    if (value.kind === "state" && isFlat(value.name)) return this.flat(value.name);
    const buffer = this.#weights.get(value.name);
    if (!buffer) throw new RangeError(`The store holds no ${value.kind} ${value.name}`);
    return whole(buffer);
  }

  destroy(): void {
    const buffers = [this.#weights, this.#flat].flatMap((map) => [...map.values()]);
    for (const buffer of buffers) destroyBuffer(this.device, buffer);
  }
}
