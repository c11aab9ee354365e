/**
 * The Phi-3 family: Llama with q, k and v in one matrix, gate and up in another.
 *
 * @module
 */
import type { ConfigReader } from "../config.ts";
import { attention, type Decoder, decoder, gatedMlp, readDecoder } from "../layers/decoder.ts";
import type { Family, Net } from "../layers/net.ts";
import { type Frequencies, readFrequencies } from "../layers/rope.ts";

interface Phi3 extends Decoder {
  readonly window: number | undefined;
  readonly frequencies: Frequencies;
}

export const phi3: Family<Phi3> = {
  modelTypes: ["phi3"],

  parse(config: ConfigReader): Phi3 {
    config.only("hidden_act", ["silu"]);
    const sizes = readDecoder(config, { context: 4096, eps: 1e-5 });
    return {
      ...sizes,
      window: config.countOrNull("sliding_window"),
      frequencies: readFrequencies(config, sizes.headDim, { part: 1, original: 4096 }),
    };
  },

  forward(net: Net, c: Phi3) {
    const angles = net.angles(c.frequencies);
    const { window } = c;
    return decoder(net, c, (h, layer) => {
      const x = net.norm(h, `${layer}.input_layernorm`, c.norm);
      const options = { angles, window, fused: true, residual: h };
      const middle = attention(net, x, `${layer}.self_attn`, c, options);
      const z = net.norm(middle, `${layer}.post_attention_layernorm`, c.norm);
      return gatedMlp(net, z, `${layer}.mlp`, c, { fused: true, residual: middle });
    });
  },
};
