import assert from "node:assert/strict";
import { join } from "node:path";
import { openCheckpoint } from "../../../src/io/checkpoint.ts";
import { exists } from "../../../src/io/files.ts";
import { resolvePlace } from "../../../src/io/hub/mod.ts";
import { cachedName } from "../../../src/io/hub/mod.ts";
import { folderOf, namesIn, safetensorsBytes } from "../helpers.ts";
import { gitHash, sha256 } from "./fake_hub.ts";
import { REPO, World } from "./world.ts";

Deno.test("locate() downloads a model into the cache that all tools share", async () => {
  await using world = new World();
  const { folder, pinned } = await world.locate();
  assert.equal(pinned, `${REPO}@${world.commit}`);
  assert.equal(folder, join(world.cache, "snapshots", world.commit));
  assert.deepEqual(namesIn(folder), [
    "config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
  ]);
  const blob = join(world.cache, "blobs", sha256(world.weights));
  assert.equal(
    Deno.readLinkSync(join(folder, "model.safetensors")),
    `../../blobs/${sha256(world.weights)}`,
  );
  assert.deepEqual(Deno.readFileSync(blob), world.weights);
  const config = Deno.readFileSync(join(world.model, "config.json"));
  assert.equal(Deno.readLinkSync(join(folder, "config.json")), `../../blobs/${gitHash(config)}`);
  assert.equal(Deno.readTextFileSync(join(world.cache, "refs/main")), world.commit);
  assert.ok(namesIn(join(world.cache, ".no_exist", world.commit)).includes("vocab.json"));
  using checkpoint = openCheckpoint(folder);
  assert.equal(checkpoint.config["model_type"], "llama");
  assert.match(
    world.said[0]!,
    /^downloading config\.json, tokenizer\.json, .+ of tiny\/llama at [0-9a-f]{12}$/,
  );
  const last = world.progress.at(-1)!;
  assert.deepEqual(last, {
    file: "model.safetensors",
    done: last.total,
    total: world.weights.length,
  });
});

Deno.test("locate() asks the hub where a branch stands, and downloads nothing twice", async () => {
  await using world = new World();
  await world.locate();
  world.hub.takeAsked();
  await world.locate();
  assert.deepEqual(world.hub.takeAsked(), [`GET /api/models/${REPO}/revision/main`]);
  await world.locate(`${REPO}@${world.commit}`);
  assert.deepEqual(world.hub.takeAsked(), [], "a commit never moves");

  const moved = world.hub.repos.commit(REPO, {
    ...Object.fromEntries(world.hub.repos.get(REPO)!.commits.get(world.commit)!),
    "generation_config.json": "{}",
  });
  const { folder } = await world.locate();
  assert.ok(folder.endsWith(moved));
  const resolved = world.hub.takeAsked().filter((path) => path.includes("/resolve/"));
  assert.deepEqual(resolved, [`GET /${REPO}/resolve/${moved}/generation_config.json`]);
  assert.equal(
    (await world.locate(`${REPO}@${world.commit}`)).folder.split("/").at(-1),
    world.commit,
  );
});

Deno.test("locate() asks nothing with HF_HUB_OFFLINE, and says what the cache lacks", async () => {
  await using world = new World();
  const offline = { offline: true };
  await world.refuses(
    `Cannot find ${REPO}: it is no folder here, HF_HUB_OFFLINE is set, and ${world.cache} has ` +
      'nothing of revision "main"',
    REPO,
    offline,
  );
  const { folder } = await world.locate();
  world.hub.takeAsked();
  assert.equal((await world.locate(REPO, offline)).folder, folder);
  assert.deepEqual(world.hub.takeAsked(), []);
  Deno.removeSync(join(folder, "model.safetensors"));
  await world.refuses(/has no model\.safetensors of revision "main"$/, REPO, offline);
});

Deno.test("locate() goes on with the cache where the hub does not answer, and says so", async () => {
  await using world = new World();
  const { folder } = await world.locate();
  for (const mischief of [{ status: 503 }, { silent: true }]) {
    world.hub.mischief = mischief;
    assert.equal((await world.locate()).folder, folder);
    assert.match(world.said.at(-1)!, /; going on with commit [0-9a-f]{40} from the cache$/);
  }
  world.hub.mischief = {};
  const dead = { endpoint: "http://127.0.0.1:1" };
  assert.equal((await world.locate(REPO, dead)).folder, folder);
  await world.refuses(/^Cannot reach http:\/\/127\.0\.0\.1:1: /, `${REPO}@v2`, dead);
});

Deno.test("locate() takes a tag, a branch with a slash and a commit", async () => {
  await using world = new World();
  const { refs } = world.hub.repos.get(REPO)!;
  refs.set("v1.0", world.commit);
  refs.set("refs/pr/1", world.commit);
  for (const revision of ["v1.0", "refs/pr/1", world.commit]) {
    const { folder, pinned } = await world.locate(`${REPO}@${revision}`);
    assert.equal(pinned, `${REPO}@${world.commit}`);
    assert.equal(folder, join(world.cache, "snapshots", world.commit));
  }
  assert.equal(Deno.readTextFileSync(join(world.cache, "refs/refs/pr/1")), world.commit);
});

Deno.test("locate() downloads the shards that the index names and no pickle", async () => {
  await using world = new World();
  const shard = (name: string) =>
    safetensorsBytes(`{"${name}":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 2);
  const weight_map = { a: "part/one.safetensors", b: "two.safetensors" };
  world.hub.repos.commit("big/model", {
    "config.json": "{}",
    "tokenizer.json": "{}",
    "pytorch_model.bin": "never this",
    "README.md": "nor this",
    "onnx/model.onnx": "nor this",
    "model.safetensors.index.json": JSON.stringify({ weight_map }),
    "part/one.safetensors": shard("a"),
    "two.safetensors": shard("b"),
  });
  const { folder } = await world.locate("big/model");
  using checkpoint = openCheckpoint(folder);
  assert.deepEqual([...checkpoint.tensors.keys()].sort(), ["a", "b"]);
  assert.deepEqual(namesIn(folder), [
    "config.json",
    "model.safetensors.index.json",
    "part",
    "tokenizer.json",
    "two.safetensors",
  ]);
});

Deno.test("locate() downloads an adapter", async () => {
  await using world = new World();
  world.hub.repos.commit("me/adapter", {
    "adapter_config.json": "{}",
    "adapter_model.safetensors": "weights",
    "README.md": "",
  });
  const { folder } = await world.locate("me/adapter", {}, "adapter");
  assert.deepEqual(namesIn(folder), ["adapter_config.json", "adapter_model.safetensors"]);
  await world.refuses(
    "Cannot use me/adapter as a model: it has no config.json, it is an adapter",
    "me/adapter",
  );
});

Deno.test("locate() takes a folder as it is, a hub's name or not", async () => {
  await using world = new World();
  assert.deepEqual(await world.locate(world.model), { folder: world.model, pinned: world.model });
  assert.deepEqual(await world.locate("./no/where"), {
    folder: "./no/where",
    pinned: "./no/where",
  });
  assert.deepEqual(world.hub.takeAsked(), []);
});

Deno.test("resolvePlace() prefers what is on the disk", async () => {
  await using world = new World();
  const { folder } = world;
  assert.equal(resolvePlace(folder, "owner/model"), "owner/model");
  assert.equal(resolvePlace(folder, "owner/model@refs/pr/1"), "owner/model@refs/pr/1");
  folderOf(folder, "owner/model", {});
  assert.equal(resolvePlace(folder, "owner/model"), join(folder, "owner/model"));
  for (
    const path of [
      "nowhere",
      "./a/b",
      "../a/b",
      "a/b/c",
      "/a/b",
      "a/b@",
      "a/b--c",
      "a/..b",
      "a/b@../x",
    ]
  ) {
    assert.equal(resolvePlace(folder, path), join(path.startsWith("/") ? "/" : folder, path), path);
  }
});

Deno.test("cachedName() reads the repository off a snapshot's folder", async () => {
  await using world = new World();
  const { folder } = await world.locate();
  assert.deepEqual(cachedName(folder), { repo: REPO, commit: world.commit });
  assert.equal(cachedName(world.model), undefined);
  assert.ok(!exists(join(world.folder, "model/refs")));
});
