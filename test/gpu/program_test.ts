import assert from "node:assert/strict";
import { createBuffer, destroyBuffer, read, readFloats, whole } from "../../src/gpu/buffer.ts";
import type { Kernel } from "../../src/gpu/kernel.ts";
import { Device } from "../../src/gpu/device.ts";
import { paceOf } from "../../src/gpu/pace.ts";
import { type Dispatch, grid, Program } from "../../src/gpu/program.ts";
import { engine } from "../harness.ts";
import { sentinel } from "../../src/reference/sentinel.ts";

/** y[i] += 1 + i % 7, one invocation a workgroup. */
const COUNT: Kernel = {
  name: "count",
  text: `@group(0) @binding(0) var<storage, read_write> y: array<u32>;
override N: u32;
@compute @workgroup_size(1)
fn main(@builtin(workgroup_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x;
  if (i < N) { y[i] += 1 + i % 7; }
}`,
};

/** y = 2 y + DIGIT: the digits show which dispatches ran, in which order. */
const APPEND: Kernel = {
  name: "append",
  text: `@group(0) @binding(0) var<storage, read_write> y: array<f32>;
override DIGIT: f32;
@compute @workgroup_size(1)
fn main() { y[0] = 10 * y[0] + DIGIT; }`,
};

function append(buffer: GPUBuffer, digit: number, gate?: number): Dispatch {
  return {
    label: `digit ${digit}`,
    kernel: APPEND,
    constants: { DIGIT: digit },
    bind: [whole(buffer)],
    weight: [],
    groups: [1],
    ...(gate === undefined ? {} : { gate }),
  };
}

Deno.test("grid() folds what is above 65,535 workgroups", () => {
  assert.deepEqual(grid(1), [1, 1]);
  assert.deepEqual(grid(65_535), [65_535, 1]);
  assert.deepEqual(grid(65_536), [65_535, 2]);
  assert.deepEqual(grid(200_000), [65_535, 4]);
});

Deno.test("a folded grid reaches every element once", async () => {
  const { device, pipelines } = await engine();
  const N = 70_000;
  const buffer = createBuffer(device, 4 * N, "y");
  const constants = { N };
  const dispatch = { label: "count", kernel: COUNT, constants, weight: [], groups: grid(N) };
  const bind = [whole(buffer)];
  const program = await Program.record(device, pipelines, [{ ...dispatch, bind }]);
  program.replay();
  const found = new Uint32Array((await read(device, whole(buffer))).buffer, 0, N);
  assert.ok(found.every((y, i) => y === 1 + i % 7));
  destroyBuffer(device, buffer);
});

Deno.test("a replay runs open gates in order, and copies after the pass", async () => {
  const { device, pipelines } = await engine();
  const [y, copy] = [createBuffer(device, 16, "y"), createBuffer(device, 16, "copy")];
  const dispatches = [append(y, 1), append(y, 2, 0), append(y, 3, 1), append(y, 4)];
  const program = await Program.record(device, pipelines, dispatches);
  assert.equal(program.length, 4);
  const after = (encoder: GPUCommandEncoder) => encoder.copyBufferToBuffer(y, 0, copy, 0, 4);
  program.replay({ gates: 1, after });
  program.replay({ gates: 0 });
  assert.equal((await readFloats(device, whole(copy)))[0], 124);
  assert.equal((await readFloats(device, whole(y)))[0], 12414);
  program.replay();
  assert.equal((await readFloats(device, whole(y)))[0], Math.fround(124141234));
  destroyBuffer(device, y);
  destroyBuffer(device, copy);
});

Deno.test("profile() gives a time to each dispatch behind an open gate", async () => {
  const { device, pipelines } = await engine();
  const y = createBuffer(device, 16, "y");
  const dispatches = [append(y, 1), append(y, 2, 0), append(y, 3, 1)];
  const program = await Program.record(device, pipelines, dispatches);
  if (!device.has("timestamp-query")) return await assert.rejects(program.profile(), RangeError);
  const times = await program.profile(1);
  assert.deepEqual(times.map(({ label, kernel }) => [label, kernel]), [
    ["digit 1", "append"],
    ["digit 2", "append"],
  ]);
  assert.ok(times.every(({ ms }) => ms >= 0 && ms < 1000));
  assert.deepEqual((await program.profile(0)).map(({ label }) => label), ["digit 1"]);
  assert.equal((await program.profile()).length, 3);
  destroyBuffer(device, y);
});

Deno.test("firstNonFinite() names the first dispatch that leaves NaN or infinity, in this replay", async () => {
  const { device, pipelines } = await engine();
  const [sound, broken] = ["sound", "broken"].map((name) => createBuffer(device, 4096, name));
  const list = [
    append(sound!, 1),
    { ...append(broken!, 3e38), label: "overflows", place: "layer 1" },
    { ...append(broken!, 3e38), label: "overflows again" },
    append(sound!, 2),
  ];
  const program = await Program.record(device, pipelines, list);
  for (let time = 0; time < 2; time++) { // the second begins with what the first has left
    const found = await program.firstNonFinite(pipelines);
    assert.deepEqual([found?.label, found?.place], ["overflows again", undefined]);
    assert.equal(sentinel(await readFloats(device, whole(broken!))), true);
    assert.equal(sentinel(await readFloats(device, whole(sound!))), false);
  }
  const half = await Program.record(device, pipelines, list.slice(0, 2));
  assert.equal(await half.firstNonFinite(pipelines), null);
  for (const buffer of [sound!, broken!]) destroyBuffer(device, buffer);
});

Deno.test("a watched device gets a replay in submits that end before its watchdog", async () => {
  const { pipelines, device: { gpu, adapter, kernelSet } } = await engine();
  const watched = new Device(gpu, adapter, false, kernelSet);
  assert.ok(watched.isWatched);
  const buffer = createBuffer(watched, 4, "y");
  const list = Array.from({ length: 70 }, (_, i) => append(buffer, i % 3));
  const program = await Program.record(watched, pipelines, list);
  const { submit } = gpu.queue;
  let submits = 0;
  gpu.queue.submit = (buffers) => {
    submits++;
    return submit.call(gpu.queue, buffers);
  };
  try {
    program.replay();
    assert.equal(submits, 18); // 4 dispatches at a time, until it is known how long they take
    await gpu.queue.onSubmittedWorkDone();
    await new Promise((resolve) => setTimeout(resolve));
    assert.equal(paceOf(1), 2000);
    assert.equal(paceOf(500), 4);
    assert.equal(paceOf(1000), 2);
    assert.equal(paceOf(1e6), 1);
    submits = 0;
    const fresh = await Program.record(watched, pipelines, list.slice(0, 20));
    assert.equal(await fresh.firstNonFinite(pipelines), null);
    const inOne = 22; // clears what each has written, runs all and fetches what was found
    assert.equal(submits, inOne + 9); // two at a time, for each is looked at
  } finally {
    gpu.queue.submit = submit;
  }
  destroyBuffer(watched, buffer);
});
