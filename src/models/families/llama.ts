/**
 * The Llama family: RMSNorm before each branch, rotary positions, grouped heads, gated SiLU.
 *
 * @module
 */
import type { ConfigReader } from "../config.ts";
import { attention, type Decoder, decoder, gatedMlp, readDecoder } from "../layers/decoder.ts";
import type { Family, Net } from "../layers/net.ts";
import { type Frequencies, readFrequencies } from "../layers/rope.ts";

interface Llama extends Decoder {
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  readonly frequencies: Frequencies;
}

export const llama: Family<Llama> = {
  modelTypes: ["llama"],

  parse(config: ConfigReader): Llama {
    config.only("hidden_act", ["silu"]);
    const sizes = readDecoder(config);
    return {
      ...sizes,
      attentionBias: config.flag("attention_bias", false),
      mlpBias: config.flag("mlp_bias", false),
      frequencies: readFrequencies(config, sizes.headDim),
    };
  },

  forward(net: Net, c: Llama) {
    const angles = net.angles(c.frequencies);
    const bias = c.attentionBias ? "all" : undefined;
    return decoder(net, c, (h, layer) => {
      const x = net.norm(h, `${layer}.input_layernorm`, c.norm);
      const middle = attention(net, x, `${layer}.self_attn`, c, { angles, bias, residual: h });
      const z = net.norm(middle, `${layer}.post_attention_layernorm`, c.norm);
      return gatedMlp(net, z, `${layer}.mlp`, c, { bias: c.mlpBias, residual: middle });
    });
  },
};
