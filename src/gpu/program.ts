/**
 * Programs: a list of dispatches recorded once and replayed in one submit.
 *
 * @module
 */
import { GpuError } from "../errors.ts";
import { read, type Slice, whole } from "./buffer.ts";
import type { Device } from "./device.ts";
import type { Constants, Kernel, Pipelines } from "./kernel.ts";
import { Pace } from "./pace.ts";
import { Sentinels } from "./sentinels.ts";
import { copyToTexels, type Texels } from "./texture.ts";

/** The largest number of workgroups along one axis on every adapter. */
const MAX_GROUPS = 65_535;

/** What is copied to a texture for kernels that read it there. */
export interface Copy {
  readonly from: Slice;
  readonly to: Texels;
  /** As of the dispatches that read it. */
  readonly gate?: number;
}

/** One kernel at work on slices of buffers, some of them read through textures. */
export interface Dispatch {
  /** What the dispatch makes, for `--print-plan` and profiles. */
  readonly label: string;
  /** Which part of a model it belongs to, where that is known. */
  readonly place?: string | undefined;
  readonly kernel: Kernel;
  readonly constants: Constants;
  /** Group 0, in binding order. */
  readonly bind: readonly (Slice | Texels)[];
  /** Group 1, in binding order: what imported pieces declare; undefined for what none does. */
  readonly weight: readonly (Slice | Texels | undefined)[];
  /** Group 2: what binding 0 held before. */
  readonly before?: Slice | Texels | undefined;
  /** Copied before it; a pass ends here. */
  readonly copies?: readonly Copy[];
  readonly groups: readonly [number, number?];
  /** Left out of a replay that opens fewer gates than this number plus one. */
  readonly gate?: number;
}

interface Recorded extends Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly groups0: GPUBindGroup;
  readonly groups1: GPUBindGroup | null;
  readonly groups2: GPUBindGroup | null;
}

/** What a {@link Program.replay} may add. */
export interface ReplayOptions {
  /** How many gates are open; all by default. */
  gates?: number;
  /** Called with the encoder after the pass, for copies of what the pass made. */
  after?: (encoder: GPUCommandEncoder) => void;
}

/** A dispatch's label and its time on the GPU in milliseconds. */
export interface Timing {
  readonly label: string;
  readonly kernel: string;
  readonly ms: number;
}

/** Folds a one-dimensional grid of `count` workgroups into two dimensions. */
export function grid(count: number): [number, number] {
  const x = Math.min(count, MAX_GROUPS);
  return [x, Math.ceil(count / x)];
}

/** Dispatches with their pipelines and bind groups, made once. */
export class Program {
  readonly #pace: Pace;

  private constructor(private readonly device: Device, private readonly list: Recorded[]) {
    this.#pace = new Pace(device.isWatched);
  }

  /**
   * Compiles every kernel and binds every slice.
   *
   * @throws {GpuError} where a kernel does not compile or a binding does not fit it.
   */
  static async record(
    device: Device,
    pipelines: Pipelines,
    dispatches: readonly Dispatch[],
  ): Promise<Program> {
    const compiled = await pipelines.all(dispatches);
    device.gpu.pushErrorScope("validation");
    const list = dispatches.map((dispatch, i) => bind(device, dispatch, compiled[i]!));
    const invalid = await device.gpu.popErrorScope();
    if (invalid) throw new GpuError(`A binding does not fit its kernel: ${invalid.message}`);
    device.check();
    device.precompiler?.take(dispatches);
    return new Program(device, list);
  }

  get length(): number {
    return this.list.length;
  }

  /** Names of the kernels that it dispatches. */
  get kernels(): ReadonlySet<string> {
    return new Set(this.list.map(({ kernel }) => kernel.name));
  }

  /**
   * Submits the whole list and returns without waiting: at once, or in several submits where it would
   * take too long for a watchdog.
   */
  replay({ gates = Infinity, after }: ReplayOptions = {}): void {
    const list = [...this.#open(gates)];
    const { queue } = this.device.gpu;
    const { perSubmit } = this.#pace;
    for (let from = 0; from === 0 || from < list.length; from += perSubmit) {
      const isLast = from + perSubmit >= list.length;
      const encoder = this.device.gpu.createCommandEncoder();
      encodeAll(encoder, list.slice(from, from + perSubmit));
      if (isLast) after?.(encoder);
      queue.submit([encoder.finish()]);
      this.#pace.measure(queue, from === 0, isLast);
    }
    this.device.check();
  }

  /**
   * Replays with a look at what each dispatch has written: the first that left a number which is NaN
   * or infinite, null where none has. What the program writes is cleared before.
   */
  async firstNonFinite(pipelines: Pipelines, gates = Infinity): Promise<Dispatch | null> {
    const list = [...this.#open(gates)];
    const dispatches = list.map(({ dispatch }) => dispatch);
    const sentinels = await Sentinels.of(this.device, pipelines, dispatches);
    const { gpu } = this.device;
    const perSubmit = Math.ceil(this.#pace.perSubmit / 2); // a look takes time too
    for (let from = 0; from < list.length; from += perSubmit) {
      const encoder = gpu.createCommandEncoder();
      for (const [i, { dispatch, copies }] of list.slice(from, from + perSubmit).entries()) {
        for (const { from, to } of copies) copyToTexels(encoder, from, to);
        const pass = encoder.beginComputePass();
        encode(pass, dispatch);
        sentinels.look(pass, from + i);
        pass.end();
      }
      gpu.queue.submit([encoder.finish()]);
    }
    return dispatches[await sentinels.first()] ?? null;
  }

  /**
   * Replays with a pass and two timestamps a dispatch: slower, for profiles only.
   *
   * @throws {RangeError} where the adapter has no `timestamp-query`.
   */
  async profile(gates = Infinity): Promise<Timing[]> {
    const { gpu } = this.device;
    if (!this.device.has("timestamp-query")) throw new RangeError("The adapter keeps no time");
    const list = [...this.#open(gates)];
    const times: Timing[] = [];
    for (let from = 0; from < list.length; from += 1024) { // a query set holds 4096 at most
      const part = list.slice(from, from + 1024);
      const querySet = gpu.createQuerySet({ type: "timestamp", count: 2 * part.length });
      const encoder = gpu.createCommandEncoder();
      for (const [i, { dispatch, copies }] of part.entries()) {
        for (const { from, to } of copies) copyToTexels(encoder, from, to);
        const pass = encoder.beginComputePass({
          timestampWrites: {
            querySet,
            beginningOfPassWriteIndex: 2 * i,
            endOfPassWriteIndex: 2 * i + 1,
          },
        });
        encode(pass, dispatch);
        pass.end();
      }
      const resolved = gpu.createBuffer({
        size: 16 * part.length,
        usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
      });
      encoder.resolveQuerySet(querySet, 0, 2 * part.length, resolved, 0);
      gpu.queue.submit([encoder.finish()]);
      const ticks = new BigUint64Array((await read(this.device, whole(resolved))).buffer);
      resolved.destroy();
      querySet.destroy();
      for (const [i, { dispatch: { label, kernel } }] of part.entries()) {
        times.push({
          label,
          kernel: kernel.name,
          ms: Number(ticks[2 * i + 1]! - ticks[2 * i]!) / 1e6,
        });
      }
    }
    return times;
  }

  /** The dispatches behind open gates, each with what is copied before it. */
  *#open(gates: number): Generator<Opened> {
    let copies: Copy[] = [];
    for (const dispatch of this.list) {
      for (const copy of dispatch.copies ?? []) if (isOpen(copy, gates)) copies.push(copy);
      if (!isOpen(dispatch, gates)) continue;
      yield { dispatch, copies };
      copies = [];
    }
  }
}

/** A dispatch of a replay, with what is copied before it. */
interface Opened {
  readonly dispatch: Recorded;
  readonly copies: readonly Copy[];
}

/** Encodes dispatches in as few passes as copies between them allow. */
function encodeAll(encoder: GPUCommandEncoder, list: readonly Opened[]): void {
  let pass: GPUComputePassEncoder | null = null;
  for (const { dispatch, copies } of list) {
    if (copies.length > 0) {
      pass?.end();
      pass = null;
      for (const { from, to } of copies) copyToTexels(encoder, from, to);
    }
    pass ??= encoder.beginComputePass();
    encode(pass, dispatch);
  }
  pass?.end();
}

const isOpen = ({ gate = -1 }: Dispatch | Copy, gates: number): boolean => gate < gates;

function encode(pass: GPUComputePassEncoder, dispatch: Recorded): void {
  pass.setPipeline(dispatch.pipeline);
  pass.setBindGroup(0, dispatch.groups0);
  if (dispatch.groups1) pass.setBindGroup(1, dispatch.groups1);
  if (dispatch.groups2) pass.setBindGroup(2, dispatch.groups2);
  pass.dispatchWorkgroups(...dispatch.groups);
}

function bind(device: Device, dispatch: Dispatch, pipeline: GPUComputePipeline): Recorded {
  const { bind, weight, before, label } = dispatch;
  const groups0 = bindGroup(device, pipeline, 0, bind, label);
  const groups1 = weight.some(Boolean) ? bindGroup(device, pipeline, 1, weight, label) : null;
  const groups2 = before ? bindGroup(device, pipeline, 2, [before], label) : null;
  return { ...dispatch, pipeline, groups0, groups1, groups2 };
}

function bindGroup(
  device: Device,
  pipeline: GPUComputePipeline,
  group: number,
  bound: readonly (Slice | Texels | undefined)[],
  label: string,
): GPUBindGroup {
  return device.gpu.createBindGroup({
    label,
    layout: pipeline.getBindGroupLayout(group),
    entries: bound.flatMap((memory, binding) => {
      return memory ? [{ binding, resource: "view" in memory ? memory.view : { ...memory } }] : [];
    }),
  });
}
