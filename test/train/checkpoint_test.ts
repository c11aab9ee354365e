import assert from "node:assert/strict";
import { join } from "node:path";
import { FileError } from "../../src/errors.ts";
import { Graph } from "../../src/graph/graph.ts";
import { Store } from "../../src/graph/store.ts";
import { loadCheckpoint, saveCheckpoint } from "../../src/train/checkpoint.ts";
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

Deno.test("loadCheckpoint() brings back the last checkpoint, of which two are kept", () =>
  withFolder(async (folder) => {
    const [saved, loaded] = [await storeOf(1), await storeOf(2)];
    assert.deepEqual(loadCheckpoint(loaded, folder), { step: 0, sections: {} });
    for (const step of [9, 90, 900]) await saveCheckpoint(await storeOf(step), folder, step);
    const sections = { one: { kept: [1, 2] }, other: null };
    await saveCheckpoint(saved, folder, 1000, sections);
    assert.deepEqual(namesIn(folder), ["step-00000900.safetensors", "step-00001000.safetensors"]);
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

Deno.test("loadCheckpoint() refuses a truncated checkpoint and those of other params", () =>
  withFolder(async (folder) => {
    await saveCheckpoint(await storeOf(1), folder, 7);
    await assertRefused(await storeOf(2, ["a", "c"]), folder, /holds other params/);
    await assertRefused(await storeOf(2, ["a", "b"], 200), folder, /params has \d+ bytes, wanted/);
    const path = join(folder, "step-00000007.safetensors");
    const { size } = Deno.statSync(path);
    const store = await storeOf(2);
    for (const length of [size - 1, 100, 3, 0]) {
      Deno.truncateSync(path, length);
      await assertRefused(store, folder, /^Cannot read /);
    }
  }));
