/**
 * The Qwen 3 family: Llama with heads of a size of their own, whose q and k are normalised.
 *
 * @module
 */
import type { ConfigReader } from "../config.ts";
import {
  attention,
  type Decoder,
  decoder,
  gatedMlp,
  readDecoder,
  type Windows,
} from "../layers/decoder.ts";
import type { Family, Net } from "../layers/net.ts";
import { readQwenWindows } from "./qwen2.ts";
import { type Frequencies, readFrequencies } from "../layers/rope.ts";

interface Qwen3 extends Decoder {
  readonly attentionBias: boolean;
  readonly windows: Windows;
  readonly frequencies: Frequencies;
}

export const qwen3: Family<Qwen3> = {
  modelTypes: ["qwen3"],

  parse(config: ConfigReader): Qwen3 {
    config.only("hidden_act", ["silu"]);
    const sizes = readDecoder(config, { context: 32_768, headDim: 128 });
    return {
      ...sizes,
      attentionBias: config.flag("attention_bias", false),
      windows: readQwenWindows(config, sizes.layers),
      frequencies: readFrequencies(config, sizes.headDim),
    };
  },

  forward(net: Net, c: Qwen3) {
    const angles = net.angles(c.frequencies);
    const bias = c.attentionBias ? "all" : undefined;
    return decoder(net, c, (h, layer, i) => {
      const x = net.norm(h, `${layer}.input_layernorm`, c.norm);
      const middle = attention(net, x, `${layer}.self_attn`, c, {
        ...{ angles, window: c.windows[i], bias, norm: "head", residual: h },
      });
      const z = net.norm(middle, `${layer}.post_attention_layernorm`, c.norm);
      return gatedMlp(net, z, `${layer}.mlp`, c, { residual: middle });
    });
  },
};
