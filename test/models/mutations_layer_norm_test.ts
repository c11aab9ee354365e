/** Each flag of each family with LayerNorm, flipped: the golden logits must notice. */
import type { Value } from "../../src/graph/graph.ts";
import { Net } from "../../src/models/layers/net.ts";
import {
  config,
  exchanged,
  type Flip,
  otherScale,
  rope,
  withoutBias,
  withoutNorm,
  withoutRope,
} from "../golden/flips.ts";
import { testFlips } from "./test_flips.ts";

/** RMSNorm without bias in place of LayerNorm. */
const uncentred: Flip = {
  Layers: class extends Net {
    override norm(...[x, module, norm, width]: Parameters<Net["norm"]>): Value {
      return super.norm(x, module, { ...norm, centred: false }, width);
    }
  },
};

/** A feed-forward layer without its activation. */
const withoutGelu: Flip = {
  Layers: class extends Net {
    override activate(x: Value): Value {
      return x;
    }
  },
};

/** q, k and v one after another instead of side by side in each head. */
const splitWhole: Flip = {
  Layers: class extends Net {
    override split(x: Value, widths: readonly number[], heads = 1): Value[] {
      return super.split(x, widths.map((width) => heads * width));
    }
  },
};

const neoxRope = (part: number, theta = 100) =>
  rope({ partial_rotary_factor: part, rope_theta: theta });
const GPT_NEOX: Record<string, Flip> = {
  "no rope": withoutRope,
  "q, k and v in another order": splitWhole,
  "k and v exchanged": exchanged(3),
  "another eps": config({ layer_norm_eps: 1e-5 }),
  "the eps by default": config({ layer_norm_eps: undefined }),
  "no norm at the end": withoutNorm(/final_layer_norm$/),
  "no norm before attention": withoutNorm(/input_layernorm$/),
  "no norm before the feed-forward layer": withoutNorm(/post_attention_layernorm$/),
  "no bias of the feed-forward layer": withoutBias(/dense_h_to_4h$/),
  "no bias after the feed-forward layer": withoutBias(/dense_4h_to_h$/),
  "heads of another size": config({ num_attention_heads: 4, ...neoxRope(1).config }),
};

const STARCODER2: Record<string, Flip> = {
  "no rope": withoutRope,
  "another theta": rope({ rope_theta: 110 }),
  "another eps": config({ norm_epsilon: 1e-5 }),
  "the eps by default": config({ norm_epsilon: undefined }),
  "no norm at the end": withoutNorm(/^model\.norm$/),
  "no norm before attention": withoutNorm(/input_layernorm$/),
  "no norm before the feed-forward layer": withoutNorm(/post_attention_layernorm$/),
  "SiLU": config({ hidden_act: "silu" }),
};

/** Positions looked up by token instead. */
const withoutPositions: Flip = {
  Layers: class extends Net {
    override positions(module: string, context: number, hidden: number): Value {
      return super.embed(module, context, hidden);
    }
  },
};

const GPT2: Record<string, Flip> = {
  "no positions": withoutPositions,
  "another eps": config({ layer_norm_epsilon: 1e-5 }),
  "the eps by default": config({ layer_norm_epsilon: undefined }),
  "no norm at the end": withoutNorm(/ln_f$/),
  "no norm before attention": withoutNorm(/ln_1$/),
  "no norm before the feed-forward layer": withoutNorm(/ln_2$/),
  "no bias of q, k and v": withoutBias(/c_attn$/),
  "no bias after attention": withoutBias(/attn\.c_proj$/),
  "no bias of the feed-forward layer": withoutBias(/c_fc$/),
  "no bias after the feed-forward layer": withoutBias(/mlp\.c_proj$/),
  "k and v exchanged": exchanged(3),
  "heads of another size": config({ n_head: 2 }),
};

testFlips({
  gpt2: {
    ...GPT2,
    "unscaled scores": config({ scale_attn_weights: false }),
    "scores scaled by layer": config({ scale_attn_by_inverse_layer_idx: true }),
  },
  gpt2_scales: {
    ...GPT2,
    "scaled scores": config({ scale_attn_weights: true }),
    "scores not scaled by layer": config({ scale_attn_by_inverse_layer_idx: false }),
  },
  starcoder2: {
    ...STARCODER2,
    "no window": config({ sliding_window: null }),
    "another window": config({ sliding_window: 6 }),
    "another GELU": config({ hidden_act: "gelu" }),
    "no biases": config({ use_bias: false }),
    "no bias of q": withoutBias(/q_proj$/),
    "no bias of k": withoutBias(/k_proj$/),
    "no bias of v": withoutBias(/v_proj$/),
    "no bias of o": withoutBias(/o_proj$/),
    "no bias of the feed-forward layer": withoutBias(/c_fc$/),
    "no bias after the feed-forward layer": withoutBias(/c_proj$/),
  },
  starcoder2_plain: {
    ...STARCODER2,
    "a window": config({ sliding_window: 7 }),
    "another GELU": config({ hidden_act: "gelu_pytorch_tanh" }),
  },
  gpt_neox: {
    ...GPT_NEOX,
    "another theta": neoxRope(0.5, 110),
    "another part of heads": neoxRope(1),
    "branches one after the other": config({ use_parallel_residual: false }),
    "no bias of attention": config({ attention_bias: false }),
    "another GELU": config({ hidden_act: "gelu_new" }),
    "SiLU": config({ hidden_act: "silu" }),
  },
  gpt_neox_serial: {
    ...GPT_NEOX,
    "another theta": neoxRope(0.25, 110),
    "another part of heads": neoxRope(0.5),
    "branches side by side": config({ use_parallel_residual: true }),
    "another GELU": config({ hidden_act: "gelu" }),
  },
}, { "another scale": otherScale, "RMSNorm": uncentred, "no GELU": withoutGelu });
