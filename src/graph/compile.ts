/**
 * Compilation: a planned graph becomes a program, with every buffer bound once.
 *
 * @module
 */
import { createBuffer, destroyBuffer, read, type Slice, upload, whole } from "../gpu/buffer.ts";
import type { Device } from "../gpu/device.ts";
import { Pipelines } from "../gpu/kernel.ts";
import { Program } from "../gpu/program.ts";
import { copyNow, createTexels, destroyTexels, type Texels } from "../gpu/texture.ts";
import { Binder } from "./bind.ts";
import {
  bytesOf,
  type Call,
  describe,
  Graph,
  type Named,
  type Target,
  type Value,
} from "./graph.ts";
import { type Plan, plan } from "./plan.ts";
import { type Contents, Resources } from "./resources.ts";
import { isFlat, Store } from "./store.ts";
import { planTwins } from "./twins.ts";
import { heed } from "../stop.ts";

/** What programs of one model share. */
export interface Engine {
  readonly device: Device;
  readonly pipelines: Pipelines;
  readonly store: Store;
}

/** An engine with a store of its own; pipelines are the device's. */
export function openEngine(device: Device): Engine {
  return { device, pipelines: Pipelines.of(device), store: new Store(device) };
}

/** Bytes of guard behind each buffer, and what fills them: NaN, which also shows stray reads. */
const GUARD_BYTES = 256;
const GUARD = 0xff;

export interface CompileOptions {
  /** Puts a guard behind every temporary value; {@link Compiled.strayWrites} finds what hit it. */
  guarded?: boolean;
  /** The plan, where there is one already. */
  plan?: Plan;
  /** States that it shares with other programs; by default it has its own, freed with it. */
  resources?: Resources | undefined;
  /** Weights that are computed, not loaded: they lie beside the states. */
  tables?: ReadonlyMap<string, Contents>;
}

/** A graph on the device: write its inputs, replay it, read its outputs. */
export class Compiled {
  constructor(
    readonly engine: Engine,
    readonly plan: Plan,
    readonly program: Program,
    private readonly inputs: ReadonlyMap<string, Slice>,
    private readonly outputs: ReadonlyMap<string, Slice>,
    private readonly owned: readonly GPUBuffer[],
    private readonly textures: readonly Texels[],
    /** What it keeps from one replay to the next, beside the store. */
    readonly resources: Resources,
    private readonly ownsResources: boolean,
  ) {}

  /**
   * Fills an input before a replay; what lies beyond `data` keeps its contents.
   *
   * @throws {RangeError} for an unknown input or more data than it holds.
   */
  write(name: string, data: Uint32Array | Float32Array): void {
    upload(this.engine.device, this.#get(this.inputs, "input", name), data);
  }

  /** Temporary buffers of a guarded program whose guard was written to, described. */
  async strayWrites(): Promise<string[]> {
    const stray: string[] = [];
    for (const [slot, bytes] of this.plan.slots.entries()) {
      const buffer = this.owned[slot]!;
      const guard = await read(this.engine.device, { buffer, offset: bytes, size: GUARD_BYTES });
      if (guard.every((byte) => byte === GUARD)) continue;
      const value = [...this.plan.slotOf].find(([, s]) => s === slot)![0];
      stray.push(describe(value));
    }
    return stray;
  }

  /** Where an output lies after a replay. */
  output(name: string): Slice {
    return this.#get(this.outputs, "output", name);
  }

  destroy(): void {
    for (const buffer of this.owned) destroyBuffer(this.engine.device, buffer);
    for (const texels of this.textures) destroyTexels(this.engine.device, texels);
    if (this.ownsResources) this.resources[Symbol.dispose]();
  }

  #get(slices: ReadonlyMap<string, Slice>, what: string, name: string): Slice {
    const slice = slices.get(name);
    if (!slice) throw new RangeError(`The program has no ${what} ${name}`);
    return slice;
  }
}

/** What ops may know of a device. */
export const targetOf = (
  { kernelSet, matrixReads, sharesLoads, tuned, limits, maxWords }: Device,
): Target => ({
  kernelSet,
  matrixReads,
  sharesLoads,
  tuned,
  maxBinding: limits.maxStorageBufferBindingSize,
  maxWords,
});

/** A graph whose ops may know of the device when they are built. */
export const graphFor = ({ kernelSet, limits, maxWords }: Device): Graph =>
  new Graph(kernelSet, Math.min(limits.maxStorageBufferBindingSize, maxWords));

/** Plans the graph, allocates what it needs beside the store, and records it. */
export async function compile(
  engine: Engine,
  graph: Graph,
  options: CompileOptions = {},
): Promise<Compiled> {
  heed();
  const { guarded = false, plan: planned = plan(graph, { share: !guarded }), tables } = options;
  const { device, pipelines, store } = engine;
  const target = targetOf(device);
  const resources = options.resources ?? new Resources(device);
  const guard = guarded ? GUARD_BYTES : 0;
  const slots = planned.slots.map((bytes, i) => createBuffer(device, bytes + guard, `slot ${i}`));
  if (guarded) { for (const buffer of slots) fillWithGuard(device, buffer); }
  const inputs = new Map<string, Slice>();
  for (const value of graph.values.filter(({ kind }) => kind === "input")) {
    inputs.set(value.name, whole(createBuffer(device, bytesOf(value), value.name)));
  }
  const sliceOf = (value: Value): Slice => {
    const slot = planned.slotOf.get(value);
    if (slot !== undefined) {
      return { buffer: slots[slot]!, offset: 0, size: bytesOf(value) + guard };
    }
    const home = planned.homeOf.get(value) ?? value;
    const table = tables?.get(home.name);
    if (table || (home.kind === "state" && !isFlat(home.name))) return resources.find(home, table);
    return inputs.get(home.name) ?? store.find(home);
  };
  const blocks = blocksOf(planned.calls);
  const labelled = planned.calls.flatMap((call) =>
    call.op.launches(call, target).map((launch) => {
      return { ...launch, label: label(call), place: place(call, blocks) };
    })
  );
  const twins = planTwins(labelled, planned, target, guard);
  const textures = twins.slots.map(({ bytes, format }) =>
    createTexels(device, bytes, format, "twin")
  );
  const binder = new Binder({ store, target, twins, textures, slots, sliceOf });
  const program = await Program.record(device, pipelines, binder.dispatches(labelled));
  copyNow(device, binder.frozen);
  const outputs = new Map([...graph.outputs].map(([name, value]) => {
    return [name, { ...sliceOf(value), size: bytesOf(value) }];
  }));
  const owned = [...slots, ...[...inputs.values()].map(({ buffer }) => buffer)];
  return new Compiled(
    engine,
    planned,
    program,
    inputs,
    outputs,
    owned,
    textures,
    resources,
    !options.resources,
  );
}

/** The guard, and what a value holds before anything is written to it. */
function fillWithGuard(device: Device, buffer: GPUBuffer): void {
  upload(device, whole(buffer), new Uint8Array(buffer.size).fill(GUARD));
}

/** The block of layers that each value is made in; gradients are of that whose values they read. */
function blocksOf(calls: readonly Call[]): ReadonlyMap<Value, number> {
  const blocks = new Map<Value, number>();
  for (const { ins, outs, block } of calls) {
    const read = Object.values(ins as Named).map((value) => value && blocks.get(value));
    const known = block ?? Math.max(...read.map((block) => block ?? -1));
    if (known >= 0) { for (const value of Object.values(outs as Named)) blocks.set(value!, known); }
  }
  return blocks;
}

/** The tensors of the model that a call works with, or else the block of layers that it is in. */
function place({ ins, outs }: Call, blocks: ReadonlyMap<Value, number>): string | undefined {
  const isTensor = (value: Value | undefined) =>
    value?.kind === "weight" || value?.kind === "param";
  const tensors = Object.values(ins as Named).filter(isTensor).map((value) => value!.name);
  if (tensors.length > 0) return tensors.join(", ");
  const block = Object.values(outs as Named).map((value) => blocks.get(value!))[0];
  return block === undefined ? undefined : `layer ${block}`;
}

function label({ op, outs }: Call): string {
  return `${op.name} ${Object.values(outs as Named).map((value) => describe(value!)).join(", ")}`;
}
