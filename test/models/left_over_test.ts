/** Heads that config.json denies, and tensors that no forward reads. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { readSettings } from "../../src/export/gguf/settings.ts";
import { Generator } from "../../src/inference/generator.ts";
import { openCheckpoint, writeCheckpoint } from "../../src/io/checkpoint.ts";
import { fromFloat32, type TensorData } from "../../src/io/safetensors/safetensors.ts";
import { notesOf } from "../../src/models/left_over.ts";
import { Model } from "../../src/models/model.ts";
import { noise } from "../harness.ts";
import { freshEngine, type TinyOptions, withTiny, writeTinyAdapter } from "./tiny.ts";

/** More tensors, or others of the same names. */
type Added = Readonly<Record<string, { shape: readonly number[]; numbers: Float32Array } | string>>;

/** Writes a model anew with more tensors; a text in place of one is the name of the one it copies. */
function rewritten(folder: string, added: Added, config: Record<string, unknown> = {}): string {
  using checkpoint = openCheckpoint(folder);
  const kept = [...checkpoint.tensors.values()].map((tensor): TensorData => ({
    ...tensor,
    data: checkpoint.read(tensor.name),
  }));
  const more = Object.entries(added).map(([name, what]): TensorData => {
    if (typeof what === "string") return { ...kept.find((tensor) => tensor.name === what)!, name };
    return { name, dtype: "F32", shape: what.shape, data: fromFloat32(what.numbers, "F32") };
  });
  const out = join(folder, "..", `rewritten ${count++}`);
  const tensors = [...kept, ...more];
  writeCheckpoint(out, { config: { ...checkpoint.config, ...config }, tensors, copyFrom: folder });
  return out;
}
let count = 0;

const head = { shape: [61, 32], numbers: noise(61 * 32, 99) };
const OWN = { "lm_head.weight": head };

async function opened(folder: string) {
  using model = new Model(folder);
  const engine = await freshEngine();
  using generator = await Generator.open(engine, model, { context: 24 });
  const ids = await Array.fromAsync(generator.generate([1, 7, 9], { maxTokens: 8 }));
  const notes = notesOf(engine, model);
  engine.store.destroy();
  return { ids, notes, tied: model.config.tied };
}

const GELU = { hidden_act: "gelu_pytorch_tanh" };
const KINDS: Record<string, TinyOptions> = {
  "llama": {},
  "llama in 16 bits": { dtype: "BF16" },
  "gemma, whose config is silent": {
    config: { model_type: "gemma", ...GELU, tie_word_embeddings: undefined },
  },
};

for (const [kind, options] of Object.entries(KINDS)) {
  Deno.test(`a head that differs from the embedding that it is said to be is the head: ${kind}`, () =>
    withTiny(options, async (folder) => {
      const tied = await opened(folder);
      const denied = await opened(rewritten(folder, OWN));
      const untied = await opened(rewritten(folder, OWN, { tie_word_embeddings: false }));
      assert.deepEqual([tied.tied, denied.tied, untied.tied], [true, false, false]);
      assert.deepEqual(denied.ids, untied.ids);
      assert.notDeepEqual(denied.ids, tied.ids);
      assert.deepEqual([tied.notes, untied.notes], [[], []]);
      assert.equal(denied.notes.length, 1);
      assert.match(denied.notes[0]!, /ties embedding and head, but lm_head.weight differs/);
    }));
}

Deno.test("a head that is the embedding again is the embedding, and nothing is said", () =>
  withTiny({}, async (folder) => {
    const copy = rewritten(folder, { "lm_head.weight": "model.embed_tokens.weight" });
    const found = await opened(copy);
    assert.deepEqual([found.tied, found.notes], [true, []]);
    assert.deepEqual(found.ids, (await opened(folder)).ids);
  }));

Deno.test("a merge onto a denied head says in its config that there is one, and so does an export", () =>
  withTiny({}, async (folder) => {
    const base = rewritten(folder, OWN);
    const [adapter, out] = [join(folder, "..", "adapter"), join(folder, "..", "merged")];
    writeTinyAdapter(adapter, folder);
    mergeAdapter(base, adapter, out);
    const config = JSON.parse(Deno.readTextFileSync(join(out, "config.json")));
    assert.equal(config.tie_word_embeddings, false);
    assert.deepEqual((await opened(out)).notes, []);
    using checkpoint = openCheckpoint(base);
    assert.equal(readSettings(checkpoint).tied, false);
  }));

Deno.test("tensors that nothing reads are named with a count, buffers and copies apart", () =>
  withTiny({}, async (folder) => {
    const small = { shape: [4], numbers: noise(4, 3) };
    const buffers = {
      "model.layers.0.self_attn.rotary_emb.inv_freq": small,
      "h.0.attn.bias": small,
      "h.0.attn.masked_bias": small,
    };
    assert.deepEqual((await opened(rewritten(folder, buffers))).notes, []);
    const added = {
      ...buffers,
      "visual.patch.weight": small,
      "model.layers.0.self_attn.q_proj.weight_scale": small,
      "model.layers.1.self_attn.q_proj.weight_scale": small,
    };
    const { notes } = await opened(rewritten(folder, added));
    assert.match(
      notes[0]!,
      /: 3 tensors are not read: visual\.patch\.weight, model\.layers\.\*\.self_attn\.q_proj\.weight_scale \(2\)$/,
    );
    const shallow = await opened(rewritten(folder, {}, { num_hidden_layers: 1 }));
    assert.match(shallow.notes[0]!, /: 9 tensors are not read: model\.layers\.1\.input_layernorm/);
    const many = Object.fromEntries(Array.from("abcdefghijk", (x) => [`${x}.weight`, small]));
    const all = await opened(rewritten(folder, many));
    assert.match(all.notes[0]!, /: 11 tensors are not read: .*, h\.weight, 3 kinds more$/);
  }));
