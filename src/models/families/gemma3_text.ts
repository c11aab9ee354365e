/**
 * The text part of the Gemma 3 family: norms before and after each branch and of q and k, sliding
 * windows on most layers, which turn at a rate of their own.
 *
 * @module
 */
import { ConfigReader } from "../config.ts";
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

interface Gemma3 extends Decoder {
  readonly attentionBias: boolean;
  readonly scale: number;
  readonly windows: Windows;
  /** Of layers without and with a window. */
  readonly frequencies: { readonly full: Frequencies; readonly sliding: Frequencies };
}

export const gemma3Text: Family<Gemma3> = {
  modelTypes: ["gemma3_text"],

  parse(config: ConfigReader): Gemma3 {
    config.only("hidden_activation", ["gelu_pytorch_tanh"]);
    config.only("use_bidirectional_attention", [null, false]);
    config.only("attn_logit_softcapping", [null]);
    config.only("final_logit_softcapping", [null]);
    const sizes = readDecoder(config, { context: 131_072, headDim: 256, tied: true });
    const window = config.countOrNull("sliding_window", 4096);
    const pattern = config.count("sliding_window_pattern", 6);
    return {
      ...sizes,
      norm: { ...sizes.norm, unit: 1 },
      embedScale: Math.sqrt(sizes.hidden),
      attentionBias: config.flag("attention_bias", false),
      scale: 1 / Math.sqrt(config.positive("query_pre_attn_scalar", 256)),
      windows: readWindows(config, sizes.layers, window, (i) => (i + 1) % pattern !== 0),
      frequencies: readBothFrequencies(config, sizes.headDim),
    };
  },

  forward(net: Net, c: Gemma3) {
    const full = net.angles(c.frequencies.full);
    const sliding = net.angles(c.frequencies.sliding);
    return decoder(net, c, (h, layer, i) => {
      const window = c.windows[i];
      const x = net.norm(h, `${layer}.input_layernorm`, c.norm);
      const y = attention(net, x, `${layer}.self_attn`, c, {
        angles: window === undefined ? full : sliding,
        window,
        scale: c.scale,
        bias: c.attentionBias ? "all" : undefined,
        norm: "head",
      });
      const middle = net.add(h, net.norm(y, `${layer}.post_attention_layernorm`, c.norm));
      const z = net.norm(middle, `${layer}.pre_feedforward_layernorm`, c.norm);
      const w = gatedMlp(net, z, `${layer}.mlp`, c, { activation: "gelu" });
      return net.add(middle, net.norm(w, `${layer}.post_feedforward_layernorm`, c.norm));
    });
  },
};

/** One entry of `rope_parameters` a kind of layer, or the single fields of transformers 4. */
function readBothFrequencies(config: ConfigReader, headDim: number): Gemma3["frequencies"] {
  const kinds = config.section("rope_parameters");
  const read = (kind: string, theta: number, old: Record<string, unknown>) => {
    const fields = {
      max_position_embeddings: config.fields["max_position_embeddings"],
      ...(kinds ? { rope_parameters: kinds.fields[kind] } : old),
    };
    return readFrequencies(new ConfigReader(config.file, fields), headDim, { theta });
  };
  const { rope_theta, rope_scaling, rope_local_base_freq } = config.fields;
  return {
    full: read("full_attention", 1_000_000, { rope_theta, rope_scaling }),
    sliding: read("sliding_attention", 10_000, { rope_theta: rope_local_base_freq }),
  };
}
