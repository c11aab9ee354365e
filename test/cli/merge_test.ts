import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { run } from "../../src/cli/merge.ts";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { readJsonObject, writeJson } from "../../src/io/files.ts";
import { namesIn } from "../io/helpers.ts";
import { withTiny, writeTinyAdapter } from "../models/tiny.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { linesListener } from "../../src/runs/lines.ts";
import { train } from "../../src/train/run.ts";
import { engine } from "../harness.ts";
import { capture, withEnv } from "./capture.ts";

/** A tiny model with an adapter in the folder of a run, and a place for the result. */
function withRun(
  dtype: "F32" | "BF16",
  action: (folders: { base: string; run: string; adapter: string; out: string }) => Promise<void>,
): Promise<void> {
  return withTiny({ dtype }, async (base) => {
    const run = join(base, "../run");
    const adapter = join(run, "adapter");
    Deno.mkdirSync(run);
    writeTinyAdapter(adapter, base);
    await action({ base, run, adapter, out: join(base, "../merged") });
  });
}

Deno.test("merge finds the base of a run, and the logits agree within 1e-4", () =>
  withRun("F32", async ({ base, run: folder, out }) => {
    const { code, stdout } = await capture(run, folder, "--out", out, "--json");
    assert.equal(code, 0);
    const report = JSON.parse(stdout);
    assert.equal(report.base, base);
    assert.equal(report.tensors, 14);
    assert.ok(report.largest > 0 && report.largest < 1e-4, `${report.largest}`);
    assert.deepEqual(namesIn(dirname(out)), ["merged", "model", "run"]);
    using merged = openCheckpoint(out);
    assert.equal(merged.get("model.norm.weight").dtype, "F32");
  }));

Deno.test("merge rounds to 16 bits where it is asked to or the base is, and says how far", () =>
  withRun("BF16", async ({ adapter, out }) => {
    const { stdout } = await capture(run, adapter, "--out", out);
    assert.match(stdout, /largest difference of logits is .+ at most 1\.6e-2 is due to BF16/);
    const exact = `${out}-f32`;
    const json = await capture(run, adapter, "--out", exact, "--dtype", "F32", "--json");
    assert.ok(JSON.parse(json.stdout).largest < 1e-4);
    const half = await capture(run, adapter, "--out", `${out}-f16`, "--dtype", "F16", "--json");
    const { relative } = JSON.parse(half.stdout);
    assert.ok(relative > 1e-6 && relative < 8 * 2 ** -12, `${relative}`);
  }));

Deno.test("merge refuses bad usage before it writes anything", () =>
  withRun("F32", async ({ base, adapter, out }) => {
    const refuses = (args: string[], name: string, message: RegExp) =>
      assert.rejects(run(args), { name, message });
    await refuses([adapter], "ConfigError", /no --out/);
    await refuses([adapter, "--out", out, "--dtype", "f32"], "ConfigError", /--dtype f32, wanted/);
    await refuses([adapter, "--out", base], "FileError", /wanted a new or empty folder/);
    await refuses([base, "--out", out], "FileError", /adapter_config\.json/);
    const path = join(adapter, "adapter_config.json");
    const config = readJsonObject(path);
    writeJson(path, { ...config, base_model_name_or_path: "hub/model" });
    const offline = { HF_HUB_OFFLINE: "1", HF_HUB_CACHE: `${base}/cache` };
    await withEnv(
      offline,
      () =>
        refuses([adapter, "--out", out], "FileError", /hub\/model: it is no folder here, HF_HUB/),
    );
    writeJson(path, { ...config, base_model_name_or_path: "gone/from/here" });
    await refuses(
      [adapter, "--out", out],
      "ConfigError",
      /the base "gone.*, which is no folder here/,
    );
    writeJson(path, { ...config, base_model_name_or_path: null });
    await refuses([adapter, "--out", out], "ConfigError", /names no base; give --base/);
    assert.deepEqual(namesIn(dirname(out)), [basename(base), "run"]);
    assert.equal((await capture(run, adapter, "--out", out, "--base", base)).code, 0);
  }));

Deno.test("merge writes shards of a size that is asked for, and the proof reads them", () =>
  withRun("F32", async ({ adapter, out }) => {
    const { stdout } = await capture(run, adapter, "--out", out, "--shard-size", "20KB");
    assert.match(stdout, /rounding took 0.0 % of the update/);
    const files = namesIn(out).filter((name) => /^model-\d{5}-of-\d{5}\.safetensors$/.test(name));
    assert.ok(files.length > 3, `${files}`);
    assert.ok(files.every((name) => Deno.statSync(join(out, name)).size < 25_000));
    const index = readJsonObject(join(out, "model.safetensors.index.json"));
    using merged = openCheckpoint(out);
    assert.deepEqual(Object.keys(index["weight_map"] as object), [...merged.tensors.keys()]);
    await assert.rejects(
      capture(run, adapter, "--out", `${out}2`, "--shard-size", "5"),
      /--shard-size 5, wanted a size/,
    );
  }));

Deno.test("merge refuses one end of a tied pair without --untie, and proves it with", () =>
  withTiny({ dtype: "BF16" }, async (base) => {
    const { device } = await engine();
    const [rows, out] = [join(base, "../rows.jsonl"), join(base, "../merged")];
    Deno.writeTextFileSync(rows, JSON.stringify({ input_ids: [5, 9, 3, 7], labels: [5, 9, 3, 7] }));
    const parsed = parseConfig({
      values: {
        model: base,
        data: [{ path: rows, format: "tokens" }],
        adapter: { rank: 4, targets: ["embed_tokens", "v_proj"], modules_to_save: ["lm_head"] },
        train: { steps: 3, lr: 0.02, tokens_per_batch: 8 },
        eval: { samples: 0 },
        history: false,
        out: join(base, "../run"),
      },
    });
    const said: string[] = [];
    const { saved } = await train(parsed, {
      device,
      on: linesListener((line) => said.push(line)),
    });
    const note = /changes model\.embed_tokens\.weight and lm_head\.weight, .* takes --untie/;
    assert.equal(said.filter((line) => note.test(line)).length, 1);
    const untied = /one tensor there .* merge with --untie/;
    await assert.rejects(run([saved, "--out", out]), { name: "FileError", message: untied });
    assert.deepEqual(namesIn(dirname(out)), ["model", "rows.jsonl", "run"]);
    const { code, stdout } = await capture(run, saved, "--out", out, "--untie");
    assert.equal(code, 0);
    assert.match(stdout, /4 tensors merged; .* is due to BF16/);
    using merged = openCheckpoint(out);
    assert.equal(merged.config["tie_word_embeddings"], false);
    const [head, table] = ["lm_head", "model.embed_tokens"].map((name) =>
      merged.read(`${name}.weight`)
    );
    assert.notDeepEqual(head, table);
  }));
