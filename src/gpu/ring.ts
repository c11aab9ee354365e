/**
 * Numbers that are read several steps after they were made.
 *
 * @module
 */
import { fetchBytes, type Slice, stagingBuffer, turn } from "./buffer.ts";
import type { Device } from "./device.ts";

/** What a {@link Ring} brought back: the floats that one step left, and the step's tag. */
export interface Arrival<Tag> {
  readonly tag: Tag;
  readonly values: Float32Array;
}

/** Steps whose numbers lie one after another in a staging buffer. */
interface Group<Tag> {
  readonly staging: GPUBuffer;
  /** A step's numbers lie from `from` to `to`, in bytes. */
  readonly steps: { readonly tag: Tag; readonly from: number; readonly to: number }[];
  /** Bytes loaded so far. */
  end: number;
}

/** Where the last step that was sent ends. */
const endOf = ({ steps }: Group<unknown>): number => steps.at(-1)?.to ?? 0;

/** How a ring gathers. */
export interface RingOptions {
  /** Steps that are mapped together at most. */
  readonly slots?: number;
  /** Milliseconds that a group is to take at most, for people who watch: it is cut to that. */
  readonly most?: number;
}

/** Two groups: one is loaded while the other is on its way. */
const GROUPS = 2;

/**
 * Gathers the numbers of many steps on the device and maps them together, so that steps are fed
 * while the device works on those before: in Deno mapping blocks until the device is idle.
 */
export class Ring<Tag> {
  readonly #device: Device;
  readonly #floats: number;
  readonly #slots: number;
  readonly #most: number;
  readonly #free: GPUBuffer[] = [];
  readonly #flying: Promise<void>[] = [];
  #made = 0;
  #group: Group<Tag> | null = null;
  /** Steps of a group that takes {@link RingOptions.most}. */
  #due: number;
  #landed = performance.now();
  #arrived: Arrival<Tag>[] = [];
  #fault: unknown = null;

  /** `floats` numbers a step at most. */
  constructor(device: Device, floats: number, { slots = 8, most = Infinity }: RingOptions = {}) {
    this.#device = device;
    this.#floats = floats;
    this.#slots = slots;
    this.#most = most;
    this.#due = most === Infinity ? slots : 1;
  }

  /** Waits only while every group is under way. */
  async freeSlot(): Promise<void> {
    if (this.#flying.length > 0) await turn();
    while (!this.#group && !this.#begin()) await this.#flying[0];
    this.#check();
  }

  #begin(): boolean {
    const isNew = this.#free.length === 0;
    if (isNew && this.#made === GROUPS) return false;
    if (isNew) this.#made++;
    const bytes = 4 * this.#floats * this.#slots;
    const staging = this.#free.pop() ?? stagingBuffer(this.#device, bytes);
    this.#group = { staging, steps: [], end: 0 };
    return true;
  }

  /**
   * Copies the slices, one after another; call before the encoder is finished.
   *
   * @throws {RangeError} where no slot is free, or a step loads more than it said.
   */
  load(encoder: GPUCommandEncoder, slices: readonly Slice[]): void {
    if (!this.#group && !this.#begin()) {
      throw new RangeError("Ring.load() needs a free slot; await freeSlot() first");
    }
    const group = this.#group!;
    const floats = slices.reduce((sum, { size }) => sum + size / 4, (group.end - endOf(group)) / 4);
    if (floats > this.#floats) {
      throw new RangeError(`Found ${floats} numbers of a step, wanted ${this.#floats} at most`);
    }
    for (const { buffer, offset, size } of slices) {
      encoder.copyBufferToBuffer(buffer, offset, group.staging, group.end, size);
      group.end += size;
    }
  }

  /** Ends what a step has loaded; call after the submit. */
  send(tag: Tag): void {
    const group = this.#group!;
    const { steps, end } = group;
    steps.push({ tag, from: endOf(group), to: end });
    if (steps.length >= this.#due) this.#map();
  }

  /** Sends the group on its way. */
  #map(): void {
    const group = this.#group;
    if (!group || group.steps.length === 0) return;
    this.#group = null;
    const flight = fetchBytes(this.#device, group.staging, group.end).then(
      (bytes) => this.#land(group, bytes),
      (fault) => void (this.#fault ??= fault),
    ).then(() => {
      this.#free.push(group.staging);
      this.#flying.splice(this.#flying.indexOf(flight), 1);
    });
    this.#flying.push(flight);
  }

  #land({ steps }: Group<Tag>, bytes: ArrayBuffer): void {
    for (const { tag, from, to } of steps) {
      this.#arrived.push({ tag, values: new Float32Array(bytes, from, (to - from) / 4) });
    }
    const now = performance.now();
    const fitting = Math.floor(steps.length * this.#most / (now - this.#landed));
    this.#due = Math.max(1, Math.min(this.#slots, fitting));
    this.#landed = now;
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

  /** What has arrived since the last call; where nothing has, all that was sent is waited for. */
  async next(): Promise<Arrival<Tag>[]> {
    if (this.#arrived.length === 0 && this.#flying.length === 0) this.#map();
    if (this.#arrived.length === 0) await this.#flying[0];
    return this.arrived();
  }

  /** Waits for everything that was sent and returns it. */
  async drain(): Promise<Arrival<Tag>[]> {
    this.#map();
    await Promise.all(this.#flying);
    return this.arrived();
  }

  #check(): void {
    if (this.#fault) throw this.#fault;
    this.#device.check();
  }

  destroy(): void {
    for (const staging of this.#free) staging.destroy();
    this.#group?.staging.destroy();
  }

  /** Waits for what is under way, whatever comes of it, and frees all. */
  async close(): Promise<void> {
    await Promise.all(this.#flying);
    this.destroy();
  }
}
