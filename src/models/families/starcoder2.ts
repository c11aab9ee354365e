/**
 * The StarCoder 2 family: Llama with LayerNorm, biases and a feed-forward layer without a gate.
 *
 * @module
 */
import type { Activation } from "../../ops/mod.ts";
import type { ConfigReader } from "../config.ts";
import {
  attention,
  type Decoder,
  decoder,
  readActivation,
  readDecoder,
} from "../layers/decoder.ts";
import type { Family, Net } from "../layers/net.ts";
import { type Frequencies, readFrequencies } from "../layers/rope.ts";

interface Starcoder2 extends Decoder {
  readonly activation: Activation;
  readonly bias: boolean;
  readonly window: number | undefined;
  readonly frequencies: Frequencies;
}

export const starcoder2: Family<Starcoder2> = {
  modelTypes: ["starcoder2"],

  parse(config: ConfigReader): Starcoder2 {
    const sizes = readDecoder(config, { context: 4096, tied: true });
    return {
      ...sizes,
      norm: { eps: config.epsilon("norm_epsilon", 1e-5), centred: true },
      activation: readActivation(config, "hidden_act", "gelu_pytorch_tanh"),
      bias: config.flag("use_bias", true),
      window: config.countOrNull("sliding_window"),
      frequencies: readFrequencies(config, sizes.headDim),
    };
  },

  forward(net: Net, c: Starcoder2) {
    const angles = net.angles(c.frequencies);
    const { window, bias } = c;
    return decoder(net, c, (h, layer) => {
      const x = net.norm(h, `${layer}.input_layernorm`, c.norm);
      const options = { angles, window, bias: bias ? "all" : undefined, residual: h } as const;
      const middle = attention(net, x, `${layer}.self_attn`, c, options);
      const z = net.norm(middle, `${layer}.post_attention_layernorm`, c.norm);
      const up = net.activate(net.linear(z, `${layer}.mlp.c_fc`, c.inner, { bias }), c.activation);
      return net.linear(up, `${layer}.mlp.c_proj`, c.hidden, { bias, residual: middle });
    });
  },
};
