/**
 * The GPU device: adapter choice, raised limits, optional features, and errors that throw.
 *
 * @module
 */
import { DeviceLost, GpuError, OutOfMemory } from "../errors.ts";
import { describeAdapter } from "./adapters.ts";
import type { Precompiler } from "./precompiler.ts";
import { readsTextures } from "./reads.ts";
import { sharesLoads } from "./subgroups.ts";
import { ROW_BYTES } from "./texture.ts";

/**
 * Which family of kernels suits the adapter: `register` (one invocation owns a tile or a row, no
 * barriers: software Vulkan) or `shared` (tiles in workgroup memory, coalesced loads: real GPUs).
 */
export type KernelSet = "register" | "shared";

/**
 * Where kernels read matrices: storage buffers, or read-only storage textures that the data lies in
 * or is copied to. On software Vulkan a buffer's load takes up to 16 times as long as a texture's.
 */
export type MatrixReads = "buffer" | "texture";

/** A product of two matrices, c [m, n], as a kernel makes it. */
export interface Product {
  /** The name of the kernel. */
  readonly kernel: string;
  /** Rows of the result. */
  readonly m: number;
  /** Columns of the result. */
  readonly n: number;
  /** Products that are summed. */
  readonly k: number;
  /** How the right operand is stored. */
  readonly type: string;
  /** True where memory runs along k in the left operand. */
  readonly alongK: boolean;
  /** Parts of its sums that workgroups make apart; one by default. */
  readonly splits?: number;
}

/** The name of the tile that was measured to be fastest; undefined where none was. */
export type Tuned = (product: Product) => string | undefined;

/** Optional features; each is asked for and dropped when the adapter refuses it. */
const WANTED: readonly GPUFeatureName[] = ["timestamp-query", "shader-f16", "subgroups"];

/** Features that Deno grants without listing them. */
const UNLISTED: ReadonlySet<GPUFeatureName> = new Set(["subgroups"]);

/** Limits raised from WebGPU's defaults to what the adapter offers. */
const RAISED = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxTextureDimension2D",
] as const;

/** Milliseconds in which a device that is lost has said so. */
const NEWS_MS = 50;

/** An error that the GPU reported, in our words. */
function faultOf({ message, constructor: { name } }: GPUError): GpuError {
  if (name !== "GPUOutOfMemoryError") return new GpuError(message);
  return new OutOfMemory(`The GPU has no memory left${message === "" ? "" : ` (${message})`}`);
}

/** An open device. All folders above `gpu` reach WebGPU through it alone. */
export class Device {
  /** The first error that the GPU reported outside any scope, or the loss of the device. */
  #fault: GpuError | null = null;
  #closed = false;
  /** Bytes of live buffers and textures made by this folder. */
  allocated = 0;
  /** Whether a watchdog may take a long submit for a hang: programs then pace themselves. */
  isWatched: boolean;
  /** Where kernels read matrices; {@linkcode openDevice} sets it once. */
  matrixReads: MatrixReads = "buffer";
  /** Whether lanes hand round what one of them has loaded; {@linkcode openDevice} sets it once. */
  sharesLoads = false;
  /** What the tuner found; `src/tune` sets it. */
  tuned: Tuned = () => undefined;
  /**
   * Compiles beside it what is recorded for it; null where nothing would be gained.
   *
   * @internal
   */
  precompiler: Precompiler | null = null;

  /** Use {@linkcode openDevice}. */
  constructor(
    /** @internal */
    readonly gpu: GPUDevice,
    /** The adapter's own words, for people and logs. */
    readonly adapter: string,
    /** True for CPU rasterisers such as Mesa's llvmpipe or SwiftShader. */
    readonly software: boolean,
    /** The family of kernels that graphs are built for. */
    readonly kernelSet: KernelSet,
  ) {
    this.isWatched = !software;
    gpu.addEventListener("uncapturederror", (event) => {
      event.preventDefault();
      this.#fault ??= faultOf((event as GPUUncapturedErrorEvent).error);
    });
    gpu.lost.then(({ message }) => {
      if (this.#closed) return;
      const words = message === "" ? "" : ` (${message.replace(/[\s.]+/g, " ").trim()})`;
      this.#fault = new DeviceLost(`The GPU was lost${words}`); // all other faults follow from it
    });
  }

  /** What the device allows. */
  get limits(): GPUSupportedLimits {
    return this.gpu.limits;
  }

  /** The largest range of a matrix in 4x4 blocks that one binding may cover, in bytes. */
  get maxWords(): number {
    const { maxTextureDimension2D: rows, maxStorageBufferBindingSize } = this.limits;
    return this.matrixReads === "texture" ? ROW_BYTES * rows : maxStorageBufferBindingSize;
  }

  /** Whether an optional feature was granted. */
  has(feature: GPUFeatureName): boolean {
    return this.gpu.features.has(feature);
  }

  /** Throws the first error that the GPU has reported. WebGPU is silent about them by itself. */
  check(): void {
    if (this.#fault) throw this.#fault;
  }

  /**
   * What is behind a fault: where the device is lost or full, whatever touches it fails in words of
   * its own. Waits a moment for the news.
   */
  async behind(fault: unknown): Promise<unknown> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, NEWS_MS);
    await Promise.race([this.gpu.lost, promise]);
    clearTimeout(timer);
    const isOfDevice = this.#fault instanceof DeviceLost || this.#fault instanceof OutOfMemory;
    return isOfDevice ? this.#fault : fault;
  }

  /** Waits until all submitted work is done; in Deno this costs 10 ms at least. */
  async idle(): Promise<void> {
    await this.gpu.queue.onSubmittedWorkDone();
    this.check();
  }

  /** Gives the device and all its buffers back. */
  close(): void {
    this.#closed = true;
    this.precompiler?.close();
    this.precompiler = null;
    this.gpu.destroy();
  }

  /** Closes the device at the end of a `using` block. */
  [Symbol.dispose](): void {
    this.close();
  }
}

/** How to open a device. */
export interface DeviceOptions {
  /** Any provider of the WebGPU interface; Deno's own by default. */
  gpu?: GPU;
  /** Overrides the choice made from the adapter's name, for tests and measurements. */
  kernelSet?: KernelSet;
  /** Overrides the choice made by trying textures, for tests and measurements. */
  matrixReads?: MatrixReads;
  /** Overrides the choice made by trying subgroups, for tests and measurements. */
  sharesLoads?: boolean;
}

/**
 * Opens the fastest adapter with the highest limits that it offers: for several models, or for a WebGPU
 * of your own.
 *
 * @example
 * ```ts
 * import { loadModel, openDevice } from "@graft/lora";
 *
 * const device = await openDevice(); // { gpu } for another WebGPU than Deno's
 * using first = await loadModel("configs/quickstart/base", { device });
 * using second = await loadModel("configs/quickstart/base", { device, quantize: "q8_0" });
 * ```
 *
 * @throws {GpuError} where there is no adapter, or it refuses a device.
 */
export async function openDevice(options: DeviceOptions = {}): Promise<Device> {
  const gpu = options.gpu ?? (navigator.gpu as GPU | undefined);
  if (!gpu) {
    throw new GpuError(
      "Found no WebGPU, wanted one in navigator.gpu, such as npm's package webgpu",
    );
  }
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) {
    throw new GpuError(
      "Found no GPU adapter; install a Vulkan driver (Debian, Ubuntu: mesa-vulkan-drivers)",
    );
  }
  const { name, software } = describeAdapter(adapter);
  const kernelSet = options.kernelSet ?? (software ? "register" : "shared");
  const device = new Device(await requestDevice(adapter), name, software, kernelSet);
  const tryTextures = options.matrixReads === undefined && kernelSet === "register" && software;
  device.matrixReads = options.matrixReads ??
    (tryTextures && await readsTextures(device) ? "texture" : "buffer");
  device.sharesLoads = options.sharesLoads ??
    (device.matrixReads === "texture" && await sharesLoads(device));
  return device;
}

async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const requiredLimits = Object.fromEntries(RAISED.map((name) => [name, adapter.limits[name]]));
  const request = (requiredFeatures: GPUFeatureName[]) =>
    adapter.requestDevice({ requiredFeatures, requiredLimits });
  const wanted = WANTED.filter((name) => adapter.features.has(name) || UNLISTED.has(name));
  for (const features = wanted;; features.pop()) {
    try {
      return await request([...features]);
    } catch (cause) {
      if (features.length > 0) continue;
      throw new GpuError(`The adapter refuses a device: ${(cause as Error).message}`, { cause });
    }
  }
}
