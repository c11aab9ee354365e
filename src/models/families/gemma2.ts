/**
 * The Gemma 2 family: norms before and after each branch, capped scores and logits, a sliding
 * window on every other layer.
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
  readWindows,
  type Windows,
} from "../layers/decoder.ts";
import type { Family, Net } from "../layers/net.ts";
import { type Frequencies, readFrequencies } from "../layers/rope.ts";

interface Gemma2 extends Decoder {
  readonly attentionBias: boolean;
  readonly scale: number;
  readonly scoreCap: number | undefined;
  readonly logitCap: number | undefined;
  readonly windows: Windows;
  readonly frequencies: Frequencies;
}

export const gemma2: Family<Gemma2> = {
  modelTypes: ["gemma2"],

  parse(config: ConfigReader): Gemma2 {
    config.only("hidden_activation", ["gelu_pytorch_tanh"]);
    config.only("use_bidirectional_attention", [null, false]);
    const sizes = readDecoder(config, { context: 8192, headDim: 256, tied: true });
    const window = config.countOrNull("sliding_window", 4096);
    return {
      ...sizes,
      norm: { ...sizes.norm, unit: 1 },
      embedScale: Math.sqrt(sizes.hidden),
      attentionBias: config.flag("attention_bias", false),
      scale: 1 / Math.sqrt(config.positive("query_pre_attn_scalar", 256)),
      scoreCap: config.positiveOrNull("attn_logit_softcapping", 50),
      logitCap: config.positiveOrNull("final_logit_softcapping", 30),
      windows: readWindows(config, sizes.layers, window, (i) => i % 2 === 0),
      frequencies: readFrequencies(config, sizes.headDim),
    };
  },

  forward(net: Net, c: Gemma2) {
    const angles = net.angles(c.frequencies);
    const output = decoder(net, c, (h, layer, i) => {
      const x = net.norm(h, `${layer}.input_layernorm`, c.norm);
      const y = attention(net, x, `${layer}.self_attn`, c, {
        angles,
        window: c.windows[i],
        scale: c.scale,
        cap: c.scoreCap,
        bias: c.attentionBias ? "all" : undefined,
      });
      const middle = net.add(h, net.norm(y, `${layer}.post_attention_layernorm`, c.norm));
      const z = net.norm(middle, `${layer}.pre_feedforward_layernorm`, c.norm);
      const w = gatedMlp(net, z, `${layer}.mlp`, c, { activation: "gelu" });
      return net.add(middle, net.norm(w, `${layer}.post_feedforward_layernorm`, c.norm));
    });
    return { ...output, cap: c.logitCap };
  },
};
