import assert from "node:assert/strict";
import {
  createBuffer,
  destroyBuffer,
  read,
  readFloats,
  Ring,
  upload,
  whole,
} from "../../src/gpu/buffer.ts";
import { engine, noise } from "../harness.ts";

Deno.test("an upload of several chunks comes back as it was", async () => {
  const { device } = await engine();
  const data = noise((9 << 20) / 4 + 3, 1); // 9 MiB and 12 bytes, in chunks of 4 MiB
  const buffer = createBuffer(device, 256 + data.byteLength + 16, "large");
  const slice = { buffer, offset: 256, size: data.byteLength + 16 };
  upload(device, slice, data, 8);
  const found = await readFloats(device, slice);
  assert.deepEqual([...found.subarray(0, 2), ...found.subarray(-2)], [0, 0, 0, 0]);
  assert.ok(Buffer.from(found.buffer, 8, data.byteLength).equals(Buffer.from(data.buffer)));
  destroyBuffer(device, buffer);
});

Deno.test("an upload writes the part of an array that a view shows, and no more than fits", async () => {
  const { device } = await engine();
  const buffer = createBuffer(device, 16, "small");
  upload(device, whole(buffer), Uint32Array.of(1, 2, 3, 4, 5).subarray(1, 4), 4);
  const words = new Uint32Array((await read(device, whole(buffer))).buffer);
  assert.deepEqual([...words], [0, 2, 3, 4]);
  assert.throws(
    () => upload(device, { buffer, offset: 0, size: 8 }, new Uint32Array(2), 4),
    new RangeError("Cannot write 8 bytes at 4 into 8"),
  );
  destroyBuffer(device, buffer);
});

Deno.test("buffers are zero, counted, and no larger than the adapter allows", async () => {
  const { device } = await engine();
  const before = device.allocated;
  const buffer = createBuffer(device, 20, "odd");
  assert.equal(device.allocated - before, 32);
  assert.ok((await read(device, whole(buffer))).every((byte) => byte === 0));
  destroyBuffer(device, buffer);
  assert.equal(device.allocated, before);
  assert.throws(() => createBuffer(device, device.limits.maxBufferSize + 1, "huge"), {
    name: "RangeError",
    message: /^huge needs a buffer of \d+ bytes, this adapter allows \d+$/,
  });
});

Deno.test("a ring brings back more steps than it has slots, in order", async () => {
  const { device } = await engine();
  const buffers = [createBuffer(device, 16, "a"), createBuffer(device, 16, "b")];
  const ring = new Ring<string>(device, 6, 2);
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

Deno.test("a ring without a free slot says so", async () => {
  const { device } = await engine();
  const buffer = createBuffer(device, 16, "a");
  const ring = new Ring<number>(device, 4, 1);
  const encoder = device.gpu.createCommandEncoder();
  ring.load(encoder, [whole(buffer)]);
  assert.throws(() => ring.load(encoder, [whole(buffer)]), RangeError);
  device.gpu.queue.submit([encoder.finish()]);
  ring.send(0);
  await ring.drain();
  ring.destroy();
  destroyBuffer(device, buffer);
});
