/**
 * The OLMo 2 family: RMSNorm after each branch, and of q and k before the heads are split.
 *
 * @module
 */
import type { ConfigReader } from "../config.ts";
import { attention, type Decoder, decoder, gatedMlp, readDecoder } from "../layers/decoder.ts";
import type { Family, Net } from "../layers/net.ts";
import { type Frequencies, readFrequencies } from "../layers/rope.ts";

interface Olmo2 extends Decoder {
  readonly attentionBias: boolean;
  readonly frequencies: Frequencies;
}

export const olmo2: Family<Olmo2> = {
  modelTypes: ["olmo2"],

  parse(config: ConfigReader): Olmo2 {
    config.only("hidden_act", ["silu"]);
    const sizes = readDecoder(config, { eps: 1e-5 });
    return {
      ...sizes,
      attentionBias: config.flag("attention_bias", false),
      frequencies: readFrequencies(config, sizes.headDim),
    };
  },

  forward(net: Net, c: Olmo2) {
    const angles = net.angles(c.frequencies);
    const bias = c.attentionBias ? "all" : undefined;
    return decoder(net, c, (h, layer) => {
      const y = attention(net, h, `${layer}.self_attn`, c, { angles, bias, norm: "whole" });
      const middle = net.add(h, net.norm(y, `${layer}.post_attention_layernorm`, c.norm));
      const z = gatedMlp(net, middle, `${layer}.mlp`, c);
      return net.add(middle, net.norm(z, `${layer}.post_feedforward_layernorm`, c.norm));
    });
  },
};
