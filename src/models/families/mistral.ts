/**
 * The Mistral family: Llama in a sliding window.
 *
 * @module
 */
import type { ConfigReader } from "../config.ts";
import { attention, type Decoder, decoder, gatedMlp, readDecoder } from "../layers/decoder.ts";
import type { Family, Net } from "../layers/net.ts";
import { type Frequencies, readFrequencies } from "../layers/rope.ts";

interface Mistral extends Decoder {
  readonly window: number | undefined;
  readonly frequencies: Frequencies;
}

export const mistral: Family<Mistral> = {
  modelTypes: ["mistral"],

  parse(config: ConfigReader): Mistral {
    config.only("hidden_act", ["silu"]);
    config.only("layer_types", [null]);
    const sizes = readDecoder(config, { context: 131_072 });
    return {
      ...sizes,
      window: config.countOrNull("sliding_window", 4096),
      frequencies: readFrequencies(config, sizes.headDim),
    };
  },

  forward(net: Net, c: Mistral) {
    const angles = net.angles(c.frequencies);
    const { window } = c;
    return decoder(net, c, (h, layer) => {
      const x = net.norm(h, `${layer}.input_layernorm`, c.norm);
      const middle = attention(net, x, `${layer}.self_attn`, c, { angles, window, residual: h });
      const z = net.norm(middle, `${layer}.post_attention_layernorm`, c.norm);
      return gatedMlp(net, z, `${layer}.mlp`, c, { residual: middle });
    });
  },
};
