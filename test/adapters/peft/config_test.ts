import assert from "node:assert/strict";
import { checkConfig, scalingOf } from "../../../src/adapters/peft/config.ts";
import { assertFileError } from "../../io/helpers.ts";

const CONFIG = { peft_type: "LORA", r: 2, lora_alpha: 6, target_modules: ["q_proj"] };

/** Configs that mean something else than plain LoRA on linear modules. */
const REFUSED_CONFIGS: [string, unknown, ...string[]][] = [
  ["peft_type", "LOHA", `"LOHA"`, `wanted "LORA"`],
  ["peft_type", undefined, "peft_type is missing", `wanted "LORA"`],
  ["use_dora", 1, "true or false"],
  ["bias", "boft_only", `"none", "all", "lora_only"`],
  ["ensure_weight_tying", true, "not implemented"],
  ["lora_bias", true, "not implemented"],
  ["modules_to_save", "lm_head", "list of module names"],
  ["init_lora_weights", "pissa_niter_4", "pissa_niter_4", "not implemented"],
  ["init_lora_weights", "olora", "not implemented"],
  ["layer_replication", [[0, 4]], "not implemented"],
  ["target_parameters", ["experts.w"], "not implemented"],
  ["alora_invocation_tokens", [7], "not implemented"],
  ["loftq_config", { bits: 4 }, "not implemented"],
  ["use_qalora", true, "not implemented"],
  ["megatron_config", { a: 1 }, "not implemented"],
  ["a_field_of_the_future", "yes", "not implemented"],
  ["r", 0, "whole number above 0"],
  ["r", "4", "whole number above 0"],
  ["lora_alpha", "8", "wanted a number"],
  ["lora_dropout", 1, "from 0 to below 1"],
  ["lora_dropout", "0.1", "from 0 to below 1"],
  ["use_rslora", 1, "true or false"],
  ["rank_pattern", { "(": 4 }, "patterns"],
  ["rank_pattern", { q_proj: 0.5 }, "whole numbers"],
  ["alpha_pattern", [], "patterns"],
  ["target_modules", [1], "list of module names"],
  ["base_model_name_or_path", 1, "wanted text"],
];

for (const [field, value, ...wanted] of REFUSED_CONFIGS) {
  Deno.test(`checkConfig() refuses ${field} ${JSON.stringify(value)}`, () => {
    const config = { ...CONFIG, [field]: value };
    assertFileError(
      () => checkConfig(config, "folder/adapter_config.json"),
      "folder/adapter_config.json",
      field,
      ...wanted,
    );
  });
}

Deno.test("checkConfig() takes the fields of a full PEFT config that change nothing, or only training", () => {
  const config = {
    ...CONFIG,
    ...{ alora_invocation_tokens: null, arrow_config: null, auto_mapping: { a: "b" } },
    ...{ bias: "none", corda_config: null, ensure_weight_tying: false, eva_config: null },
    ...{ fan_in_fan_out: true, inference_mode: true, init_lora_weights: "gaussian" },
    ...{ layer_replication: null, layers_pattern: null, layers_to_transform: [0] },
    ...{ loftq_config: {}, lora_bias: false, lora_dropout: 0.05, megatron_config: null },
    ...{ megatron_core: "megatron.core", modules_to_save: null, peft_version: "0.18.0" },
    ...{ qalora_group_size: 16, revision: "main", task_type: "CAUSAL_LM", use_dora: false },
  };
  assert.equal(scalingOf("q_proj", checkConfig(config, "adapter_config.json")).scale, 3);
});
