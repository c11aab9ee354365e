/**
 * The GPT-2 family: LayerNorm before each branch, learned positions, q, k and v in one matrix and a
 * feed-forward layer without a gate.
 *
 * @module
 */
import type { Value } from "../../graph/graph.ts";
import type { Activation } from "../../ops/mod.ts";
import type { ConfigReader } from "../config.ts";
import { type Decoder, MOST_LAYERS, readActivation } from "../layers/decoder.ts";
import type { Family, Net } from "../layers/net.ts";

interface Gpt2 extends Decoder {
  readonly activation: Activation;
  /** Of the scores; in some divided by the number of the layer, from 1 on. */
  readonly scale: number;
  readonly scalesByLayer: boolean;
}

export const gpt2: Family<Gpt2> = {
  modelTypes: ["gpt2"],
  stored: {
    prefix: "transformer.",
    embedding: "transformer.wte.weight",
    transposed: /\.c_(attn|proj|fc)\.weight$/,
  },

  parse(config: ConfigReader): Gpt2 {
    config.only("add_cross_attention", [false]);
    const hidden = config.count("n_embd", 768);
    const heads = config.count("n_head", 12);
    const headDim = hidden / heads;
    if (headDim % 8 !== 0) config.refuse("n_head", heads, "heads of a multiple of 8 numbers");
    return {
      vocabSize: config.count("vocab_size", 50_257),
      context: config.count("n_positions", 1024),
      hidden,
      inner: config.countOrNull("n_inner") ?? 4 * hidden,
      layers: config.count("n_layer", 12, MOST_LAYERS),
      heads,
      groups: heads,
      headDim,
      norm: { eps: config.epsilon("layer_norm_epsilon", 1e-5), centred: true },
      tied: config.flag("tie_word_embeddings", true),
      activation: readActivation(config, "activation_function", "gelu_new"),
      scale: config.flag("scale_attn_weights", true) ? 1 / Math.sqrt(headDim) : 1,
      scalesByLayer: config.flag("scale_attn_by_inverse_layer_idx", false),
    };
  },

  forward(net: Net, c: Gpt2) {
    const tokens = net.embed("transformer.wte", c.vocabSize, c.hidden);
    let h = net.add(tokens, net.positions("transformer.wpe", c.context, c.hidden));
    for (let i = 0; i < c.layers; i++) {
      const scale = c.scalesByLayer ? c.scale / (i + 1) : c.scale;
      h = net.block(() => layer(net, c, h, `transformer.h.${i}`, scale));
    }
    return {
      hidden: net.norm(h, "transformer.ln_f", c.norm),
      ...net.head(c.vocabSize, c.hidden, c.tied ? "transformer.wte" : undefined),
    };
  },
};

function layer(net: Net, c: Gpt2, h: Value, name: string, scale: number): Value {
  const { hidden, inner, heads, groups, headDim } = c;
  const linear = (x: Value, module: string, width: number, residual?: Value) =>
    net.linear(x, `${name}.${module}`, width, { bias: true, residual });
  const x = net.norm(h, `${name}.ln_1`, c.norm);
  const [q, k, v] = net.split(linear(x, "attn.c_attn", 3 * hidden), [hidden, hidden, hidden]);
  const y = net.attention(q!, k!, v!, { heads, groups, headDim, scale });
  const middle = linear(y, "attn.c_proj", hidden, h);
  const z = net.norm(middle, `${name}.ln_2`, c.norm);
  const up = net.activate(linear(z, "mlp.c_fc", inner), c.activation);
  return linear(up, "mlp.c_proj", hidden, middle);
}
