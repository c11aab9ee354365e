import assert from "node:assert/strict";
import { join } from "node:path";
import { FileError } from "../../src/errors.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Store } from "../../src/graph/store.ts";
import {
  dropCheckpointsAfter,
  loadCheckpoint,
  type LoadOptions,
  saveCheckpoint,
} from "../../src/train/checkpoint.ts";
import { engine, noise } from "../harness.ts";
import { snapshot } from "./toy.ts";

const KEPT = ["params", "m", "v"] as const;

/** A store with two params of which every kept number is random. */
async function storeOf(seed: number, names = ["a", "b"], size = 24): Promise<Store> {
  const store = new Store((await engine()).device);
  const graph = new Graph();
  store.addParams(names.map((name) => graph.param(name, [size], "rows")));
  for (const [i, name] of names.entries()) {
    for (const [j, flat] of KEPT.entries()) {
      store.writeParam(name, noise(size, seed + 10 * i + j), flat);
    }
  }
  return store;
}

async function withFolder(action: (folder: string) => Promise<void>): Promise<void> {
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    await action(join(parent, "checkpoints"));
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
}

async function assertSame(found: Store, wanted: Store): Promise<void> {
  for (const name of wanted.paramNames) {
    for (const flat of KEPT) {
      assert.deepEqual(await found.readParam(name, flat), await wanted.readParam(name, flat));
    }
  }
}

const namesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("loadCheckpoint() brings back the last checkpoint, of which three are kept", () =>
  withFolder(async (folder) => {
    const [saved, loaded] = [await storeOf(1), await storeOf(2)];
    assert.deepEqual(loadCheckpoint(loaded, folder), { step: 0, sections: {} });
    for (const step of [9, 90, 900]) await saveCheckpoint(await storeOf(step), folder, step);
    const sections = { one: { kept: [1, 2] }, other: null };
    await saveCheckpoint(saved, folder, 1000, sections);
    assert.deepEqual(
      namesIn(folder),
      [90, 900, 1000].map((step) => `step-${String(step).padStart(8, "0")}.safetensors`),
    );
    assert.deepEqual(loadCheckpoint(loaded, folder), { step: 1000, sections });
    await assertSame(loaded, saved);
  }));

/** Expects one sentence about the file, and the store and the folder as they were. */
async function assertRefused(store: Store, folder: string, wanted: RegExp): Promise<void> {
  const [before, files] = [await store.readParam("a"), snapshot(folder)];
  assert.throws(() => loadCheckpoint(store, folder), (fault) => {
    assert.ok(fault instanceof FileError);
    assert.match(fault.message, wanted);
    assert.match(fault.message, /step-00000007\.safetensors/);
    assert.doesNotMatch(fault.message, /\n/);
    return true;
  });
  assert.deepEqual(await store.readParam("a"), before);
  assert.deepEqual(snapshot(folder), files);
}

Deno.test("loadCheckpoint() refuses where none is whole, and checkpoints of other params", () =>
  withFolder(async (folder) => {
    await saveCheckpoint(await storeOf(1), folder, 7);
    await assertRefused(await storeOf(2, ["a", "c"]), folder, /holds other params/);
    await assertRefused(await storeOf(2, ["a", "b"], 200), folder, /params has \d+ bytes, wanted/);
    const path = join(folder, "step-00000007.safetensors");
    const { size } = Deno.statSync(path);
    const store = await storeOf(2);
    for (const length of [size - 1, 100, 3, 0]) {
      Deno.truncateSync(path, length);
      await assertRefused(
        store,
        folder,
        /^Cannot read .*: found no whole checkpoint to go on from$/,
      );
    }
  }));

/** Loads with the file of step 9 changed, and expects that it is named and step 8 taken. */
async function assertPassedOver(
  folder: string,
  change: (bytes: Uint8Array) => Uint8Array,
  wanted: RegExp,
): Promise<void> {
  const path = join(folder, "step-00000009.safetensors");
  const whole = Deno.readFileSync(path);
  Deno.writeFileSync(path, change(whole.slice()));
  const [loaded, said] = [await storeOf(3), [] as string[]];
  const { step } = loadCheckpoint(loaded, folder, { say: (line) => said.push(line) });
  assert.equal(step, 8);
  assert.equal(said.length, 1);
  assert.match(said[0]!, wanted);
  assert.match(said[0]!, /step-00000009\.safetensors.*; looking for an older checkpoint$/);
  await assertSame(loaded, await storeOf(1));
  Deno.writeFileSync(path, whole);
}

Deno.test("loadCheckpoint() names a damaged checkpoint and takes the newest whole one", () =>
  withFolder(async (folder) => {
    await saveCheckpoint(await storeOf(1), folder, 8, { part: [1] });
    await saveCheckpoint(await storeOf(2), folder, 9, { part: [2] });
    const { length } = Deno.readFileSync(join(folder, "step-00000009.safetensors"));
    const text = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
    const replaced = (from: string, to: string) => (bytes: Uint8Array) =>
      Uint8Array.from(text(bytes).replace(from, to), (c) => c.charCodeAt(0));
    const damage = /Cannot use .*: (its header|params|m|v) is damaged, its SHA-256 is another/;
    await assertPassedOver(folder, replaced('"step":"9"', '"step":"x"'), damage);
    await assertPassedOver(folder, replaced('"[2]"', '"[3]"'), damage);
    await assertPassedOver(folder, replaced("sha256 m", "sha255 m"), damage);
    await assertPassedOver(folder, replaced('"sha256":', '"sha255":'), /it carries no SHA-256/);
    await assertPassedOver(folder, (bytes) => bytes.subarray(0, length - 9), /^Cannot read /);
    const json = new DataView(Deno.readFileSync(join(folder, "step-00000009.safetensors")).buffer);
    const begin = 8 + Number(json.getBigUint64(0, true));
    for (const at of [begin, begin + 100, length - 1]) { // a bit of params, of m or v
      const flipped = (bytes: Uint8Array) => bytes.with(at, bytes[at]! ^ 64) as Uint8Array;
      await assertPassedOver(folder, flipped, damage);
    }
  }));

Deno.test("loadCheckpoint() takes one of before an update, and passes over newer ones", () =>
  withFolder(async (folder) => {
    const store = await storeOf(1);
    for (const step of [3, 6]) await saveCheckpoint(store, folder, step);
    const step = (options: LoadOptions) => loadCheckpoint(store, folder, options).step;
    assert.equal(step({ before: 6 }), 3);
    assert.equal(step({ skip: 1 }), 3);
    assert.equal(step({ skip: 2 }), 0);
    assert.equal(step({ before: 3 }), 0);
    dropCheckpointsAfter(folder, 3);
    assert.deepEqual(namesIn(folder), ["step-00000003.safetensors"]);
  }));

Deno.test("saveCheckpoint() writes nothing where a number is NaN or infinite", () =>
  withFolder(async (folder) => {
    for (const flat of KEPT) {
      const store = await storeOf(1);
      store.writeParam("b", Float32Array.of(1, Infinity), flat);
      const wanted = new RegExp(`: The ${flat}\\[65\\] of step 4 is Infinity$`);
      await assert.rejects(saveCheckpoint(store, folder, 4), wanted);
    }
    assert.deepEqual(snapshot(folder), {});
  }));
