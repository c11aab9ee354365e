/** What families read from config.json: both spellings, defaults, and what they refuse. */
import assert from "node:assert/strict";
import { FileError } from "../../src/errors.ts";
import { Graph } from "../../src/graph/graph.ts";
import { ConfigReader } from "../../src/models/config.ts";
import type { Decoder, Windows } from "../../src/models/layers/decoder.ts";
import { familyOf } from "../../src/models/mod.ts";
import { Net } from "../../src/models/layers/net.ts";
import { type Frequencies, readFrequencies } from "../../src/models/layers/rope.ts";
import { readGolden } from "../golden/golden.ts";

type Fields = Record<string, unknown>;

/** The config of a golden checkpoint with fields changed, as its family reads it. */
function parse<Read>(name: string, changed: Fields = {}): Decoder & Read {
  const fields = { ...readGolden(name).config, ...changed };
  const family = familyOf(fields["model_type"], "config.json");
  return family.parse(new ConfigReader("config.json", fields)) as Decoder & Read;
}

for (
  const [name, changed, key] of [
    ["llama", { hidden_act: "gelu" }, "hidden_act"],
    ["llama", { partial_rotary_factor: 0.5 }, "partial_rotary_factor"],
    ["llama", { rope_parameters: { rope_type: "mrope" } }, "rope_type"],
    ["llama", { rope_parameters: { rope_type: "yarn", beta_fast: "32" } }, "beta_fast"],
    ["mistral", { hidden_act: "relu" }, "hidden_act"],
    ["mistral", { layer_types: ["full_attention", "full_attention"] }, "layer_types"],
    ["mistral", { sliding_window: 0 }, "sliding_window"],
    ["qwen2", { layer_types: ["full_attention", "chunked_attention"] }, "layer_types"],
    ["qwen2", { layer_types: ["full_attention"] }, "layer_types"],
    ["qwen2", { use_sliding_window: false }, "layer_types"], // one of them slides
    ["qwen3", { rope_parameters: { rope_type: "dynamic" } }, "factor"],
    ["qwen3", { head_dim: 12 }, "head_dim"],
    ["smollm3", { no_rope_layers: [1, 0] }, "no_rope_layers"],
    ["smollm3", { no_rope_layers: [1, 0, 2] }, "no_rope_layers"],
    ["olmo2", { hidden_act: "gelu" }, "hidden_act"],
    ["gemma", { hidden_activation: "gelu" }, "hidden_activation"],
    ["gemma", { use_bidirectional_attention: true }, "use_bidirectional_attention"],
    ["gemma2", { attn_logit_softcapping: "soft" }, "attn_logit_softcapping"],
    ["gemma2", { layer_types: ["sliding_attention", "linear_attention"] }, "layer_types"],
    ["gemma3_text", { final_logit_softcapping: 30 }, "final_logit_softcapping"],
    ["gemma3_text", { attn_logit_softcapping: 50 }, "attn_logit_softcapping"],
    ["gemma3_text", { use_bidirectional_attention: true }, "use_bidirectional_attention"],
    ["gpt2", { activation_function: "quick_gelu" }, "activation_function"],
    ["gpt_neox", { hidden_act: "quick_gelu" }, "hidden_act"],
    ["gpt_neox", { rope_parameters: null, rotary_pct: 0.35 }, "partial_rotary_factor"],
    ["gpt2", { add_cross_attention: true }, "add_cross_attention"],
    ["gpt2", { n_head: 8 }, "n_head"],
    ["phi3", { rope_parameters: { rope_type: "longrope" } }, "short_factor"],
    ["phi3", { rope_parameters: undefined, partial_rotary_factor: 0.7 }, "partial_rotary_factor"],
    ["phi3", { rope_parameters: undefined, partial_rotary_factor: 2 }, "partial_rotary_factor"],
    ["t5", { is_encoder_decoder: false }, "is_encoder_decoder"],
    ["t5", { feed_forward_proj: "quick_gelu" }, "feed_forward_proj"],
    ["t5", { feed_forward_proj: "gelu-relu" }, "feed_forward_proj"],
    ["t5", { d_kv: 12 }, "d_kv"],
    ["t5", { relative_attention_num_buckets: 2 }, "relative_attention_num_buckets"],
    ["t5", { relative_attention_max_distance: 4 }, "relative_attention_max_distance"],
    ["t5", { decoder_start_token_id: 96 }, "decoder_start_token_id"],
    ["t5", { pad_token_id: -1 }, "pad_token_id"],
  ] as [string, Fields, string][]
) {
  Deno.test(`${name} refuses ${JSON.stringify(changed)} by name`, () => {
    parse(name); // as it is, it is fine
    assert.throws(() => parse(name, changed), (fault: Error) => {
      assert.ok(fault instanceof FileError, String(fault));
      assert.ok(fault.message.startsWith(`config.json: "${key}" is `), fault.message);
      return true;
    });
  });
}

Deno.test("Gemma 3 reads both spellings of its two rates", () => {
  type Rates = { frequencies: { full: Frequencies; sliding: Frequencies } };
  const old = parse<Rates>("gemma3_text", {
    rope_parameters: undefined,
    rope_theta: 400,
    rope_scaling: { rope_type: "linear", factor: 2 },
    rope_local_base_freq: 30,
  });
  assert.deepEqual(old.frequencies, parse<Rates>("gemma3_text").frequencies);
  const { frequencies } = parse<Rates>("gemma3_text", { rope_parameters: undefined });
  const plain = (theta: number) => readFrequencies(new ConfigReader("", {}), 16, { theta });
  assert.deepEqual(frequencies, { full: plain(1_000_000), sliding: plain(10_000) });
});

Deno.test("windows follow from the fields of older configs", () => {
  const windows = (name: string, changed: Fields) =>
    parse<{ windows: Windows }>(name, { layer_types: undefined, ...changed }).windows;
  const none = undefined;
  const layers = { num_hidden_layers: 4 };
  assert.deepEqual(windows("qwen2", { ...layers, max_window_layers: 3 }), [none, none, none, 6]);
  const unused = { ...layers, use_sliding_window: false, sliding_window: 8 };
  assert.deepEqual(windows("qwen3", { ...unused, max_window_layers: 0 }), [none, none, none, none]);
  assert.deepEqual(windows("gemma2", layers), [6, none, 6, none]);
  const pattern = { ...layers, sliding_window_pattern: 3 };
  assert.deepEqual(windows("gemma3_text", pattern), [6, 6, none, 6]);
  const { window } = parse<{ window: number }>("mistral", { sliding_window: undefined });
  assert.equal(window, 4096);
});

Deno.test("the embedding's scale is rounded as the checkpoint stores numbers", () => {
  const scaleOf = (type: "f32" | "bf16") => {
    const graph = new Graph();
    const input = (name: string) => graph.input(name, [8]);
    const [token, position] = [input("token"), input("position")];
    const net = new Net(graph, {
      rows: { kind: "packed", token, position, start: input("start"), end: input("end") },
      positions: 8,
      typeOf: () => type,
    });
    net.embed("embed", 16, 8, Math.sqrt(3072));
    return graph.calls[0]!.attrs.scale;
  };
  assert.equal(scaleOf("f32"), Math.fround(Math.sqrt(3072)));
  assert.equal(scaleOf("bf16"), 55.5); // 55.4256 in f32
});

Deno.test("t5 reads the spellings of transformers 4 and 5, and the files of both", () => {
  const before = { scale_decoder_outputs: undefined };
  assert.equal(parse("t5", before).tied, true);
  assert.equal(parse("t5", { ...before, tie_word_embeddings: undefined }).tied, true);
  assert.equal(parse("t5_gated", { ...before, tie_word_embeddings: false }).tied, false);
  assert.equal(parse("t5_gated").tied, false); // transformers 5 has tie_word_embeddings beside it
  const { target } = parse("t5", { decoder_start_token_id: undefined, pad_token_id: 3 });
  assert.deepEqual(target, { start: 3, pad: 3 });
  const gated = (feed_forward_proj: string) =>
    parse<{ activation: string; isGated: boolean }>("t5", { feed_forward_proj });
  const { activation, isGated } = gated("gated-gelu");
  assert.deepEqual([activation, isGated], ["gelu", true]);
  assert.equal(gated("gelu").activation, "gelu_erf");
  assert.equal(gated("gated-silu").activation, "silu");
});
