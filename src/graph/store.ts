/**
 * The store: buffers that outlive programs. Frozen weights, and trained params in one flat buffer
 * with one each for gradient and sum, and what the optimiser keeps.
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
import { createTexels, destroyTexels, type TexelParts, type Texels } from "../gpu/texture.ts";
import { bytesOf, describe, type Layout, partsOf, rowsOf, type Value } from "./graph.ts";

/** Names of what an optimiser may keep from update to update, and what averages of ranks do. */
const MOMENTS = ["m", "v", "codes", "scales", "outer"] as const;

/** A buffer that an optimiser keeps from update to update, zero at first. */
export interface Moment {
  readonly name: typeof MOMENTS[number];
  /** How many, of four bytes each. */
  readonly numbers: number;
  readonly type: "f32" | "u32";
}

/** Moments of a number for each that is trained. */
export const plainMoments = (names: readonly Moment["name"][], numbers: number): Moment[] =>
  names.map((name) => ({ name, numbers, type: "f32" }));

/** The flat buffers; the params' goes on where the others end, with what is held. */
export const FLAT = ["params", "gradients", "sums", ...MOMENTS] as const;
export type Flat = typeof FLAT[number];

/** Whether a state of that name is a flat buffer. */
export const isFlat = (name: string): name is Flat => (FLAT as readonly string[]).includes(name);

/** Where a param lies in the flat buffers, in bytes. */
export interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  /** The shape without what only fills it up. */
  readonly used: readonly number[];
  readonly layout: Layout;
  readonly offset: number;
  readonly size: number;
  /** Whether it keeps what it began with. */
  readonly isHeld: boolean;
}

/** What a param takes of a flat buffer. */
const alignedBytes = (param: Value): number =>
  Math.ceil(bytesOf(param) / SLICE_ALIGNMENT) * SLICE_ALIGNMENT;

const totalBytes = (params: readonly Value[]): number =>
  params.reduce((sum, param) => sum + alignedBytes(param), 0);

const trainedOf = (params: readonly Value[]): Value[] => params.filter(({ needs }) => needs);

/** Bytes of a flat buffer of gradients: what is held has none. */
export const trainedBytes = (params: readonly Value[]): number => totalBytes(trainedOf(params));

/** Where params lie, 256-byte aligned and held ones last. */
export function placesOf(params: readonly Value[]): Place[] {
  let offset = 0;
  return [...trainedOf(params), ...params.filter(({ needs }) => !needs)].map((param) => {
    const { name, shape, used = shape, layout, needs } = param;
    const place = { name, shape, used, layout, offset, size: bytesOf(param), isHeld: !needs };
    offset += alignedBytes(param);
    return place;
  });
}

/** Bytes of all flat buffers of some params. */
export const flatBytes = (params: readonly Value[], moments: readonly Moment[]): number =>
  totalBytes(params) + 2 * trainedBytes(params) +
  moments.reduce((sum, { numbers }) => sum + 4 * numbers, 0);

/** Buffers by name, shared by every program of one model. */
export class Store {
  readonly #weights = new Map<string, GPUBuffer>();
  /** Frozen matrices in blocks, where kernels read them through textures. */
  readonly #textures = new Map<string, TexelParts>();
  readonly #places = new Map<string, Place>();
  readonly #flat = new Map<Flat, GPUBuffer>();
  #moments: readonly Moment[] = [];

  /** @param base Whose frozen weights it has too, and keeps those it adds; by default its own. */
  constructor(readonly device: Device, private readonly base?: Store) {}

  /** A store of other params over the same weights, which stay this one's. */
  beside(): Store {
    return new Store(this.device, this.base ?? this);
  }

  get paramNames(): string[] {
    return [...this.#places.keys()];
  }

  /** The flat buffers that are the optimiser's. */
  get moments(): readonly Moment[] {
    return this.#moments;
  }

  /** Bytes on the device. */
  get bytes(): number {
    const buffers = [...this.#weights.values(), ...this.#flat.values()];
    return buffers.reduce((sum, { size }) => sum + size, 0);
  }

  hasWeight(name: string): boolean {
    return this.#weights.has(name) || this.#textures.has(name) ||
      (this.base?.hasWeight(name) ?? false);
  }

  /** Makes the memory of a frozen tensor; `upload` it in pieces afterwards. */
  addWeight(value: Value): Slice | TexelParts {
    if (this.base) return this.base.addWeight(value);
    if (value.layout === "blocks" && this.device.matrixReads === "texture") {
      const parts = partsOf(value, this.device.maxWords).map((rows) => {
        const { offset, size } = rowsOf(value, rows);
        return { offset, size, texels: createTexels(this.device, size, "rgba32uint", value.name) };
      });
      this.#textures.set(value.name, { parts });
      return { parts };
    }
    const buffer = createBuffer(this.device, bytesOf(value), value.name);
    this.#weights.set(value.name, buffer);
    return whole(buffer);
  }

  /** Lays the params out and makes the flat buffers, all zero. */
  addParams(
    params: readonly Value[],
    moments: readonly Moment[] = plainMoments(["m", "v"], trainedBytes(params) / 4),
  ): void {
    if (this.#places.size > 0) throw new RangeError("The store holds params already");
    for (const place of placesOf(params)) this.#places.set(place.name, place);
    this.#moments = moments;
    const add = (name: Flat, bytes: number) =>
      this.#flat.set(name, createBuffer(this.device, bytes, name));
    add("params", totalBytes(params));
    for (const name of ["gradients", "sums"] as const) add(name, trainedBytes(params));
    for (const { name, numbers } of moments) add(name, 4 * numbers);
  }

  /** A flat buffer as a whole. */
  flat(name: Flat): Slice {
    const buffer = this.#flat.get(name);
    if (!buffer) throw new RangeError("The store holds no params yet");
    return whole(buffer);
  }

  /** One param's part of a flat buffer. */
  param(name: string, flat: Flat = "params"): Slice {
    const { offset, size } = this.#place(name);
    return { offset, size, buffer: this.#flat.get(flat)! };
  }

  /** Where the params lie. */
  get places(): Place[] {
    return [...this.#places.values()];
  }

  #place(name: string): Place {
    const place = this.#places.get(name);
    if (place) return place;
    throw new RangeError(`The store holds no param ${name}`);
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
    if (this.base && value.kind === "weight") return this.base.find(value);
    const buffer = this.#weights.get(value.name);
    if (!buffer) throw new RangeError(`The store holds no ${value.kind} ${value.name}`);
    return whole(buffer);
  }

  /**
   * The texture of a frozen matrix in blocks, or of one of its parts.
   *
   * @throws {RangeError} for a range that no texture holds alone.
   */
  texels(value: Value, { offset, size }: { offset: number; size: number }): Texels {
    if (this.base) return this.base.texels(value, { offset, size });
    const parts = this.#textures.get(value.name)?.parts ?? [];
    const part = parts.find((part) => part.offset === offset && part.size === size);
    if (part) return part.texels;
    throw new RangeError(
      `${describe(value)} is read from byte ${offset} to ${offset + size}, the store holds ${
        parts.length === 0 ? "no textures of it" : `it in textures of ${parts[0]!.size} bytes`
      }`,
    );
  }

  destroy(): void {
    for (const { parts } of this.#textures.values()) {
      for (const { texels } of parts) destroyTexels(this.device, texels);
    }
    const buffers = [this.#weights, this.#flat].flatMap((map) => [...map.values()]);
    for (const buffer of buffers) destroyBuffer(this.device, buffer);
  }
}
