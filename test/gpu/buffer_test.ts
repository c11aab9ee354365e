import assert from "node:assert/strict";
import {
  createBuffer,
  destroyBuffer,
  read,
  readFloats,
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

Deno.test("a read waits for the mapping where the range is not there before", async () => {
  const { device } = await engine();
  const buffer = createBuffer(device, 16, "y");
  upload(device, whole(buffer), Float32Array.of(1, 2, 3, 4));
  const { mapAsync, getMappedRange } = GPUBuffer.prototype;
  const mapped = new WeakSet<GPUBuffer>();
  let early = 0;
  GPUBuffer.prototype.mapAsync = async function (...args) {
    await mapAsync.apply(this, args);
    mapped.add(this);
  };
  GPUBuffer.prototype.getMappedRange = function (...args) { // as the standard has it
    if (mapped.has(this)) return getMappedRange.apply(this, args);
    early++;
    throw new DOMException("The buffer is not mapped", "OperationError");
  };
  try {
    assert.deepEqual([...await readFloats(device, whole(buffer))], [1, 2, 3, 4]);
    assert.equal(early, 1);
  } finally {
    Object.assign(GPUBuffer.prototype, { mapAsync, getMappedRange });
  }
  destroyBuffer(device, buffer);
});
