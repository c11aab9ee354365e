/** Downloads that break, stall or lie. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { exists } from "../../../src/io/files.ts";
import { namesIn } from "../helpers.ts";
import { sha256 } from "./fake_hub.ts";
import { REPO, World } from "./world.ts";

/** Where the weights end up, and where they are until they are whole. */
function placesOf(world: World): { blob: string; partial: string } {
  const blob = join(world.cache, "blobs", sha256(world.weights));
  return { blob, partial: `${blob}.incomplete` };
}

/** The ranges that the storage was asked for. */
const rangesOf = (world: World) =>
  world.hub.asked.filter(({ origin }) => origin === "storage").map(({ range }) => range);

Deno.test("a half-downloaded blob is gone on with", async () => {
  await using world = new World();
  const { blob, partial } = placesOf(world);
  Deno.mkdirSync(join(world.cache, "blobs"), { recursive: true });
  Deno.writeFileSync(partial, world.weights.subarray(0, 5000));
  await world.locate();
  assert.deepEqual(rangesOf(world), ["bytes=5000-"]);
  assert.deepEqual(Deno.readFileSync(blob), world.weights);
  assert.ok(!exists(partial));
  const first = world.progress.find(({ file }) => file === "model.safetensors");
  assert.equal(first?.done, 5000);
});

Deno.test("a connection that breaks is taken up again where it broke", async () => {
  await using world = new World();
  world.hub.mischief = { breakAfter: 10_000, breaks: 2 };
  await world.locate();
  assert.deepEqual(rangesOf(world), [null, "bytes=10000-", "bytes=20000-"]);
  assert.deepEqual(Deno.readFileSync(placesOf(world).blob), world.weights);
});

Deno.test("a storage without ranges sends again what is there", async () => {
  await using world = new World();
  world.hub.mischief = { breakAfter: 10_000, breaks: 1, noRanges: true };
  await world.locate();
  assert.equal(rangesOf(world).length, 2);
  assert.deepEqual(Deno.readFileSync(placesOf(world).blob), world.weights);
});

Deno.test("a whole file that is called a part is told from one", async () => {
  for (const how of ["unsaid", "said"] as const) {
    await using world = new World();
    world.hub.mischief = { breakAfter: 10_000, breaks: 1, wholeAsPart: how };
    await world.locate();
    assert.equal(rangesOf(world).length, 2);
    assert.deepEqual(Deno.readFileSync(placesOf(world).blob), world.weights);
  }
});

Deno.test("a whole file that claims to be the part leaves nothing of it behind", async () => {
  await using world = new World();
  world.hub.mischief = { breakAfter: 10_000, breaks: 1, wholeAsPart: "denied" };
  await world.refuses(
    `Cannot download model.safetensors of ${REPO}: the server sends more than the ` +
      `${world.weights.length} bytes it announced`,
    REPO,
  );
  const { blob, partial } = placesOf(world);
  assert.equal(Deno.statSync(partial).size, 10_000);
  world.hub.mischief = {};
  await world.locate();
  assert.deepEqual(Deno.readFileSync(blob), world.weights);
});

Deno.test("a storage that sends a byte now and then is given up", async () => {
  await using world = new World();
  world.hub.mischief = { drip: 20 };
  await assert.rejects(world.locate(REPO, { patience: 100 }), {
    name: "FileError",
    message:
      /^Cannot download \S+ of .*: \d+ bytes came in \d+ s, wanted 1000 a second; what has come/,
  });
});

Deno.test("a storage that falls silent is given up, and the next call goes on", async () => {
  await using world = new World();
  world.hub.mischief = { stallAfter: 7000 };
  await world.refuses(
    `Cannot download model.safetensors of ${REPO}: no byte came for 1 s; what has come is kept, ` +
      "and the next call goes on from there",
    REPO,
    { patience: 1000 },
  );
  assert.deepEqual(rangesOf(world), [null, "bytes=7000-", "bytes=7000-"]);
  assert.equal(Deno.statSync(placesOf(world).partial).size, 7000);
  assert.ok(!exists(join(world.cache, "refs/main")), "nothing is announced before it is whole");
  world.hub.mischief = {};
  world.hub.asked.length = 0;
  await world.locate();
  assert.deepEqual(rangesOf(world), ["bytes=7000-"]);
});

Deno.test("bytes that are not those announced are thrown away", async () => {
  await using world = new World();
  world.hub.mischief = { corrupt: true };
  await world.refuses(
    new RegExp(
      `^Cannot trust model\\.safetensors of ${REPO}: its hash is [0-9a-f]{64}, wanted ` +
        `${sha256(world.weights)}; the download was thrown away$`,
    ),
  );
  const { blob, partial } = placesOf(world);
  assert.ok(!exists(blob) && !exists(partial));
  world.hub.mischief = {};
  await world.locate();
  assert.deepEqual(Deno.readFileSync(blob), world.weights);
});

Deno.test("a beginning of other bytes is found out", async () => {
  await using world = new World();
  const { partial } = placesOf(world);
  Deno.mkdirSync(join(world.cache, "blobs"), { recursive: true });
  Deno.writeFileSync(partial, new Uint8Array(5000));
  await world.refuses(/^Cannot trust model\.safetensors/);
  await world.locate();
  Deno.writeFileSync(partial, new Uint8Array(1e6));
  Deno.removeSync(placesOf(world).blob);
  await world.locate();
  assert.deepEqual(Deno.readFileSync(placesOf(world).blob), world.weights);
});

Deno.test("a server that sends more than it announced is refused", async () => {
  await using world = new World();
  world.hub.mischief = { tooLong: true };
  await world.refuses(/: the server sends more than the \d+ bytes it announced$/);
});

Deno.test({
  name: "a full disk is one sentence",
  ignore: !exists("/dev/full"),
  fn: async () => {
    await using world = new World();
    const { partial } = placesOf(world);
    Deno.mkdirSync(join(world.cache, "blobs"), { recursive: true });
    Deno.symlinkSync("/dev/full", partial);
    await world.refuses(`Cannot write ${partial}: no space left on device`);
  },
});

Deno.test("a file larger than the disk is refused before its first byte", async () => {
  await using world = new World();
  world.hub.mischief = {
    tamper: (answer) =>
      Array.isArray(answer)
        ? answer.map((info) => ({ ...info, size: 2 ** 52, lfs: undefined }))
        : answer,
  };
  await world.refuses(/: it needs 4503599627370496 more bytes, and the disk has \d+ left$/);
  assert.deepEqual(rangesOf(world), []);
});

Deno.test("two downloads at once write one blob", async () => {
  await using world = new World();
  world.hub.mischief = { breakAfter: 9000, breaks: 1 };
  const [a, b] = await Promise.all([world.locate(), world.locate()]);
  assert.deepEqual(a, b);
  assert.deepEqual(Deno.readFileSync(placesOf(world).blob), world.weights);
  assert.ok(namesIn(join(world.cache, "blobs")).every((name) => /^[0-9a-f]+$/.test(name)));
});
