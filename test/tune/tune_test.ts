import assert from "node:assert/strict";
import type { MatrixReads, Product } from "../../src/gpu/device.ts";
import { type Tile, TILES } from "../../src/ops/tile.ts";
import { Sample, sampleOf } from "../../src/tune/sample.ts";
import { tune, type Tuning } from "../../src/tune/tune.ts";
import type { Timer } from "../../src/tune/time.ts";
import { engine } from "../harness.ts";

const product = (
  kernel: string,
  type = "f32",
  [m, n, k]: readonly number[] = [52, 36, 64],
): Product => ({
  kernel,
  type,
  m: m!,
  n: n!,
  k: k!,
  alongK: kernel !== "matmul_tn",
});

/** A clock on which each tile takes so long. */
const clock = (ms: Readonly<Record<string, number>>): Timer => async (work, count, wait) => {
  work.replay();
  await wait();
  return count * ms[work.tile]!;
};

const FASTER_WHEN_LARGER = clock({
  tile_broadcast_16x8: 4,
  tile_8x8: 3,
  tile_8x16: 2,
  tile_16x16: 1,
});

async function tuneOne(made: Product, timer = FASTER_WHEN_LARGER, reads?: MatrixReads) {
  const { device } = await engine("register", reads);
  const [found] = await tune(device, [{ product: made, times: 1 }], { timer });
  return found!;
}

const faultsOf = ({ results }: Tuning) =>
  Object.fromEntries(results.map(({ tile, fault }) => [tile, fault]));

/** Puts a tile in place of another of its name for as long as a test runs. */
function replaced(name: string, change: (text: string) => string): Disposable {
  const tiles = TILES.register;
  const tile = tiles.get(name)!;
  const text = change(tile.text.text);
  assert.notEqual(text, tile.text.text);
  tiles.set(name, { ...tile, text: { name: `${tile.text.name}, changed`, text } } as Tile);
  return { [Symbol.dispose]: () => void tiles.set(name, tile) };
}

const LOOP = "for (var k = 0u; k < KB; k++) {";

const ALL_RIGHT = { tile_8x8: null, tile_8x16: null, tile_16x16: null };
const { sharesLoads } = (await engine("register", "texture")).device;

for (
  const [kernel, type, reads] of [
    ["linear", "bf16", "buffer"],
    ["linear", "bf16", "texture"],
    ["linear_backward", "q8_0", "texture"],
    ["matmul_nn", "f32", "texture"],
    ["matmul_tn", "f32", "texture"],
  ] as const
) {
  Deno.test(`register tiles give the same bits: ${kernel} ${type}, ${reads}s`, async () => {
    const found = await tuneOne(product(kernel, type, [52, 64, 96]), undefined, reads);
    const more = sharesLoads && reads === "texture" ? { tile_broadcast_16x8: null } : {};
    assert.deepEqual(faultsOf(found), { ...ALL_RIGHT, ...more });
    assert.equal(found.chosen, "tile_16x16");
  });
}

Deno.test("a tile that is wrong is never chosen, however fast", async () => {
  using _ = replaced("tile_16x16", (text) => text.replace(LOOP, LOOP.replace("KB;", "KB - 1;")));
  const found = await tuneOne(product("matmul_nt"));
  assert.deepEqual(faultsOf(found), { ...ALL_RIGHT, tile_16x16: "wrong" });
  assert.equal(found.chosen, "tile_8x16");
});

Deno.test("a tile that gives NaN is wrong", async () => {
  using _ = replaced(
    "tile_16x16",
    (text) => text.replaceAll("+= r0", "+= (0.0 / (r0[0].x - r0[0].x)) * r0"),
  );
  assert.equal(faultsOf(await tuneOne(product("matmul_nt")))["tile_16x16"], "wrong");
});

Deno.test("a tile that adds in another order is never chosen: tuning changes no number", async () => {
  using _ = replaced(
    "tile_16x16",
    (text) => text.replace(LOOP, "for (var i = 0u; i < KB; i++) { let k = KB - 1 - i;"),
  );
  const found = await tuneOne(product("matmul_nt"));
  assert.equal(faultsOf(found)["tile_16x16"], "other bits");
  assert.equal(found.chosen, "tile_8x16");
});

Deno.test("the default stays where another saves less than three percent", async () => {
  const timer = (best: number) => clock({ tile_8x8: 100, tile_8x16: best, tile_16x16: 200 });
  const chosen = async (best: number) =>
    (await tuneOne(product("linear"), timer(best), "texture")).chosen;
  assert.equal(await chosen(98), "tile_8x8");
  assert.equal(await chosen(96), "tile_8x16");
});

Deno.test("products are timed until the time is up, on a part of their rows and columns", async () => {
  const { device } = await engine("register");
  const large = product("matmul_nn", "f32", [4096, 4096, 64]);
  const all = [large, product("matmul_nt")].map((product) => ({ product, times: 1 }));
  const before = device.allocated;
  let most = 0;
  const timer: Timer = async (work, count, wait) => {
    most = Math.max(most, device.allocated - before);
    return await FASTER_WHEN_LARGER(work, count, wait);
  };
  const found = await tune(device, all, { timer, seconds: Infinity });
  assert.equal(found.length, 2);
  assert.ok(most < 4 * 4096 * 4096, `${most} bytes`);
  assert.equal(device.allocated, before);
  const scale = found[0]!.results.map(({ ms }) => ms! / found[0]!.results.at(-1)!.ms!);
  assert.deepEqual(scale.toSorted(), device.sharesLoads ? [1, 2, 3, 4] : [1, 2, 3]);
  assert.deepEqual(await tune(device, all, { timer, seconds: 0 }), []);
});

Deno.test("a sample keeps the sums of a product, or a part where they are made apart", () => {
  const whole = product("linear_backward", "bf16", [2048, 3072, 49152]);
  const sample = sampleOf(whole, true);
  assert.deepEqual(sample, { ...whole, m: 64, n: 1024 });
  assert.deepEqual(sampleOf({ ...whole, splits: 16 }, true), { ...sample, k: 3072 });
  const small = product("matmul_nt");
  assert.deepEqual(sampleOf(small, true), small);
  const grouped = product("linear", "q4_k", [64, 64, 1280]);
  assert.equal(sampleOf({ ...grouped, splits: 3 }, true).k, 512, "whole groups of 256");
});

Deno.test("a sample's numbers are those of the stored matrix, which may round otherwise again", async () => {
  const { device } = await engine();
  const sample = new Sample(product("linear", "q6_k", [64, 64, 256]));
  using opened = await sample.open(device, "tile_8x8");
  opened.replay();
  assert.ok(sample.error(await opened.result()) < 1e-5);
});
