/**
 * What llama.cpp calls the families, their tensors and their settings. Sources: llama.cpp's
 * converter (`conversion/`), `gguf/tensor_mapping.py` and the loaders in `src/models/`.
 *
 * @module
 */
import { wordOf } from "../json.ts";
import { FileError } from "../../errors.ts";

/** A family as llama.cpp knows it. */
export interface Architecture {
  /** `general.architecture`. */
  readonly name: string;
  /** Whether rows of q and k are woven head by head. */
  readonly weaves: boolean;
  /** Whether norms are stored less one in the checkpoint. */
  readonly normsLessOne: boolean;
  /** Whether the loader takes a bias of every linear module; otherwise of q, k and v alone. */
  readonly allBiases: boolean;
  /** Whether the loader takes an output head of its own. */
  readonly head: boolean;
  /** Whether the loader takes a factor for each frequency. */
  readonly ropeFactors: boolean;
  /** How many heads must fill the hidden size exactly. */
  readonly headsFillHidden: boolean;
  /** Every how many layers one sees all rows, by default; absent where no window is known. */
  readonly windowPeriod?: number;
  /** llama.cpp's name of each module of a block. */
  readonly block: Readonly<Record<string, string>>;
}

const LINEAR = {
  "self_attn.q_proj": "attn_q",
  "self_attn.k_proj": "attn_k",
  "self_attn.v_proj": "attn_v",
  "self_attn.o_proj": "attn_output",
  "mlp.gate_proj": "ffn_gate",
  "mlp.up_proj": "ffn_up",
  "mlp.down_proj": "ffn_down",
};
const BEFORE = { "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm" };
const OF_HEADS = { "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm" };
const AFTER = {
  "post_attention_layernorm": "post_attention_norm",
  "post_feedforward_layernorm": "post_ffw_norm",
};

const PLAIN = {
  weaves: false,
  normsLessOne: false,
  allBiases: false,
  head: true,
  ropeFactors: false,
  headsFillHidden: false,
};

const LLAMA: Architecture = {
  ...{ ...PLAIN, name: "llama", weaves: true, allBiases: true, ropeFactors: true },
  block: { ...LINEAR, ...BEFORE },
};
const GEMMA2: Architecture = {
  ...{ ...PLAIN, name: "gemma2", normsLessOne: true, head: false, windowPeriod: 2 },
  block: { ...LINEAR, ...BEFORE, ...AFTER, "pre_feedforward_layernorm": "ffn_norm" },
};

/** By `model_type`. */
const ARCHITECTURES: Readonly<Record<string, Architecture>> = {
  llama: LLAMA,
  mistral: LLAMA,
  smollm3: { ...PLAIN, name: "smollm3", weaves: true, block: LLAMA.block },
  qwen2: { ...PLAIN, name: "qwen2", headsFillHidden: true, block: LLAMA.block },
  qwen3: { ...PLAIN, name: "qwen3", block: { ...LLAMA.block, ...OF_HEADS } },
  olmo2: {
    ...{ ...PLAIN, name: "olmo2", headsFillHidden: true },
    block: { ...LINEAR, ...AFTER, ...OF_HEADS },
  },
  gemma: { ...PLAIN, name: "gemma", normsLessOne: true, head: false, block: LLAMA.block },
  gemma2: GEMMA2,
  gemma3_text: {
    ...{ ...GEMMA2, name: "gemma3", head: true, windowPeriod: 6 },
    block: { ...GEMMA2.block, ...OF_HEADS },
  },
  phi3: {
    ...{ ...PLAIN, name: "phi3", headsFillHidden: true },
    block: {
      ...BEFORE,
      "self_attn.qkv_proj": "attn_qkv",
      "self_attn.o_proj": "attn_output",
      "mlp.gate_up_proj": "ffn_up",
      "mlp.down_proj": "ffn_down",
    },
  },
};

/**
 * The architecture of a `model_type`.
 *
 * @throws {FileError} where llama.cpp has none, or its export is not built.
 */
export function architectureOf(modelType: unknown, file: string): Architecture {
  const type = wordOf(modelType);
  if (Object.hasOwn(ARCHITECTURES, type)) return ARCHITECTURES[type]!;
  const known = Object.keys(ARCHITECTURES).join(", ");
  throw new FileError(`Cannot export ${file}: "model_type" is "${type}", wanted one of ${known}`);
}

/** llama.cpp's name of a module, or undefined where it has none. */
export function moduleName(architecture: Architecture, module: string): string | undefined {
  if (module === "model.embed_tokens") return "token_embd";
  if (module === "model.norm") return "output_norm";
  if (module === "lm_head") return architecture.head ? "output" : undefined;
  const [, layer, inner] = /^model\.layers\.(\d+)\.(.+)$/.exec(module) ?? [];
  const name = architecture.block[inner ?? ""];
  return name === undefined ? undefined : `blk.${layer}.${name}`;
}

/** Whether the rows of `module` are woven head by head. */
export function isWoven({ weaves }: Architecture, module: string): boolean {
  return weaves && /\.self_attn\.[qk]_proj$/.test(module);
}
