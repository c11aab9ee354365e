/**
 * The Llama family: RMSNorm before each branch, rotary positions, grouped heads, gated SiLU.
 *
 * @module
 */
import type { ConfigReader } from "./config.ts";
import type { Family, Net } from "./net.ts";
import { type Frequencies, readFrequencies } from "./rope.ts";

interface Llama {
  readonly vocabSize: number;
  readonly context: number;
  readonly hidden: number;
  readonly inner: number;
  readonly layers: number;
  readonly heads: number;
  readonly groups: number;
  readonly headDim: number;
  readonly eps: number;
  readonly tied: boolean;
  readonly frequencies: Frequencies;
}

export const llama: Family<Llama> = {
  modelTypes: ["llama"],

  parse(config: ConfigReader): Llama {
    config.only("hidden_act", ["silu"]);
    config.only("attention_bias", [false, null]);
    config.only("mlp_bias", [false, null]);
    const hidden = config.count("hidden_size");
    const heads = config.count("num_attention_heads");
    const headDim = config.count("head_dim", hidden / heads);
    if (headDim % 8 !== 0) config.refuse("head_dim", headDim, "a multiple of 8");
    return {
      vocabSize: config.count("vocab_size"),
      context: config.count("max_position_embeddings", 2048),
      hidden,
      inner: config.count("intermediate_size"),
      layers: config.count("num_hidden_layers"),
      heads,
      groups: config.count("num_key_value_heads", heads),
      headDim,
      eps: config.number("rms_norm_eps", 1e-6),
      tied: config.flag("tie_word_embeddings", false),
      frequencies: readFrequencies(config, headDim),
    };
  },

  forward(net: Net, c: Llama) {
    const sizes = {
      heads: c.heads,
      groups: c.groups,
      headDim: c.headDim,
      scale: 1 / Math.sqrt(c.headDim),
    };
    const angles = net.angles(c.frequencies);
    let h = net.embed("model.embed_tokens", c.vocabSize, c.hidden);
    for (let i = 0; i < c.layers; i++) {
      const layer = `model.layers.${i}`;
      h = net.block(() => {
        const x = net.rmsNorm(h, `${layer}.input_layernorm`, c.eps);
        const q = net.linear(x, `${layer}.self_attn.q_proj`, c.heads * c.headDim);
        const k = net.linear(x, `${layer}.self_attn.k_proj`, c.groups * c.headDim);
        const v = net.linear(x, `${layer}.self_attn.v_proj`, c.groups * c.headDim);
        const y = net.attention(
          net.rope(q, angles, c.headDim),
          net.rope(k, angles, c.headDim),
          v,
          sizes,
        );
        const middle = net.linear(y, `${layer}.self_attn.o_proj`, c.hidden, h);

        const z = net.rmsNorm(middle, `${layer}.post_attention_layernorm`, c.eps);
        const gate = net.linear(z, `${layer}.mlp.gate_proj`, c.inner);
        const up = net.linear(z, `${layer}.mlp.up_proj`, c.inner);
        return net.linear(net.swiglu(gate, up), `${layer}.mlp.down_proj`, c.hidden, middle);
      });
    }
    return {
      hidden: net.rmsNorm(h, "model.norm", c.eps),
      head: net.matrix(
        c.tied ? "model.embed_tokens.weight" : "lm_head.weight",
        c.vocabSize,
        c.hidden,
      ),
    };
  },
};
