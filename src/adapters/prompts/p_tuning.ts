/**
 * P-tuning: the embeddings of virtual tokens, which an MLP makes of others in training (Liu et al.,
 * 2021, arXiv 2103.10385; PEFT's `PromptEncoder`, whose LSTM is not built).
 *
 * @module
 */
import { encoderOf } from "./encoder.ts";
import type { PromptMethod } from "./method.ts";
import { EMBEDDED } from "./prompt_tuning.ts";

export const P_TUNING: PromptMethod = {
  ...EMBEDDED,
  name: "p_tuning",
  peftType: "P_TUNING",
  fields: {
    encoder_dropout: 0,
    encoder_hidden_size: null,
    encoder_num_layers: 2,
    encoder_reparameterization_type: "MLP",
  },
  encodes: () => true,

  encoder({ tokens, hidden }, inner) {
    const output = { name: "mlp_head.4", width: hidden };
    const { encoded, ...params } = encoderOf({
      ...{ tokens, width: hidden, inner, activation: "relu", outputs: [output] },
      layers: ["mlp_head.0", "mlp_head.2"],
    });
    return {
      ...params,
      virtual: (param) => ({
        embeddings: (graph) => encoded(graph, param, output),
        attended: () => undefined,
      }),
    };
  },
};
