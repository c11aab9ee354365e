/** Textures as memory: what is written or copied comes back word for word, or the probe says no. */
import assert from "node:assert/strict";
import { createBuffer, destroyBuffer, readFloats, upload, whole } from "../../src/gpu/buffer.ts";
import { openDevice } from "../../src/gpu/device.ts";
import { type Dispatch, Program } from "../../src/gpu/program.ts";
import { PROBE, READS, readsTextures } from "../../src/gpu/reads.ts";
import { createTexels, destroyTexels, uploadParts, uploadTexels } from "../../src/gpu/texture.ts";
import { engine, noise } from "../harness.ts";
import { probeTexture } from "../../src/reference/probe_texture.ts";

const { device, pipelines } = await engine();
const ignore = device.matrixReads !== "texture";

/** y[i] (+)= matrix1[i] */
const TEXT = `#import matrices
override N: u32;
override ADD: bool = false;
@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < N) { y[id.x] = select(vec4f(0), y[id.x], ADD) + matrix1(id.x); }
}`;

const reader = (N: number, ADD = false): Omit<Dispatch, "bind"> => ({
  label: "y",
  kernel: { name: "read", text: TEXT, imports: READS.texture },
  constants: { N, ADD },
  weight: [],
  groups: [Math.ceil(N / 8)],
});

Deno.test({
  name: "textures hold what is written in odd pieces, in parts",
  ignore,
  async fn() {
    const sizes = [1024, 1500, 3]; // texels of each part
    const before = device.allocated;
    let offset = 0;
    const parts = sizes.map((texels) => {
      const size = 16 * texels;
      const part = { offset, size, texels: createTexels(device, size, "rgba32float", "part") };
      offset += size;
      return part;
    });
    assert.equal(device.allocated - before, 4 * 16 * 1024); // whole rows: 1, 2 and 1
    const numbers = noise(offset / 4, 1);
    const bytes = new Uint8Array(numbers.buffer as ArrayBuffer);
    for (let from = 0; from < offset;) {
      const to = Math.min(offset, from + 16 * 777);
      uploadParts(device, { parts }, bytes.subarray(from, to), from);
      from = to;
    }
    for (const { offset, size, texels } of parts) {
      const y = createBuffer(device, size, "y");
      const bind = [whole(y), texels];
      const program = await Program.record(device, pipelines, [{ ...reader(size / 16), bind }]);
      program.replay();
      const expected = numbers.subarray(offset / 4, (offset + size) / 4);
      assert.deepEqual(await readFloats(device, whole(y)), expected);
      destroyBuffer(device, y);
      destroyTexels(device, texels);
    }
    assert.equal(device.allocated, before);
    assert.throws(
      () => uploadParts(device, { parts }, new Uint8Array(32), offset - 16),
      RangeError,
    );
    assert.throws(() => uploadParts(device, { parts }, new Uint8Array(8), 0), RangeError);
  },
});

Deno.test({
  name: "copies run before their dispatch where both gates are open",
  ignore,
  async fn() {
    const N = 1030;
    const [x, y] = [createBuffer(device, 16 * N, "x"), createBuffer(device, 16 * N, "y")];
    const texels = createTexels(device, 16 * N, "rgba32float", "twin");
    const copy = { from: whole(x), to: texels };
    const bind = [whole(y), texels];
    const program = await Program.record(device, pipelines, [
      { ...reader(N), bind },
      { ...reader(N, true), bind, copies: [copy], gate: 1 },
      { ...reader(N, true), bind },
      { ...reader(N, true), bind, copies: [{ ...copy, gate: 0 }], gate: 0 },
    ]);
    const numbers = Float32Array.from({ length: 4 * N }, (_, i) => 4 * i);
    upload(device, whole(x), numbers);
    const times = async (gates: number, factor: number) => {
      program.replay({ gates });
      assert.deepEqual(await readFloats(device, whole(y)), numbers.map((n) => factor * n));
    };
    await times(0, 1); // the copy before the closed dispatch reaches the third
    await times(1, 3); // first, third and fourth
    const other = numbers.map((n) => n / 4);
    upload(device, whole(x), other);
    program.replay({ gates: 2 }); // the first reads what was copied before
    const found = await readFloats(device, whole(y));
    assert.deepEqual(found, numbers.map((n) => n + 3 * (n / 4)));
    for (const buffer of [x, y]) destroyBuffer(device, buffer);
    destroyTexels(device, texels);
  },
});

Deno.test("an adapter whose textures are not right is read through buffers", async () => {
  using device = await openDevice({ kernelSet: "register", matrixReads: "buffer" });
  const { gpu } = device;
  const createTexture = gpu.createTexture.bind(gpu);
  const before = device.allocated;
  assert.equal(await readsTextures(device), !ignore);
  assert.equal(device.allocated, before);
  // One row where two are asked for: copies do not fit.
  gpu.createTexture = (given) => createTexture({ ...given, size: [1024, 1] });
  assert.equal(await readsTextures(device), false);
  // A format that no kernel reads.
  gpu.createTexture = (given) => createTexture({ ...given, format: "rgba32sint" });
  assert.equal(await readsTextures(device), false);
  device.check();
});

Deno.test({
  name: "the probe's kernel equals its twin",
  ignore,
  async fn() {
    const N = 5;
    const x = noise(4 * N, 3);
    const words = Uint32Array.from({ length: 4 * N }, (_, i) => i * i);
    const y = createBuffer(device, 16 * N, "y");
    const [matrix, packed] = (["rgba32float", "rgba32uint"] as const)
      .map((format) => createTexels(device, 16 * N, format, format));
    uploadTexels(device, matrix!, new Uint8Array(x.buffer as ArrayBuffer));
    uploadTexels(device, packed!, new Uint8Array(words.buffer));
    const program = await Program.record(device, pipelines, [{
      ...reader(N),
      kernel: { ...PROBE, imports: READS.texture },
      constants: { N },
      bind: [whole(y), matrix!],
      weight: [packed!],
    }]);
    program.replay();
    const expected = Float32Array.from(probeTexture(Float64Array.from(x), words));
    assert.deepEqual(await readFloats(device, whole(y)), expected);
    destroyBuffer(device, y);
    for (const texels of [matrix!, packed!]) destroyTexels(device, texels);
  },
});
