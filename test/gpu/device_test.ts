import assert from "node:assert/strict";
import { GpuError } from "../../src/errors.ts";
import { createBuffer, read, whole } from "../../src/gpu/buffer.ts";
import { type Device, openDevice } from "../../src/gpu/device.ts";
import { Pipelines } from "../../src/gpu/kernel.ts";
import { Program } from "../../src/gpu/program.ts";
import { Ring } from "../../src/gpu/ring.ts";

/** A provider of WebGPU whose adapter may refuse what is asked of it. */
function provider(refuses: (features: string[]) => boolean): GPU {
  return {
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = (await navigator.gpu.requestAdapter(options))!;
      return {
        info: { vendor: "acme", device: "mk2", description: "" },
        limits: adapter.limits,
        features: adapter.features,
        requestDevice(wanted: GPUDeviceDescriptor) {
          if (refuses([...wanted.requiredFeatures!])) throw new TypeError("not today");
          return adapter.requestDevice(wanted);
        },
      } as unknown as GPUAdapter;
    },
  } as GPU;
}

Deno.test("no adapter is one clear error", async () => {
  const gpu = { requestAdapter: () => Promise.resolve(null) } as unknown as GPU;
  await assert.rejects(openDevice({ gpu }), {
    name: "GpuError",
    message: /^Found no GPU adapter; install a Vulkan driver/,
  });
});

Deno.test("openDevice() drops refused features, and reports what it opened", async () => {
  using device = await openDevice({ gpu: provider((features) => features.length > 0) });
  assert.ok(!device.has("timestamp-query") && !device.has("shader-f16"));
  assert.equal(device.adapter, "acme mk2");
  assert.deepEqual([device.software, device.kernelSet], [false, "shared"]);
});

Deno.test("an adapter that refuses every device is one clear error", async () => {
  await assert.rejects(openDevice({ gpu: provider(() => true) }), {
    name: "GpuError",
    message: "The adapter refuses a device: not today",
  });
});

Deno.test("openDevice() raises the limits to the adapter's", async () => {
  const adapter = (await navigator.gpu.requestAdapter())!;
  using device = await openDevice();
  for (const name of ["maxBufferSize", "maxStorageBufferBindingSize"] as const) {
    assert.equal(device.limits[name], adapter.limits[name]);
  }
});

Deno.test("an error outside any scope throws at the next check()", async () => {
  using device = await openDevice();
  const buffer = createBuffer(device, 16, "y");
  device.check();
  device.gpu.queue.writeBuffer(buffer, 0, new Uint8Array(3)); // not a multiple of 4
  await device.gpu.queue.onSubmittedWorkDone();
  assert.throws(() => device.check(), GpuError);
  assert.throws(() => device.check(), GpuError);
});

Deno.test("record() throws for a binding that does not fit its kernel", async () => {
  using device = await openDevice();
  const y = createBuffer(device, 16, "y");
  const kernel = {
    name: "fit",
    text: `@group(0) @binding(0) var<storage, read_write> y: array<vec4f, 2>;
@compute @workgroup_size(1)
fn main() { y[1] = vec4f(1); }`,
  };
  const dispatch = { label: "y", kernel, constants: {}, bind: [whole(y)], weight: [], groups: [1] };
  const record = Program.record(device, new Pipelines(device), [{ ...dispatch, groups: [1] }]);
  await assert.rejects(record, { name: "GpuError", message: /size/i });
});

/** Takes the GPU away behind the device's back. */
async function lose({ gpu }: Device): Promise<void> {
  gpu.destroy();
  await gpu.lost;
}

Deno.test("a lost GPU throws from check(), idle() and read()", async () => {
  const device = await openDevice();
  const buffer = createBuffer(device, 16, "y");
  await lose(device);
  const lost = { name: "DeviceLost", message: /^The GPU was lost/ };
  assert.throws(() => device.check(), lost);
  await assert.rejects(device.idle(), lost);
  await assert.rejects(read(device, whole(buffer)), lost);
});

Deno.test("a GPU lost under way throws from a ring", async () => {
  const device = await openDevice();
  const buffer = createBuffer(device, 16, "y");
  const ring = new Ring<number>(device, 4, { slots: 1 });
  const encoder = device.gpu.createCommandEncoder();
  ring.load(encoder, [whole(buffer)]);
  device.gpu.queue.submit([encoder.finish()]);
  ring.send(0);
  await lose(device);
  await new Promise((resolve) => setTimeout(resolve, 30)); // nobody waits for it when it fails
  const lost = { name: "DeviceLost", message: /^The GPU was lost/ };
  await assert.rejects(ring.freeSlot(), lost);
  await assert.rejects(ring.drain(), lost);
  assert.throws(() => ring.arrived(), lost);
});

Deno.test("a device that was closed has no fault", async () => {
  const device = await openDevice();
  device.close();
  await device.gpu.lost;
  device.check();
});
