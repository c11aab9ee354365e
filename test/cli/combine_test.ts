import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { run } from "../../src/cli/combine.ts";
import { run as merge } from "../../src/cli/merge.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { readJsonObject, writeJson } from "../../src/io/files.ts";
import { toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { NOTHING_SEEN } from "../../src/objectives/documents.ts";
import { documentsSeenBy, writeDocuments } from "../../src/runs/documents.ts";
import { namesIn } from "../io/helpers.ts";
import { withTiny, writeTinyAdapter } from "../models/tiny.ts";
import { capture } from "./capture.ts";

/** A tiny model with two adapters that differ in alpha, and a place for the result. */
function withTwo(
  action: (places: { base: string; one: string; other: string; out: string }) => Promise<void>,
): Promise<void> {
  return withTiny({}, async (base) => {
    const [one, other, out] = ["one", "other", "out"].map((name) => join(base, "..", name));
    writeTinyAdapter(one!, base);
    writeTinyAdapter(other!, base, 3);
    await action({ base, one: one!, other: other!, out: out! });
  });
}

Deno.test("combine makes an adapter that merges as both do, and knows what both have seen", () =>
  withTwo(async ({ base, one, other, out }) => {
    const hashesOf = (...train: string[]) => ({ ...NOTHING_SEEN.hashes, train });
    const sketch = (letter: string) => letter.repeat(43);
    const seen = (train: string) => ({ hashes: hashesOf(train), sketches: [sketch(train)] });
    writeDocuments(one, { ...NOTHING_SEEN, ...seen("a") });
    writeDocuments(other, { ...NOTHING_SEEN, ...seen("b"), sketched: false });
    const { code, stdout } = await capture(
      ...[run, one, other, "--weights", "0.5,1", "--method", "svd", "--out", out] as const,
    );
    assert.equal(code, 0);
    // Both are the same but for alpha, so that together they are the first, and of its rank.
    assert.match(stdout, /out: 14 modules of 2 adapters, rank 3; the rank took \S+e-\d+ % of the/);
    const { baseModel, rank, modules } = readPeft(out);
    assert.deepEqual([baseModel, rank, modules.length], [base, 3, 14]);
    assert.deepEqual(documentsSeenBy(out), {
      ...{ complete: true, sketched: false, sketches: [sketch("a"), sketch("b")] },
      hashes: hashesOf("a", "b"),
    });
    for (const [adapter, merged] of [[one, "../a"], [out, "../b"]] as const) {
      assert.equal((await capture(merge, adapter, "--out", join(base, merged))).code, 0);
    }
    using a = openCheckpoint(join(base, "../a"));
    using b = openCheckpoint(join(base, "../b"));
    for (const tensor of a.tensors.keys()) {
      const [x, y] = [a, b].map((file) => toFloat32(file.read(tensor), "F32"));
      const apart = x!.map((value, i) => Math.abs(value - y![i]!));
      assert.ok(apart.every((distance) => distance < 2e-6), tensor);
    }
  }));

Deno.test("combine refuses bad usage before it writes anything", () =>
  withTwo(async ({ base, one, other, out }) => {
    const refuses = (args: string[], message: RegExp, name = "ConfigError") =>
      assert.rejects(run([one, other, ...args]), { name, message });
    const whole = ["--out", out, "--weights", "1,1"];
    await refuses(["--weights", "1,1"], /no --out/);
    await refuses(["--out", out], /no --weights, wanted a number for each of 2/);
    await refuses(["--out", out, "--weights", "1,x"], /--weights 1,x, wanted a number for each/);
    await refuses([...whole, "--method", "tie"], /--method tie, the nearest is ties/);
    await refuses([...whole, "--method", "ties"], /no --density, wanted one .* for ties/);
    await refuses(
      [...whole, "--method", "ties", "--density", "0"],
      /--density 0, wanted .* above 0/,
    );
    await refuses([...whole, "--density", "0.5"], /--density, which svd has no use for/);
    await refuses([...whole, "--method", "cat", "--rank", "2"], /--rank, which cat has no use for/);
    await refuses([...whole, "--rank", "0"], /--rank 0, wanted a whole number from 1 on/);
    const ties = ["--method", "ties_svd", "--density", "0.5"];
    await refuses(
      [...whole, ...ties, "--majority", "most"],
      /--majority most, wanted total or freq/,
    );
    await refuses(["--weights", "1,1", "--out", base], /wanted a new or empty folder/, "FileError");
    await assert.rejects(run([one, ...whole]), /wanted a number for each of 1 adapters/);

    const path = join(other, "adapter_config.json");
    const config = readJsonObject(path);
    writeJson(path, { ...config, base_model_name_or_path: "hub/model" });
    await refuses(whole, /one of \S+model and \S+other of hub\/model: wanted adapters of one base/);
    assert.deepEqual(namesIn(dirname(out)), [basename(base), "one", "other"]);
    const { code } = await capture(run, one, other, ...whole, "--base", base);
    assert.equal(code, 0);
  }));
