import assert from "node:assert/strict";
import { createBuffer, destroyBuffer, read, upload, whole } from "../../src/gpu/buffer.ts";
import { Ring } from "../../src/gpu/ring.ts";
import { engine } from "../harness.ts";
import { GpuCalls, withClockStopped } from "./calls.ts";

Deno.test("a ring brings back more steps than it has slots, in order", async () => {
  const { device } = await engine();
  const buffers = [createBuffer(device, 16, "a"), createBuffer(device, 16, "b")];
  const ring = new Ring<string>(device, 6, { slots: 2 });
  const arrived: unknown[] = [];
  for (let step = 0; step < 7; step++) {
    await ring.freeSlot();
    upload(device, whole(buffers[0]!), Float32Array.of(step, step, step, step));
    upload(device, whole(buffers[1]!), Float32Array.of(-1, -2, -step, -4));
    const encoder = device.gpu.createCommandEncoder();
    ring.load(encoder, [whole(buffers[0]!), { buffer: buffers[1]!, offset: 4, size: 8 }]);
    device.gpu.queue.submit([encoder.finish()]);
    ring.send(`step ${step}`);
    arrived.push(...ring.arrived());
  }
  arrived.push(...await ring.drain());
  const expected = Array.from({ length: 7 }, (_, step) => ({
    tag: `step ${step}`,
    values: Float32Array.of(step, step, step, step, -2, -step),
  }));
  assert.deepEqual(arrived, expected);
  assert.deepEqual(await ring.drain(), []);
  ring.destroy();
  for (const buffer of buffers) destroyBuffer(device, buffer);
});

Deno.test("a ring without a free slot says so, and of numbers that are too many", async () => {
  const { device } = await engine();
  const buffer = createBuffer(device, 16, "a");
  const ring = new Ring<number>(device, 6, { slots: 1 });
  const encoder = device.gpu.createCommandEncoder();
  const load = (size: number) => ring.load(encoder, [{ buffer, offset: 0, size }]);
  for (const step of [0, 1]) {
    load(16);
    assert.throws(() => load(12), new RangeError("Found 7 numbers of a step, wanted 6 at most"));
    load(8);
    ring.send(step);
  }
  assert.throws(() => load(4), /^RangeError: Ring.load\(\) needs a free slot/);
  device.gpu.queue.submit([encoder.finish()]);
  const lengths = (await ring.drain()).map(({ tag, values }) => [tag, values.length]);
  assert.deepEqual(lengths, [[0, 6], [1, 6]]);
  ring.destroy();
  destroyBuffer(device, buffer);
});

Deno.test("a ring maps the steps of a group together, and reads asked for in one turn wait once", async () => {
  const { device } = await engine();
  const buffer = createBuffer(device, 16, "a");
  using calls = new GpuCalls();
  const send = async (ring: Ring<number>, steps: number) => {
    for (let step = 0; step < steps; step++) {
      await ring.freeSlot();
      const encoder = device.gpu.createCommandEncoder();
      ring.load(encoder, [whole(buffer)]);
      device.gpu.queue.submit([encoder.finish()]);
      ring.send(step);
    }
    return await ring.drain();
  };
  const ring = new Ring<number>(device, 4, { slots: 4 });
  assert.equal((await send(ring, 10)).length, 10);
  assert.equal(calls.take(), "ssss m ssss m ss m".replaceAll(" ", ""));
  ring.destroy();
  await withClockStopped(async () => {
    const paced = new Ring<number>(device, 4, { slots: 4, most: 1000 });
    assert.equal((await send(paced, 7)).length, 7); // the first tells how long a step takes
    assert.equal(calls.take(), "sm ssss m ss m".replaceAll(" ", ""));
    paced.destroy();
  });
  await Promise.all([read(device, whole(buffer)), read(device, whole(buffer))]);
  assert.equal(calls.take(), "ssmm");
  destroyBuffer(device, buffer);
});
