/**
 * The Qwen 2 and 2.5 family: Llama with a bias on q, k and v, some layers in a sliding window.
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

interface Qwen2 extends Decoder {
  readonly windows: Windows;
  readonly frequencies: Frequencies;
}

export const qwen2: Family<Qwen2> = {
  modelTypes: ["qwen2"],

  parse(config: ConfigReader): Qwen2 {
    config.only("hidden_act", ["silu"]);
    const sizes = readDecoder(config, { context: 32_768 });
    return {
      ...sizes,
      windows: readQwenWindows(config, sizes.layers),
      frequencies: readFrequencies(config, sizes.headDim),
    };
  },

  forward(net: Net, c: Qwen2) {
    const angles = net.angles(c.frequencies);
    return decoder(net, c, (h, layer, i) => {
      const x = net.norm(h, `${layer}.input_layernorm`, c.norm);
      const options = { angles, window: c.windows[i], bias: "qkv", residual: h } as const;
      const middle = attention(net, x, `${layer}.self_attn`, c, options);
      const z = net.norm(middle, `${layer}.post_attention_layernorm`, c.norm);
      return gatedMlp(net, z, `${layer}.mlp`, c, { residual: middle });
    });
  },
};

/** Qwen's own way to say it: the window counts from layer `max_window_layers` on, if it is used. */
export function readQwenWindows(config: ConfigReader, layers: number): Windows {
  const used = config.flag("use_sliding_window", false);
  const window = used ? config.countOrNull("sliding_window", 4096) : undefined;
  const first = config.number("max_window_layers", 28);
  return readWindows(config, layers, window, (i) => i >= first);
}
