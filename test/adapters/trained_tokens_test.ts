/** Tokens that are trained by themselves: which can be, and folders that are damaged. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter, type AdapterOptions } from "../../src/adapters/adapter.ts";
import { combine } from "../../src/adapters/combine/combine.ts";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { readPeft, writePeft } from "../../src/adapters/peft/folder.ts";
import { tensorsOf } from "../../src/adapters/peft/tensors.ts";
import { ConfigError } from "../../src/errors.ts";
import { exportGgufLora } from "../../src/export/gguf_lora.ts";
import { openGroups } from "../../src/inference/beside.ts";
import { openModel } from "../../src/inference/open.ts";
import { readJsonObject, writeJson } from "../../src/io/files.ts";
import { writeSafetensors } from "../../src/io/safetensors/safetensors.ts";
import { keptRowsOf } from "../../src/models/kept_rows.ts";
import { Model } from "../../src/models/model.ts";
import { assertFileError } from "../io/helpers.ts";
import { freshEngine, withTiny } from "../models/tiny.ts";

const OPTIONS = { rank: 3, alpha: 6, targets: ["q_proj"] };

async function fresh(model: Model, options: Partial<AdapterOptions>) {
  const engine = await freshEngine();
  try {
    const adapter = Adapter.fresh(engine, model, { ...OPTIONS, ...options });
    const { graph } = model.lossGraph(engine, { T: 8, adapt: adapter.adapt });
    engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
    adapter.load(engine.store, 7);
    return await adapter.read(engine.store, "");
  } finally {
    engine.store.destroy();
  }
}

const isConfigError = (message: RegExp) => (fault: Error) =>
  fault instanceof ConfigError && message.test(fault.message);

Deno.test("tokens begin as the base's, by ids or texts, of the head too where it is its own", () =>
  withTiny({ tied: false, dtype: "BF16" }, async (folder) => {
    using model = new Model(folder, { quantize: "q8_0" });
    const [id] = model.tokenizer.encode("a");
    const { tokens } = await fresh(model, {
      trainable_token_indices: { embed_tokens: ["a", "5"], lm_head: [7] },
    });
    assert.deepEqual(
      tokens!.map(({ module, ids }) => [module, ids]),
      [["model.embed_tokens", [id, 5]], ["lm_head", [7]]],
    );
    for (const { module, ids, numbers } of tokens!) {
      assert.deepEqual(numbers, keptRowsOf(model.tensors, `${module}.weight`, ids));
    }
  }));

Deno.test("tokens that cannot be trained are refused", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const refused = (options: Partial<AdapterOptions>, message: RegExp) =>
      assert.rejects(fresh(model, options), isConfigError(message));
    await refused({ trainable_token_indices: [61] }, /found token 61 of .*, which has 61 rows/);
    await refused({ trainable_token_indices: [3, 4, 3] }, /found token 3 twice/);
    await refused(
      { trainable_token_indices: ["abc"] },
      /found "abc", which is 3 tokens, wanted one/,
    );
    await refused({ trainable_token_indices: { lm_head: [3] } }, /"lm_head", wanted .* is tied to/);
    await refused(
      { trainable_token_indices: { q_proj: [3] } },
      /"q_proj", wanted model.embed_tokens/,
    );
    const both = /model.embed_tokens is adapted or saved as a whole and has trainable tokens/;
    await refused({ targets: ["embed_tokens"], trainable_token_indices: [3] }, both);
    await refused({ targets: ["lm_head"], trainable_token_indices: [3] }, both);
    await refused({ modules_to_save: ["embed_tokens"], trainable_token_indices: [3] }, both);
  }));

Deno.test("beside other adapters of a base, tokens have a graph of their own", () =>
  withTiny({}, async (folder) => {
    const saved = ["plain", "tokens"].map((name) => join(folder, `../${name}`));
    {
      using model = new Model(folder);
      writePeft(saved[0]!, await fresh(model, {}));
      writePeft(saved[1]!, await fresh(model, { trainable_token_indices: [3, 8] }));
    }
    using open = openModel((await freshEngine()).device, folder);
    const groups = openGroups(open, new Map([["plain", saved[0]!], ["tokens", saved[1]!]]));
    const found = groups.map(({ names, isPerRow }) => [...names, isPerRow]).sort();
    assert.deepEqual(found, [["plain", true], ["tokens", false]]);
    for (const group of groups) group[Symbol.dispose]();
  }));

Deno.test("damaged folders of tokens, and what cannot hold them, are refused", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const read = await fresh(model, { trainable_token_indices: [3, 8] });
    const saved = join(folder, "../saved");
    writePeft(saved, read);
    const [path, weights] = ["adapter_config.json", "adapter_model.safetensors"]
      .map((name) => join(saved, name));
    const config = readJsonObject(path!);
    const withIds = (trainable_token_indices: unknown) => {
      writeJson(path!, { ...config, trainable_token_indices });
      return () => readPeft(saved);
    };
    assertFileError(withIds([3]), "trainable_tokens_delta", "shape [2,32]", "each of the 1 tokens");
    assertFileError(withIds(null), "each of the 0 tokens");
    assertFileError(withIds([-1]), "a list of token ids");
    assertFileError(withIds({ embed_tokens: [3, 8], lm_head: [3] }), "lacks the", "of lm_head");
    withIds([3, 8]);
    const without = tensorsOf(read).filter(({ name }) => !name.includes("token_adapter"));
    writeSafetensors(weights!, without);
    assertFileError(() => readPeft(saved), "lacks the", "of the embedding");

    const narrow = { ...read.tokens![0]!, numbers: new Float32Array(2 * 28) };
    const engine = await freshEngine();
    assert.throws(
      () => Adapter.of(engine, model, { ...read, tokens: [narrow] }),
      isConfigError(/2 tokens of model.embed_tokens in 56 numbers, the model has 32 a token/),
    );
    writePeft(saved, { ...read, tokens: [narrow] });
    const out = join(folder, "../out");
    assertFileError(() => mergeAdapter(folder, saved, out), "tokens 3,8 of", "[61,32]");
    assertFileError(() => exportGgufLora(folder, read, out), "rows of model.embed_tokens", "merge");
    const one = { folder: "one", adapter: read, weight: 1 };
    assert.throws(
      () => combine([one, { ...one, folder: "two" }], { method: "svd" }),
      isConfigError(/Cannot combine one: it has rows of model.embed_tokens for 2 tokens/),
    );
    engine.store.destroy();
  }));
