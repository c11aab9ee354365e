/**
 * The Gemma family: Llama with a scaled embedding, norms stored less one, and gated GELU.
 *
 * @module
 */
import type { ConfigReader } from "../config.ts";
import { attention, type Decoder, decoder, gatedMlp, readDecoder } from "../layers/decoder.ts";
import type { Family, Net } from "../layers/net.ts";
import { type Frequencies, readFrequencies } from "../layers/rope.ts";

interface Gemma extends Decoder {
  readonly attentionBias: boolean;
  readonly frequencies: Frequencies;
}

export const gemma: Family<Gemma> = {
  modelTypes: ["gemma"],

  parse(config: ConfigReader): Gemma {
    config.only("hidden_act", ["gelu", "gelu_pytorch_tanh"]); // both mean the tanh approximation
    config.only("hidden_activation", [null, "gelu_pytorch_tanh"]);
    config.only("use_bidirectional_attention", [null, false]);
    const sizes = readDecoder(config, { context: 8192, headDim: 256, tied: true });
    return {
      ...sizes,
      norm: { ...sizes.norm, unit: 1 },
      embedScale: Math.sqrt(sizes.hidden),
      attentionBias: config.flag("attention_bias", false),
      frequencies: readFrequencies(config, sizes.headDim),
    };
  },

  forward(net: Net, c: Gemma) {
    const angles = net.angles(c.frequencies);
    const bias = c.attentionBias ? "all" : undefined;
    return decoder(net, c, (h, layer) => {
      const x = net.norm(h, `${layer}.input_layernorm`, c.norm);
      const middle = attention(net, x, `${layer}.self_attn`, c, { angles, bias, residual: h });
      const z = net.norm(middle, `${layer}.post_attention_layernorm`, c.norm);
      return gatedMlp(net, z, `${layer}.mlp`, c, { activation: "gelu", residual: middle });
    });
  },
};
