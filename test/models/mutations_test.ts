/** Each flag of each family, flipped: the golden logits must notice. */
import {
  config,
  exchanged,
  type Flip,
  GEMMA3,
  gemma3Rope,
  LateNorm,
  olmo2WithNormsBefore,
  otherScale,
  rope,
  withoutBias,
  withoutEmbedScale,
  withoutNorm,
  withoutRope,
  withoutUnit,
  withSilu,
} from "../golden/flips.ts";
import { readGolden } from "../golden/golden.ts";
import { testFlips } from "./test_flips.ts";

const LLAMA3 = { ...readGolden("llama").config["rope_parameters"] as Record<string, unknown> };
const LONGROPE = readGolden("phi3_longrope").config["rope_parameters"] as Record<string, unknown>;
const longrope = (fields: object) => config({ rope_parameters: { ...LONGROPE, ...fields } });
const YARN = readGolden("qwen3_yarn").config["rope_parameters"] as object;
const yarn = (fields: object) => config({ rope_parameters: { ...YARN, ...fields } });
const EVERYWHERE: Record<string, Flip> = {
  "no rope": withoutRope,
  "another scale": otherScale,
  "another eps": config({ rms_norm_eps: 1e-5 }),
  "no norm at the end": withoutNorm(/^model\.norm$/),
};

const FLIPS: Record<string, Record<string, Flip>> = {
  llama: {
    "another theta": rope({ ...LLAMA3, rope_theta: 900 }),
    "no rope scaling": rope({ rope_theta: LLAMA3["rope_theta"] }),
    "another rope factor": rope({ ...LLAMA3, factor: 4 }),
    "another low frequency": rope({ ...LLAMA3, low_freq_factor: 2 }),
    "another high frequency": rope({ ...LLAMA3, high_freq_factor: 8 }),
    "heads of another size": config({
      ...{ num_attention_heads: 2, num_key_value_heads: 1, head_dim: 16 },
    }),
  },
  llama_bias: {
    "no bias of q": withoutBias(/q_proj$/),
    "no bias of k": withoutBias(/k_proj$/),
    "no bias of v": withoutBias(/v_proj$/),
    "no bias of o": withoutBias(/o_proj$/),
    "no bias of gate": withoutBias(/gate_proj$/),
    "no bias of up": withoutBias(/up_proj$/),
    "no bias of down": withoutBias(/down_proj$/),
    "no attention_bias": config({ attention_bias: false }),
    "no mlp_bias": config({ mlp_bias: false }),
    "no linear rope factor": rope({}),
  },
  mistral: {
    "no window": config({ sliding_window: null }),
    "the window by default": config({ sliding_window: undefined }),
    "a smaller window": config({ sliding_window: 4 }),
    "a larger window": config({ sliding_window: 6 }),
    "another theta": rope({ rope_theta: 110 }),
    "heads of another size": config({
      ...{ num_attention_heads: 8, num_key_value_heads: 4, head_dim: 8 },
    }),
  },
  mistral_full: {
    "a window": config({ sliding_window: 12 }),
  },
  qwen2: {
    "no bias of q": withoutBias(/q_proj$/),
    "no bias of k": withoutBias(/k_proj$/),
    "no bias of v": withoutBias(/v_proj$/),
    "another window": config({ sliding_window: 7 }),
    "all layers full": config({ layer_types: ["full_attention", "full_attention"] }),
    "all layers sliding": config({ layer_types: ["sliding_attention", "sliding_attention"] }),
    "layers sliding from the first on": config({ layer_types: null, max_window_layers: 0 }),
    "no window in use": config({ layer_types: null, use_sliding_window: false }),
    "another theta": rope({ rope_theta: 110 }),
  },
  qwen3: {
    "no norm of q": withoutNorm(/q_norm$/),
    "no norm of k": withoutNorm(/k_norm$/),
    "norms of q and k after the rotation": { Layers: LateNorm },
    "another theta": rope({ rope_theta: 110 }),
  },
  smollm3: {
    "all layers rotate": config({ no_rope_layers: [1, 1, 1] }),
    "no layer rotates": config({ no_rope_layers: [0, 0, 0] }),
    "another layer does not rotate": config({ no_rope_layers: [0, 1, 1] }),
    "another interval": config({ no_rope_layers: null, no_rope_layer_interval: 3 }),
    "a window where nothing rotates": config({
      ...{ layer_types: null, use_sliding_window: true, sliding_window: 8 },
    }),
    "another theta": rope({ rope_theta: 110 }),
  },
  olmo2: {
    "no norm of q": withoutNorm(/q_norm$/),
    "no norm of k": withoutNorm(/k_norm$/),
    "norms of q and k after the rotation": { Layers: LateNorm },
    "no norm after attention": withoutNorm(/post_attention_layernorm$/),
    "no norm after the feed-forward layer": withoutNorm(/post_feedforward_layernorm$/),
    "norms before the branches": { family: olmo2WithNormsBefore },
    "another theta": rope({ rope_theta: 110 }),
  },
  gemma: {
    "no embedding scale": withoutEmbedScale,
    "norms that store the whole weight": withoutUnit,
    "SiLU instead of GELU": withSilu,
    "another theta": rope({ rope_theta: 110 }),
    "heads of another size": config({
      ...{ num_attention_heads: 8, num_key_value_heads: 4, head_dim: 8 },
    }),
  },
  gemma2: {
    "no embedding scale": withoutEmbedScale,
    "norms that store the whole weight": withoutUnit,
    "SiLU instead of GELU": withSilu,
    "no norm before attention": withoutNorm(/input_layernorm$/),
    "no norm after attention": withoutNorm(/post_attention_layernorm$/),
    "no norm before the feed-forward layer": withoutNorm(/pre_feedforward_layernorm$/),
    "no norm after the feed-forward layer": withoutNorm(/post_feedforward_layernorm$/),
    "another scale of q": config({ query_pre_attn_scalar: 22 }),
    "no cap of the scores": config({ attn_logit_softcapping: null }),
    "another cap of the scores": config({ attn_logit_softcapping: 1.6 }),
    "the cap of the scores by default": config({ attn_logit_softcapping: undefined }),
    "no cap of the logits": config({ final_logit_softcapping: null }),
    "another cap of the logits": config({ final_logit_softcapping: 4.1 }),
    "another window": config({ sliding_window: 5 }),
    "all layers full": config({ layer_types: ["full_attention", "full_attention"] }),
    "the other layer slides": config({ layer_types: ["full_attention", "sliding_attention"] }),
    "another theta": rope({ rope_theta: 110 }),
  },
  gemma3_text: {
    "no embedding scale": withoutEmbedScale,
    "norms that store the whole weight": withoutUnit,
    "SiLU instead of GELU": withSilu,
    "no norm of q": withoutNorm(/q_norm$/),
    "no norm of k": withoutNorm(/k_norm$/),
    "norms of q and k after the rotation": { Layers: LateNorm },
    "no norm before attention": withoutNorm(/input_layernorm$/),
    "no norm after attention": withoutNorm(/post_attention_layernorm$/),
    "no norm before the feed-forward layer": withoutNorm(/pre_feedforward_layernorm$/),
    "no norm after the feed-forward layer": withoutNorm(/post_feedforward_layernorm$/),
    "another scale of q": config({ query_pre_attn_scalar: 22 }),
    "the scale of q by default": config({ query_pre_attn_scalar: undefined }),
    "another window": config({ sliding_window: 5 }),
    "all layers full": config({ layer_types: ["full_attention", "full_attention"] }),
    "the other layer slides": config({ layer_types: ["full_attention", "sliding_attention"] }),
    "layers by another pattern": config({ layer_types: null, sliding_window_pattern: 3 }),
    "another theta of full layers": gemma3Rope({ rope_theta: 440 }, {}),
    "another theta of sliding layers": gemma3Rope({}, { rope_theta: 33 }),
    "another factor of full layers": gemma3Rope({ factor: 4 }, {}),
    "the tables exchanged": gemma3Rope(GEMMA3["sliding_attention"]!, GEMMA3["full_attention"]!),
  },
  phi3: {
    "no window": config({ sliding_window: null }),
    "another window": config({ sliding_window: 8 }),
    "q, k and v in another order": exchanged(3),
    "gate and up in another order": exchanged(2),
    "another theta": rope({ rope_theta: 110 }),
  },
  phi3_longrope: {
    "the plain kind": rope({ partial_rotary_factor: 0.5 }),
    "another part of heads": rope({ partial_rotary_factor: 1 }),
    "short factors in long texts": longrope({ long_factor: LONGROPE["short_factor"] }),
    "long factors in short texts": longrope({ short_factor: LONGROPE["long_factor"] }),
    "another original length": config({ original_max_position_embeddings: 24 }),
    "another factor of the scores": longrope({ attention_factor: 1.1 }),
    "another theta": longrope({ rope_theta: 110 }),
  },
  qwen3_yarn: {
    "the plain kind": rope({}),
    "another factor": yarn({ factor: 3 }),
    "another beta_fast": yarn({ beta_fast: 0.8 }),
    "another beta_slow": yarn({ beta_slow: 0.1 }),
    "another original length": yarn({ original_max_position_embeddings: 64 }),
    "another factor of the scores": yarn({ attention_factor: 1 }),
    "bounds between pairs": yarn({ truncate: false }),
    "another theta": yarn({ rope_theta: 110 }),
  },
};

testFlips(FLIPS, EVERYWHERE);
