/**
 * Kernels compiled on a second core. Mesa's software Vulkan compiles a kernel when it is dispatched
 * first, on the one thread of a device's queue, and keeps the machine code in its cache on disk. A
 * worker with a device of its own dispatches what was recorded over no workgroups, the last kernel
 * first, so that the device finds from the middle on what the worker has compiled.
 *
 * @module
 */
import type { Slice } from "./buffer.ts";
import type { Device } from "./device.ts";
import { numbersOf, resolve } from "./kernel.ts";
import type { Dispatch } from "./program.ts";
import type { Texels } from "./texture.ts";

/** What stands for what a kernel is bound to: the compiler sees no more of it. */
export type StandIn =
  | { readonly binding: number; readonly format?: undefined }
  | {
    readonly binding: number;
    readonly format: GPUTextureFormat;
    readonly width: number;
    readonly height: number;
  };

/** A kernel to compile, with stand-ins for its groups. */
export interface ToCompile {
  readonly code: string;
  readonly constants: Readonly<Record<string, number>>;
  readonly groups: readonly (readonly StandIn[])[];
}

/** What the worker is told first. */
export interface WorkerDevice {
  readonly requiredFeatures: readonly GPUFeatureName[];
  readonly requiredLimits: Readonly<Record<string, number>>;
  /**
   * At {@link STOP} whether it is to stop, at {@link BUSY} whether it is at work, at {@link ENDED}
   * whether it has ended by itself, having had nothing to do.
   */
  readonly state: Int32Array;
}

export const STOP = 0;
export const BUSY = 1;
export const ENDED = 2;

/** Milliseconds in which a kernel compiles at the latest: a process does not end meanwhile. */
const LONGEST = 10_000;

const PROGRAM = new URL("./precompiler_worker.ts", import.meta.url);

const isGranted = (wanted: Deno.PermissionDescriptor): boolean =>
  Deno.permissions.querySync(wanted).state === "granted";

/** Whether this process may read the worker's program. */
const mayBegin = (): boolean =>
  PROGRAM.protocol !== "file:" || isGranted({ name: "read", path: PROGRAM });

/** Whether a core has had nothing to do of late: else a worker only takes time from what is at work. */
export const hasIdleCore = (): boolean =>
  isGranted({ name: "sys", kind: "loadavg" }) &&
  Deno.loadavg()[0]! <= navigator.hardwareConcurrency - 1;

/** Compiles beside a device what is recorded for it. */
export class Precompiler {
  readonly #gpu: GPUDevice;
  #worker: Worker | null = null;
  readonly #state = new Int32Array(new SharedArrayBuffer(12));
  /** What has been sent. */
  readonly #known = new Set<string>();

  /** Gives a device of Deno's own WebGPU one where that is llvmpipe and there is a second core. */
  static attach(device: Device): void {
    const compilesLate = device.software && device.adapter.includes("llvmpipe") &&
      navigator.userAgent.startsWith("Deno");
    if (compilesLate && navigator.hardwareConcurrency > 1 && mayBegin()) {
      device.precompiler = new Precompiler(device.gpu);
    }
  }

  private constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
  }

  /** The worker; another where it has ended. What is sent as it ends is lost, and compiled late. */
  #begun(): Worker {
    if (this.#worker && Atomics.load(this.#state, ENDED) === 0) return this.#worker;
    Atomics.store(this.#state, ENDED, 0);
    const worker = new Worker(PROGRAM, { type: "module" });
    worker.onerror = (event) => event.preventDefault(); // all compiles without it too
    const { features, limits } = this.#gpu;
    const told: WorkerDevice = {
      requiredFeatures: [...features] as GPUFeatureName[],
      requiredLimits: limitsOf(limits),
      state: this.#state,
    };
    worker.postMessage(told);
    return this.#worker = worker;
  }

  /** Compiles what is new in some dispatches, the last first, without waiting. */
  take(dispatches: readonly Dispatch[]): void {
    const fresh: ToCompile[] = [];
    for (const dispatch of dispatches) {
      const wanted = toCompile(dispatch);
      const key = JSON.stringify([wanted.code, wanted.constants, variantOf(wanted)]);
      if (this.#known.has(key)) continue;
      this.#known.add(key);
      fresh.push(wanted);
    }
    if (fresh.length > 0) this.#begun().postMessage(fresh.reverse());
  }

  /** Ends the worker, once it has compiled what it is at. */
  close(): void {
    Atomics.store(this.#state, STOP, 1);
    Atomics.wait(this.#state, BUSY, 1, LONGEST);
    this.#worker?.terminate();
  }
}

/** The limits that a device has; those of WebGPU are on the prototype. */
function limitsOf(limits: GPUSupportedLimits): Record<string, number> {
  const found: Record<string, number> = {};
  for (const name in limits) {
    const value = limits[name as keyof GPUSupportedLimits];
    if (typeof value === "number") found[name] = value;
  }
  return found;
}

function toCompile({ kernel, constants, bind, weight, before }: Dispatch): ToCompile {
  const groups = [bind, weight.some(Boolean) ? weight : [], before ? [before] : []];
  return {
    code: resolve(kernel).code,
    constants: numbersOf(constants),
    groups: groups.map((bound) =>
      bound.flatMap((memory, binding) => memory ? [standInFor(memory, binding)] : [])
    ),
  };
}

/** llvmpipe compiles anew for another format, or where a side has become a power of two. */
function standInFor(memory: Slice | Texels, binding: number): StandIn {
  if (!("view" in memory)) return { binding };
  const { format, width, height } = memory.texture;
  return { binding, format, width, height: isPower(height) ? 1 : 3 };
}

const isPower = (n: number): boolean => (n & (n - 1)) === 0;

/** What llvmpipe sees of the stand-ins. */
const variantOf = ({ groups }: ToCompile) =>
  groups.map((standIns) =>
    standIns.map((standIn) => standIn.format ? [standIn.format, standIn.height] : [])
  );
