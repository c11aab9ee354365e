import assert from "node:assert/strict";
import { run } from "../../src/cli/tune.ts";
import { ConfigError } from "../../src/errors.ts";
import { openTuned } from "../../src/tune/cache.ts";
import type { Tuning } from "../../src/tune/tune.ts";
import { exists } from "../../src/io/files.ts";
import { Toy } from "../train/toy.ts";
import { capture, withEnv } from "./capture.ts";

/** A toy whose cache folder is its own. */
async function withToy(test: (toy: Toy) => Promise<void>) {
  using toy = new Toy();
  await withEnv({ XDG_CACHE_HOME: toy.path("cache") }, () => test(toy));
}

Deno.test("tune MODEL times its largest product and keeps what it took", () =>
  withToy(async (toy) => {
    const args = [toy.model, "--train.micro_batch_tokens", "64", "--seconds", "0.001", "--json"];
    const { code, stdout } = await capture(run, ...args);
    assert.equal(code, 0);
    const { file, found } = JSON.parse(stdout) as { file: string; found: Tuning[] };
    assert.ok(file.startsWith(toy.path("cache")) && exists(file));
    assert.equal(found.length, 1);
    const [{ product, results, chosen }] = found as [Tuning];
    assert.equal(product.m, 64);
    assert.ok(results.length > 1 && results.every(({ ms }) => ms! > 0));
    using device = await openTuned();
    assert.equal(device.tuned(product), chosen);
  }));

Deno.test("tune CONFIG prints a table", () =>
  withToy(async (toy) => {
    const config = toy.path("config.json");
    Deno.writeTextFileSync(config, JSON.stringify(toy.values("run", { guard: false })));
    const { stdout } = await capture(run, config, "--seconds", "0.001");
    assert.match(
      stdout,
      /^product +a step +ms[^]+^linear\S* \w+ 64x\d+x\d+ +\d+ +tile_\w+ +\d+\.\d/m,
    );
    assert.match(stdout, /\d+ smaller products were not timed; --seconds gives them time$/m);
  }));

Deno.test("tune refuses a time that is none", async () => {
  await assert.rejects(run(["--seconds", "no"]), ConfigError);
});
