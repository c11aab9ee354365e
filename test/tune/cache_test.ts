import assert from "node:assert/strict";
import { join } from "node:path";
import type { Device, Product } from "../../src/gpu/device.ts";
import { openEngine } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { readJsonObject, writeJson } from "../../src/io/files.ts";
import { chooseTile } from "../../src/ops/tile.ts";
import { linear } from "../../src/ops/mod.ts";
import { keepTiles, openTuned, readTiles, tilesFile, useTiles } from "../../src/tune/cache.ts";
import { productsOf } from "../../src/tune/products.ts";
import type { Tuning } from "../../src/tune/tune.ts";
import { withEnv } from "../cli/capture.ts";
import { engine } from "../harness.ts";

const PRODUCT: Product = { kernel: "linear", type: "bf16", m: 512, n: 576, k: 192, alongK: true };

const found = (chosen: string, product = PRODUCT): Tuning => ({
  product,
  times: 1,
  results: [],
  chosen,
});

/** A device of its own view, whose tiles can be changed, and a file for them. */
async function withFile(test: (device: Device, path: string) => void | Promise<void>) {
  const { device } = await engine("register");
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  const { tuned } = device;
  try {
    await test(device, join(folder, "tiles", "of.json"));
  } finally {
    device.tuned = tuned;
    Deno.removeSync(folder, { recursive: true });
  }
}

/** What is said of a file, and that none of it is used. */
function complaintOf(device: Device, path: string): string {
  const lines: string[] = [];
  assert.deepEqual(readTiles(device, path, (line) => lines.push(line)), {});
  return lines.join("\n");
}

Deno.test("what was found is kept, added to and used for products of its class", () =>
  withFile((device, path) => {
    keepTiles(device, path, [found("tile_16x16")]);
    keepTiles(device, path, [found("tile_8x16", { ...PRODUCT, type: "f32" })]);
    useTiles(device, readTiles(device, path, assert.fail));
    const nameOf = (change: Partial<Product>) => chooseTile(device, { ...PRODUCT, ...change }).name;
    assert.equal(nameOf({}), "tile_16x16");
    assert.equal(nameOf({ n: 1024, k: 256 }), "tile_16x16"); // up to the same powers of two
    assert.equal(nameOf({ type: "f32" }), "tile_8x16");
    const usual = chooseTile({ ...device, tuned: () => undefined }, PRODUCT).name;
    assert.equal(nameOf({ n: 1028 }), usual);
    assert.equal(nameOf({ kernel: "linear_backward" }), usual);
    assert.equal(nameOf({ splits: 4 }), usual);
  }));

Deno.test("without a file nothing is said, and products take the defaults", () =>
  withFile((device, path) => assert.equal(complaintOf(device, path), "")));

Deno.test("a file that is damaged, of another adapter or of other kernels is ignored with a line", () =>
  withFile((device, path) => {
    keepTiles(device, path, [found("tile_16x16")]);
    const { of, tiles } = readJsonObject(path) as { of: Record<string, string>; tiles: object };
    const complaint = (of: unknown, tiles: unknown) => {
      writeJson(path, { of, tiles });
      return complaintOf(device, path);
    };
    for (const key of ["adapter", "processor", "deno", "kernels"]) {
      assert.ok(key in of, key);
      const said = complaint({ ...of, [key]: "another" }, tiles);
      assert.match(
        said,
        /^tuning: .*of\.json is of another adapter or version of the kernels;/,
      );
    }
    assert.match(
      complaint(of, { x: 3 }),
      /of\.json holds no tiles;.*deno task tune measures anew$/,
    );
    Deno.writeTextFileSync(path, '{"of": ');
    assert.match(complaintOf(device, path), /^tuning: Cannot read .*of\.json: not valid JSON/);
  }));

Deno.test("openTuned() uses the file in the user's cache folder", async () => {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  await withEnv({ XDG_CACHE_HOME: folder }, async () => {
    using fresh = await openTuned({ kernelSet: "register" }, assert.fail);
    assert.equal(fresh.tuned(PRODUCT), undefined);
    keepTiles(fresh, tilesFile(fresh), [found("tile_16x16")]);
    assert.ok(tilesFile(fresh).startsWith(folder));
    using again = await openTuned({ kernelSet: "register" }, assert.fail);
    assert.equal(again.tuned(PRODUCT), "tile_16x16");
  });
  Deno.removeSync(folder, { recursive: true });
});

Deno.test("productsOf() finds what a graph multiplies, most work first", async () => {
  const { device } = openEngine((await engine("register")).device);
  const graph = new Graph("register");
  const weight = (name: string, out: number) => graph.weight(name, [out, 64], "bf16", "blocks");
  const x = graph.input("x", [40, 64], "f32");
  for (const name of ["q", "k", "v"]) linear(graph, x, weight(name, 64));
  linear(graph, x, weight("up", 512));
  linear(graph, x, weight("gate", 516)); // of the class of 1024
  const a = graph.param("a", [8, 64], "rows");
  const b = graph.param("b", [60, 8], "rows");
  linear(graph, x, weight("o", 60), { adapter: { a, b, scale: 1 } }); // a is thin: one tile only
  const sizes = productsOf(device, [graph]).map(({ product: { kernel, m, n, k }, times }) =>
    `${times} ${kernel} ${m}x${n}x${k}`
  );
  assert.deepEqual(sizes, ["1 linear 40x516x64", "1 linear 40x512x64", "4 linear 40x64x64"]);
});
