import assert from "node:assert/strict";
import { join } from "node:path";
import { openCheckpoint, writeCheckpoint } from "../../src/io/checkpoint.ts";
import {
  type TensorData,
  toFloat32,
  writeSafetensors,
} from "../../src/io/safetensors/safetensors.ts";
import {
  assertFileError,
  folderOf,
  namesIn,
  noSharedData,
  sharedData,
  withFolder,
} from "./helpers.ts";

const INDEX = "model.safetensors.index.json";

function bytes(name: string, ...values: number[]): TensorData {
  return { name, dtype: "U8", shape: [values.length], data: Uint8Array.from(values) };
}

/** A folder with shards a.safetensors (x) and b.safetensors (y) under `weightMap`. */
function shardedFolder(parent: string, weightMap: unknown): string {
  const index = { metadata: {}, weight_map: weightMap };
  const folder = folderOf(parent, "sharded", { "config.json": {}, [INDEX]: index });
  writeSafetensors(join(folder, "a.safetensors"), [bytes("x", 1, 2)]);
  writeSafetensors(join(folder, "b.safetensors"), [bytes("y", 3)]);
  return folder;
}

Deno.test({
  name: "openCheckpoint() opens stories260K in F32 and BF16",
  ignore: noSharedData,
  fn() {
    using full = openCheckpoint(join(sharedData, "models/stories260K"));
    using half = openCheckpoint(join(sharedData, "models/stories260K-bf16"));
    assert.equal(full.config["model_type"], "llama");
    assert.equal(full.tensors.size, 47);
    assert.equal(full.metadata["format"], "pt");
    assert.deepEqual(full.files(), [join(sharedData, "models/stories260K/model.safetensors")]);
    const name = "model.layers.0.mlp.down_proj.weight";
    assert.equal(full.get(name, [64, 172]).dtype, "F32");
    assert.equal(half.get(name, [64, 172]).dtype, "BF16");
    const exact = toFloat32(full.read(name), "F32");
    const rounded = toFloat32(half.read(name), "BF16");
    exact.forEach((value, i) => {
      assert.ok(Math.abs(value - rounded[i]!) <= Math.abs(value) * 2 ** -8);
    });
  },
});

Deno.test("openCheckpoint() reads tensors from their shards", () =>
  withFolder((parent) => {
    const folder = shardedFolder(parent, { x: "a.safetensors", y: "b.safetensors" });
    using checkpoint = openCheckpoint(folder);
    assert.deepEqual([...checkpoint.tensors.keys()], ["x", "y"]);
    assert.deepEqual(checkpoint.read("x", { offset: 1 }), Uint8Array.of(2));
    assert.deepEqual(checkpoint.read("y"), Uint8Array.of(3));
    assert.deepEqual(checkpoint.files(), [
      join(folder, "a.safetensors"),
      join(folder, "b.safetensors"),
    ]);
  }));

Deno.test("get() refuses a missing tensor and another shape", () =>
  withFolder((parent) => {
    const folder = join(parent, "model");
    const tensors = [bytes("layers.0.q_proj.weight", 1, 2), bytes("norm.weight", 1)];
    writeCheckpoint(folder, { config: {}, tensors });
    using checkpoint = openCheckpoint(folder);
    assertFileError(
      () => checkpoint.get("layers.0.k_proj.weight"),
      folder,
      `"layers.0.k_proj.weight"`,
      `did you mean "layers.0.q_proj.weight"`,
    );
    assertFileError(
      () => checkpoint.get("norm.weight", [2, 1]),
      join(folder, "model.safetensors"),
      `"norm.weight"`,
      "found shape [1]",
      "wanted [2,1]",
    );
  }));

Deno.test("openCheckpoint() refuses folders without config or weights", () =>
  withFolder((parent) => {
    assertFileError(() => openCheckpoint(join(parent, "none")), "none/config.json", "no such file");
    const empty = folderOf(parent, "empty", { "config.json": {} });
    assertFileError(() => openCheckpoint(empty), empty, "no model.safetensors", INDEX);
    const odd = folderOf(parent, "odd", { "config.json": [] });
    assertFileError(() => openCheckpoint(odd), "odd/config.json", "found an array");
    Deno.writeTextFileSync(join(odd, "config.json"), "{");
    assertFileError(() => openCheckpoint(odd), "odd/config.json", "not valid JSON");
  }));

const WEIGHT_MAPS: { fault: string; weightMap: unknown; wanted: string[] }[] = [
  { fault: "no weight_map", weightMap: undefined, wanted: [INDEX, "weight_map", "found nothing"] },
  { fault: "an empty weight_map", weightMap: {}, wanted: [INDEX, "an empty one"] },
  { fault: "a shard that is a number", weightMap: { x: 7 }, wanted: [INDEX, "shard 7"] },
  { fault: "a shard without a name", weightMap: { x: "" }, wanted: [INDEX, `shard ""`] },
  {
    fault: "a shard above the folder",
    weightMap: { x: "../secret.safetensors" },
    wanted: [INDEX, `"../secret.safetensors"`, "not a path inside"],
  },
  {
    fault: "a shard above the folder by a detour",
    weightMap: { x: "a/../../secret.safetensors" },
    wanted: [INDEX, "not a path inside"],
  },
  {
    fault: "an absolute shard",
    weightMap: { x: "/etc/passwd" },
    wanted: [INDEX, `"/etc/passwd"`, "not a path inside"],
  },
  {
    fault: "a shard that links out",
    weightMap: { x: "link.safetensors" },
    wanted: ["link.safetensors: it links out of the folder"],
  },
  {
    fault: "a missing shard",
    weightMap: { x: "a.safetensors", y: "c.safetensors" },
    wanted: [INDEX, `"c.safetensors" is missing`],
  },
  {
    fault: "a tensor that its shard lacks",
    weightMap: { x: "a.safetensors", y: "a.safetensors" },
    wanted: ["a.safetensors", `lacks tensor "y"`, INDEX],
  },
];

for (const { fault, weightMap, wanted } of WEIGHT_MAPS) {
  Deno.test(`openCheckpoint() refuses an index with ${fault}`, () =>
    withFolder((parent) => {
      const folder = shardedFolder(parent, weightMap);
      const secret = join(parent, "secret.safetensors");
      writeSafetensors(secret, [bytes("x", 9)]);
      Deno.symlinkSync(secret, join(folder, "link.safetensors"));
      assertFileError(() => openCheckpoint(folder), ...wanted);
    }));
}

Deno.test("openCheckpoint() refuses a tensor that two shards hold", () =>
  withFolder((parent) => {
    const folder = shardedFolder(parent, { x: "a.safetensors", y: "b.safetensors" });
    writeSafetensors(join(folder, "b.safetensors"), [bytes("y", 3), bytes("x", 4)]);
    assertFileError(
      () => openCheckpoint(folder),
      `"x" is both in`,
      "a.safetensors",
      "b.safetensors",
    );
  }));

Deno.test("openCheckpoint() refuses a truncated shard", () =>
  withFolder((parent) => {
    const folder = shardedFolder(parent, { x: "a.safetensors", y: "b.safetensors" });
    const shard = join(folder, "b.safetensors");
    Deno.truncateSync(shard, Deno.statSync(shard).size - 1);
    assertFileError(() => openCheckpoint(folder), shard, `tensor "y" ends at byte`);
  }));

Deno.test("openCheckpoint() follows the links of a snapshot in the Hub's cache", () =>
  withFolder((parent) => {
    const blobs = folderOf(parent, "models--o--m/blobs", {});
    const index = { weight_map: { x: "a.safetensors" } };
    const files = { "config.json": {}, [INDEX]: index };
    const snapshot = folderOf(parent, "models--o--m/snapshots/0123", files);
    writeSafetensors(join(blobs, "abcd"), [bytes("x", 5)]);
    Deno.symlinkSync("../../blobs/abcd", join(snapshot, "a.safetensors"));
    using checkpoint = openCheckpoint(snapshot);
    assert.deepEqual(checkpoint.read("x"), Uint8Array.of(5));
  }));

Deno.test("writeCheckpoint() shards above the limit, and openCheckpoint() reads it back", () =>
  withFolder((parent) => {
    const folder = join(parent, "out");
    const [a, b, c] = [bytes("a", 1, 2), bytes("b", 3), bytes("c", 4, 5, 6, 7)];
    const tensors = [a, b, c, bytes("d", 8), bytes("e", 9, 10)];
    writeCheckpoint(folder, { config: { model_type: "llama" }, tensors, maxShardBytes: 3 });
    assert.deepEqual(namesIn(folder), [
      "config.json",
      "model-00001-of-00003.safetensors",
      "model-00002-of-00003.safetensors",
      "model-00003-of-00003.safetensors",
      INDEX,
    ]);
    const index = JSON.parse(Deno.readTextFileSync(join(folder, INDEX)));
    assert.equal(index.metadata.total_size, 10);
    assert.equal(index.weight_map.b, "model-00001-of-00003.safetensors");
    assert.equal(index.weight_map.e, "model-00003-of-00003.safetensors");
    using checkpoint = openCheckpoint(folder);
    assert.deepEqual({ ...checkpoint.config }, { model_type: "llama" });
    for (const { name, data } of tensors) assert.deepEqual(checkpoint.read(name), data);
  }));

Deno.test("writeCheckpoint() copies the tokenizer files that are there", () =>
  withFolder((parent) => {
    const files = {
      "tokenizer.json": { a: 1 },
      "vocab.json": {},
      "README.md": 1,
      "config.json": 2,
    };
    const copyFrom = folderOf(parent, "from", files);
    const folder = folderOf(parent, "to", {});
    writeCheckpoint(folder, { config: {}, tensors: [bytes("x", 1)], copyFrom });
    assert.deepEqual(namesIn(folder), [
      "config.json",
      "model.safetensors",
      "tokenizer.json",
      "vocab.json",
    ]);
    assert.equal(Deno.readTextFileSync(join(folder, "tokenizer.json")), `{"a":1}`);
    assert.equal(Deno.readTextFileSync(join(folder, "config.json")), "{}\n");
  }));

Deno.test("writeCheckpoint() refuses an occupied folder and touches nothing", () =>
  withFolder((parent) => {
    const folder = folderOf(parent, "out", { "notes.txt": "mine" });
    const contents = { config: {}, tensors: [bytes("x", 1)] };
    assertFileError(() => writeCheckpoint(folder, contents), folder, "notes.txt", "empty folder");
    assertFileError(() => writeCheckpoint(join(folder, "notes.txt"), contents), "notes.txt");
    assert.deepEqual(namesIn(folder), ["notes.txt"]);
    assert.deepEqual(namesIn(parent), ["out"]);
  }));

Deno.test("writeCheckpoint() leaves nothing behind when a tensor fails", () =>
  withFolder((parent) => {
    const torn = {
      ...bytes("x", 1),
      data: () => {
        throw new Error("torn");
      },
    };
    const write = () => writeCheckpoint(join(parent, "out"), { config: {}, tensors: [torn] });
    assert.throws(write, /torn/);
    assert.deepEqual(namesIn(parent), []);
  }));
