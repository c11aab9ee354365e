/** AdamW in eight bits against bitsandbytes and its twin. */
import assert from "node:assert/strict";
import { adamw8bit } from "../../src/ops/mod.ts";
import { adamw8bit as adamw8bitTwin, dynamicMap, moment } from "../../src/reference/adamw_8bit.ts";
import type { Moments8bit } from "../../src/reference/adamw_8bit.ts";
import { assertClose, noise } from "../harness.ts";
import { golden, updater } from "./updater.ts";

const SETTINGS = { beta1: 0.8, beta2: 0.95, epsilon: 1e-6 };

/** What the device keeps of N numbers, as the twin has it; codes are four of m, then four of v. */
function keptOf(codes: Float32Array, scales: Float32Array, N: number): Moments8bit {
  const bytes = new Uint8Array(codes.buffer, codes.byteOffset, codes.byteLength);
  const of = (which: number) =>
    Uint8Array.from({ length: N }, (_, i) => bytes[Math.floor(i / 4) * 8 + 4 * which + i % 4]!);
  const blocks = Math.ceil(N / 256);
  const scalesOf = (which: number) =>
    Float64Array.from({ length: blocks }, (_, block) => scales[2 * block + which]!);
  return { m: of(0), v: of(1), scales: { m: scalesOf(0), v: scalesOf(1) } };
}

/** The largest difference of codes, and how many differ. */
function apart(found: Uint8Array, wanted: Uint8Array) {
  const differences = Array.from(found, (code, i) => Math.abs(code - wanted[i]!));
  return { most: Math.max(...differences), count: differences.filter((d) => d > 0).length };
}

Deno.test("the maps are bitsandbytes'", () => {
  const [signed, unsigned] = [dynamicMap(true), dynamicMap(false)];
  assert.deepEqual([signed.length, unsigned.length], [256, 256]);
  assert.deepEqual([signed[127], signed[255], unsigned[0], unsigned[255]], [0, 1, 0, 1]);
  assertClose(Float32Array.of(signed[0]!, unsigned[1]!), [-0.99296875, 3.25e-7], 1e-7, "ends");
});

Deno.test("adamw_8bit makes the golden updates, and keeps the golden codes", async () => {
  const { after, m, v, scales } = golden.adamw_8bit;
  const N = after.length;
  const groups = [{ from: 0, numbers: N, rate: 1, decay: golden.decay }];
  const { write, run, destroy } = await updater(N, adamw8bit({ ...SETTINGS, clip: 0 }), { groups });
  write("params", noise(N, 3));
  let found = {} as Awaited<ReturnType<typeof run>>;
  for (let t = 1; t <= 10; t++) {
    found = await run(noise(N, 50 + t).map((g) => g ** 5), golden.rate, t);
  }
  assertClose(found.p, after, 1e-6, "p");
  const kept = keptOf(found.codes, found.scales, N);
  assertClose(Float32Array.from(kept.scales.m), scales[0]!, 1e-6, "scales of m");
  assertClose(Float32Array.from(kept.scales.v), scales[1]!, 1e-6, "scales of v");
  assert.deepEqual(kept.m, Uint8Array.fromHex(m));
  assert.deepEqual(kept.v, Uint8Array.fromHex(v));
  destroy();
});

for (const clip of [0, 0.5, 1e-6]) {
  Deno.test(`adamw_8bit equals steps of its twin in groups, clipped at ${clip}`, async () => {
    const sizes = [64, 640, 70_016];
    const groups = sizes.map((numbers, i) => {
      const from = sizes.slice(0, i).reduce((sum, size) => sum + size, 0);
      return { from, numbers, rate: 1 + i, decay: i / 10 };
    });
    const N = sizes.reduce((sum, size) => sum + size, 0);
    const rule = adamw8bit({ ...SETTINGS, clip });
    const options = { groups, maxBinding: 262_400 }; // two bindings of the last one
    const { write, run, resume, destroy } = await updater(N, rule, options);
    const start = noise(N, 3);
    write("params", start);
    /** What the device keeps, by group. */
    const keptBy = ({ codes, scales }: Awaited<ReturnType<typeof run>>) => {
      let [codesAt, scalesAt] = [0, 0];
      return sizes.map((numbers) => {
        const [from, begin] = [codesAt, scalesAt];
        codesAt += Math.ceil(numbers / 2 / 64) * 64;
        scalesAt += Math.ceil(2 * Math.ceil(numbers / 256) / 64) * 64;
        return keptOf(codes.slice(from, codesAt), scales.slice(begin, scalesAt), numbers);
      });
    };
    const none = (numbers: number): Moments8bit => {
      const scales = () => new Float64Array(Math.ceil(numbers / 256));
      return {
        ...{ m: new Uint8Array(numbers), v: new Uint8Array(numbers) },
        scales: { m: scales(), v: scales() },
      };
    };
    let [before, kept] = [start, sizes.map(none)];
    for (let t = 1; t <= 4; t++) {
      const gradient = noise(N, 50 + t).map((g) => g ** 5);
      const found = await run(gradient, 0.01, t);
      const norm = gradient.reduce((sum, g) => sum + g * g, 0);
      const own = keptBy(found);
      for (const [i, { from, numbers, rate, decay }] of groups.entries()) {
        const part = (of: Float32Array) => Float64Array.from(of.subarray(from, from + numbers));
        const step = { ...SETTINGS, clip, t, rate: 0.01 * rate, decay };
        const made = adamw8bitTwin(part(before), part(gradient), kept[i]!, step, norm);
        const p = found.p.subarray(from, from + numbers);
        assertClose(p, made.p, 3e-6, `p of group ${i} after ${t}`);
        for (const name of ["m", "v"] as const) {
          const { most, count } = apart(own[i]![name], made.kept[name]);
          assert.ok(most <= 1 && count <= 4, `${count} codes of ${name} differ, by ${most}`);
          const [mine, theirs] = [own[i]!, made.kept].map((of) => of.scales[name]);
          assertClose(Float32Array.from(mine!), theirs!, 1e-6, `scales of ${name}`);
        }
      }
      [before, kept] = [found.p, own]; // a code that differs counts once
    }
    assert.ok(moment(kept[1]!, "m").every(Number.isFinite));
    const last = await run(noise(N, 9), 0.01, 5);
    const broken = noise(N, 10);
    broken[3] = NaN;
    const halted = await run(broken, 0.01, 6);
    assertClose(halted.p, last.p, 0, "p");
    assert.deepEqual(keptBy(halted), keptBy(last));
    resume();
    const still = await run(new Float32Array(N), 0.01, 6);
    assert.ok(still.p.every(Number.isFinite), "a gradient of nothing leaves numbers");
    destroy();
  });
}
