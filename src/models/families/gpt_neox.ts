/**
 * The GPT-NeoX family, Pythia among it: LayerNorm, q, k and v of each head side by side in one
 * matrix, a part of each head turned, both branches on the same residual stream.
 *
 * @module
 */
import type { Value } from "../../graph/graph.ts";
import type { Activation } from "../../ops/mod.ts";
import { ConfigReader } from "../config.ts";
import { type Decoder, readActivation, readDecoder } from "../layers/decoder.ts";
import type { Family, Net } from "../layers/net.ts";
import { type Frequencies, readFrequencies } from "../layers/rope.ts";
import { HEAD } from "../stored.ts";

interface GptNeox extends Decoder {
  readonly activation: Activation;
  readonly attentionBias: boolean;
  readonly parallel: boolean;
  readonly frequencies: Frequencies;
}

export const gptNeox: Family<GptNeox> = {
  modelTypes: ["gpt_neox"],
  stored: {
    prefix: "gpt_neox.",
    embedding: "gpt_neox.embed_in.weight",
    aliases: { [HEAD]: "embed_out.weight" },
  },

  parse(config: ConfigReader): GptNeox {
    const sizes = readDecoder(config);
    // The names of transformers 4; what rope_parameters says stands above them.
    const { rotary_pct, rotary_emb_base, ...fields } = config.fields;
    const old = { partial_rotary_factor: rotary_pct, rope_theta: rotary_emb_base };
    return {
      ...sizes,
      groups: sizes.heads,
      norm: { eps: config.epsilon("layer_norm_eps", 1e-5), centred: true },
      activation: readActivation(config, "hidden_act", "gelu"),
      attentionBias: config.flag("attention_bias", true),
      parallel: config.flag("use_parallel_residual", true),
      frequencies: readFrequencies(
        new ConfigReader(config.file, { ...old, ...fields }),
        sizes.headDim,
        { part: 0.25 },
      ),
    };
  },

  forward(net: Net, c: GptNeox) {
    const angles = net.angles(c.frequencies);
    let h = net.embed("gpt_neox.embed_in", c.vocabSize, c.hidden);
    for (let i = 0; i < c.layers; i++) {
      h = net.block(() => layer(net, c, h, `gpt_neox.layers.${i}`, angles));
    }
    return {
      hidden: net.norm(h, "gpt_neox.final_layer_norm", c.norm),
      ...net.head(c.vocabSize, c.hidden, c.tied ? "gpt_neox.embed_in" : undefined),
    };
  },
};

function layer(net: Net, c: GptNeox, h: Value, name: string, angles: Value): Value {
  const x = net.norm(h, `${name}.input_layernorm`, c.norm);
  const middle = attention(net, c, x, `${name}.attention`, { angles, residual: h });
  const z = net.norm(c.parallel ? h : middle, `${name}.post_attention_layernorm`, c.norm);
  const up = net.linear(z, `${name}.mlp.dense_h_to_4h`, c.inner, { bias: true });
  return net.linear(net.activate(up, c.activation), `${name}.mlp.dense_4h_to_h`, c.hidden, {
    bias: true,
    residual: middle,
  });
}

function attention(
  net: Net,
  { hidden, heads, groups, headDim, attentionBias: bias }: GptNeox,
  x: Value, // [T, hidden]
  module: string,
  { angles, residual }: { angles: Value; residual: Value },
): Value {
  const qkv = net.linear(x, `${module}.query_key_value`, 3 * hidden, { bias });
  const [q, k, v] = net.split(qkv, [headDim, headDim, headDim], heads);
  const turn = (y: Value) => net.rope(y, angles, headDim);
  const sizes = { heads, groups, headDim, scale: 1 / Math.sqrt(headDim) };
  const y = net.attention(turn(q!), turn(k!), v!, sizes);
  return net.linear(y, `${module}.dense`, hidden, { bias, residual });
}
