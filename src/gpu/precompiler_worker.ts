/**
 * Has the driver compile kernels into its cache on disk, on a thread and a device of its own: see
 * `precompiler.ts`.
 *
 * @module
 */
import {
  BUSY,
  ENDED,
  type StandIn,
  STOP,
  type ToCompile,
  type WorkerDevice,
} from "./precompiler.ts";

/** Milliseconds without work after which the worker ends, for it and its device take 170 MiB. */
const IDLE = 2000;

let told: WorkerDevice | null = null;
let opened: Promise<GPUDevice> | null = null;
let ending: ReturnType<typeof setTimeout> | undefined;

addEventListener("message", (event: Event) => {
  const { data } = event as MessageEvent<WorkerDevice | readonly ToCompile[]>;
  if ("state" in data) opened = open(told = data);
  else void compileAll(data);
});

async function open({ requiredFeatures, requiredLimits }: WorkerDevice): Promise<GPUDevice> {
  const adapter = await navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
  const device = await adapter!.requestDevice({
    requiredFeatures: [...requiredFeatures],
    requiredLimits: { ...requiredLimits },
  });
  device.addEventListener("uncapturederror", (event) => event.preventDefault());
  return device;
}

/** One after another, so that stopping takes no longer than one. */
async function compileAll(wanted: readonly ToCompile[]): Promise<void> {
  const { state } = told!;
  clearTimeout(ending);
  const device = await opened!;
  for (const one of wanted) {
    if (Atomics.load(state, STOP) === 1) return;
    Atomics.store(state, BUSY, 1);
    try {
      compile(device, one);
    } catch {
      // the device itself says what is wrong with a kernel
    } finally {
      Atomics.store(state, BUSY, 0);
      Atomics.notify(state, BUSY);
    }
  }
  clearTimeout(ending);
  ending = setTimeout(() => {
    Atomics.store(state, ENDED, 1);
    device.destroy();
    close();
  }, IDLE);
}

/** Dispatches a kernel over no workgroups, and waits in the call until that is done. */
function compile(device: GPUDevice, { code, constants, groups }: ToCompile): void {
  const pipeline = device.createComputePipeline({
    layout: "auto",
    compute: { module: device.createShaderModule({ code }), entryPoint: "main", constants },
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  for (const [group, standIns] of groups.entries()) {
    if (standIns.length === 0) continue;
    const layout = pipeline.getBindGroupLayout(group);
    const entries = standIns.map((standIn) => {
      return { binding: standIn.binding, resource: resourceOf(device, standIn, group) };
    });
    pass.setBindGroup(group, device.createBindGroup({ layout, entries }));
  }
  pass.dispatchWorkgroups(0);
  pass.end();
  device.queue.submit([encoder.finish()]);
  device.queue.onSubmittedWorkDone().catch(() => {});
}

/** As many as any struct of a kernel takes. */
const BUFFER_BYTES = 64 << 10;

const resources = new Map<string, GPUBindingResource>();

/** Each binding has its own, since a buffer may not be read-only and writable in one dispatch. */
function resourceOf(device: GPUDevice, standIn: StandIn, group: number): GPUBindingResource {
  return resources.getOrInsertComputed(JSON.stringify([group, standIn]), () => {
    if (!standIn.format) {
      const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.UNIFORM;
      return { buffer: device.createBuffer({ size: BUFFER_BYTES, usage }) };
    }
    const { format, width, height } = standIn;
    const usage = GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST;
    return device.createTexture({ size: [width, height], format, usage }).createView();
  });
}
