/**
 * The SmolLM 3 family: Llama with layers that know no positions (NoPE).
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

interface SmolLm3 extends Decoder {
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
  /** Which layers rotate q and k. */
  readonly rotates: readonly boolean[];
  readonly windows: Windows;
  readonly frequencies: Frequencies;
}

export const smollm3: Family<SmolLm3> = {
  modelTypes: ["smollm3"],

  parse(config: ConfigReader): SmolLm3 {
    config.only("hidden_act", ["silu"]);
    const sizes = readDecoder(config, { context: 32_768, tied: true });
    const rotates = readRotates(config, sizes.layers);
    const used = config.flag("use_sliding_window", false);
    const window = used ? config.countOrNull("sliding_window") : undefined;
    return {
      ...sizes,
      attentionBias: config.flag("attention_bias", false),
      mlpBias: config.flag("mlp_bias", false),
      rotates,
      windows: readWindows(config, sizes.layers, window, (i) => !rotates[i]),
      frequencies: readFrequencies(config, sizes.headDim, { theta: 2_000_000 }),
    };
  },

  forward(net: Net, c: SmolLm3) {
    const table = net.angles(c.frequencies);
    return decoder(net, c, (h, layer, i) => {
      const x = net.norm(h, `${layer}.input_layernorm`, c.norm);
      const middle = attention(net, x, `${layer}.self_attn`, c, {
        angles: c.rotates[i] ? table : undefined,
        window: c.windows[i],
        bias: c.attentionBias ? "all" : undefined,
        residual: h,
      });
      const z = net.norm(middle, `${layer}.post_attention_layernorm`, c.norm);
      return gatedMlp(net, z, `${layer}.mlp`, c, { bias: c.mlpBias, residual: middle });
    });
  },
};

/** `no_rope_layers` holds a 1 for each layer that rotates, in spite of its name. */
function readRotates(config: ConfigReader, layers: number): boolean[] {
  const interval = config.count("no_rope_layer_interval", 4);
  const flags = config.list("no_rope_layers", layers) ??
    Array.from({ length: layers }, (_, i) => Number((i + 1) % interval !== 0));
  return flags.map((flag) => {
    if (flag !== 0 && flag !== 1) config.refuse("no_rope_layers", flag, "0 or 1 for each layer");
    return flag === 1;
  });
}
