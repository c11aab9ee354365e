/**
 * Virtual tokens in PEFT's folders: `prompt_embeddings`, and the config of a prompt method.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { toFiniteFloat32 } from "../../io/safetensors/finite.ts";
import {
  fromFloat32,
  type SafetensorsFile,
  type TensorData,
} from "../../io/safetensors/safetensors.ts";
import type { PromptMethod } from "../prompts/method.ts";
import { promptMethodOf } from "../prompts/mod.ts";
import type { PeftAdapter, PromptRows } from "./adapter.ts";

const TENSOR = "prompt_embeddings";

type Config = Readonly<Record<string, unknown>>;

/** Fields that say what the numbers are, or nothing of what they do. */
const FIELDS = [
  ...["auto_mapping", "base_model_name_or_path", "inference_mode", "peft_type", "peft_version"],
  ...["revision", "num_attention_heads", "num_layers", "num_virtual_tokens", "token_dim"],
  // How they began, and what trained them: the numbers in the file are what came of it.
  ...["prompt_tuning_init", "prompt_tuning_init_text", "tokenizer_name_or_path"],
  ...["tokenizer_kwargs", "init_weights", "encoder_hidden_size", "prefix_projection"],
  ...["encoder_dropout", "encoder_num_layers", "encoder_reparameterization_type"],
];

/** Fields that say what made the numbers. */
const ENCODER = /^(encoder_|prefix_projection$)/;

/** Values of other fields that are no more than the rule. */
const PLAIN: Readonly<Record<string, readonly unknown[]>> = {
  num_transformer_submodules: [1],
  task_type: ["CAUSAL_LM"],
};

/**
 * Checks the config that `path` holds.
 *
 * @throws {FileError} where a field asks for something that is not implemented, or has a wrong type.
 */
export function checkPromptConfig(config: Config, path: string): void {
  const fault = (field: string, wanted: string) => {
    const found = JSON.stringify(config[field]) ?? "missing";
    return new FileError(`Cannot use ${path}: "${field}" is ${found}, ${wanted}`);
  };
  for (const [field, value] of Object.entries(config)) {
    const isEmpty = value === null || value === false || (Array.isArray(value) && !value.length);
    if (FIELDS.includes(field) || isEmpty || PLAIN[field]?.includes(value)) continue;
    throw fault(field, "which is not implemented");
  }
  const { num_virtual_tokens: tokens, base_model_name_or_path: base } = config;
  if (!Number.isSafeInteger(tokens) || (tokens as number) < 1) {
    throw fault("num_virtual_tokens", "wanted a whole number above 0");
  }
  if (base != null && typeof base !== "string") {
    throw fault("base_model_name_or_path", "wanted text");
  }
}

/**
 * Reads the tensors of a file.
 *
 * @throws {FileError} where it has others than `prompt_embeddings`, or that of another shape.
 */
export function readPrompt(file: SafetensorsFile, config: Config): PromptRows {
  const other = file.tensors.keys().find((name) => name !== TENSOR);
  if (other !== undefined) {
    throw new FileError(`Cannot use ${file.path}: tensor "${other}" is not ${TENSOR}`);
  }
  const tensor = file.tensors.get(TENSOR);
  if (!tensor) throw new FileError(`Cannot use ${file.path}: it has no ${TENSOR}`);
  const tokens = config["num_virtual_tokens"] as number;
  const { shape, dtype } = tensor;
  if (shape.length !== 2 || shape[0] !== tokens || !["F64", "F32", "F16", "BF16"].includes(dtype)) {
    throw new FileError(
      `Cannot use ${file.path}: tensor "${TENSOR}" is ${dtype} [${shape}], wanted numbers for each of ` +
        `${tokens} virtual tokens`,
    );
  }
  return { tokens, numbers: toFiniteFloat32(file.read(TENSOR), tensor) };
}

/** The tensors of an adapter by their names in the file. */
export const promptTensors = ({ tokens, numbers }: PromptRows): TensorData[] => [{
  name: TENSOR,
  dtype: "F32",
  shape: [tokens, numbers.length / tokens],
  data: fromFloat32(numbers, "F32"),
}];

/** The config that an adapter is written with. */
export function promptConfigOf({ baseModel, config, prompt }: PeftAdapter): Config {
  const { peftType, fields }: PromptMethod = promptMethodOf(config)!;
  const { revision = null, num_layers = null, num_attention_heads = null, token_dim = null } =
    config;
  const all: Config = {
    auto_mapping: null,
    base_model_name_or_path: baseModel === "" ? null : baseModel,
    inference_mode: true,
    modules_to_save: null,
    ...{ num_attention_heads, num_layers, revision, token_dim },
    num_transformer_submodules: 1,
    num_virtual_tokens: prompt!.tokens,
    peft_type: peftType,
    task_type: "CAUSAL_LM",
    ...fields,
    // How the encoder was that is not in the file.
    ...Object.fromEntries(
      Object.entries(config).filter(([field]) => ENCODER.test(field) && field in fields),
    ),
  };
  return Object.fromEntries(Object.keys(all).sort().map((field) => [field, all[field]]));
}
