/**
 * LoRA adapters in the folder format of PEFT (https://github.com/huggingface/peft):
 * `adapter_config.json` beside `adapter_model.safetensors`.
 *
 * @module
 */

import { join } from "node:path";
import { exists, readJsonObject, readText, writeJson } from "../../io/files.ts";
import { rename, stageFolder } from "../../io/folders.ts";
import { openSafetensors, writeSafetensors } from "../../io/safetensors/safetensors.ts";
import { hasFactors, hasRank, methodOf } from "../methods/mod.ts";
import type { PeftAdapter } from "./adapter.ts";
import {
  HUB_WEIGHTS,
  hubConfigOf,
  hubTensors,
  readHubModules,
  refusePickle,
} from "./adapter_hub.ts";
import { checkHubConfig, isOfAdapterHub } from "./adapter_hub_config.ts";
import { checkConfig, configOf } from "./config.ts";
import { promptMethodOf } from "../prompts/mod.ts";
import { checkPromptConfig, promptConfigOf, promptTensors, readPrompt } from "./prompts.ts";
import { readTensors, tensorsOf } from "./tensors.ts";

export type { LoraWeights, PeftAdapter, PromptRows, TokenRows, WholeTensor } from "./adapter.ts";

const CONFIG_FILE = "adapter_config.json";
const WEIGHTS_FILE = "adapter_model.safetensors";

/**
 * Reads an adapter folder. Weights of any float type become f32; shapes stand at
 * {@linkcode LoraWeights}, and {@linkcode writePeft} has an example.
 *
 * @throws {FileError} If a file is missing or damaged, the adapter is of another kind than LoRA with
 * modules and biases saved whole, or a tensor is unknown, unpaired or of another rank than the config
 * says.
 */
export function readPeft(folder: string): PeftAdapter {
  const configPath = join(folder, CONFIG_FILE);
  const config = readJsonObject(configPath);
  if (isOfAdapterHub(config)) return readHubFolder(folder, checkHubConfig(config, configPath));
  if (promptMethodOf(config)) return readPromptFolder(folder, config, configPath);
  const settings = checkConfig(config, configPath);
  using file = openSafetensors(join(folder, WEIGHTS_FILE));
  const { modules, whole, carried, tables, tokens } = readTensors(file, settings, CONFIG_FILE);
  const { target_modules: targets } = settings;
  return {
    baseModel: settings.base_model_name_or_path ?? "",
    ...(hasFactors(methodOf(config))
      ? { rank: settings.r, alpha: settings.lora_alpha }
      : { rank: hasRank(methodOf(config)) ? settings.r : 0, alpha: 0 }),
    // A pattern may single out layers, which its last words could not express.
    targetModules: Array.isArray(targets) ? targets : modules.map(({ module }) => module),
    rslora: settings.use_rslora,
    ...{ modules, whole, carried, tables, tokens },
    config,
  };
}

/** A bottleneck adapter of AdapterHub's library. */
function readHubFolder(folder: string, config: PeftAdapter["config"]): PeftAdapter {
  refusePickle(folder);
  using file = openSafetensors(join(folder, HUB_WEIGHTS));
  const none = { rank: 0, alpha: 0, rslora: false, targetModules: [] };
  const baseModel = String(config["model_name"] ?? "");
  return { baseModel, ...none, modules: readHubModules(file, config), config };
}

/** An adapter of virtual tokens. */
function readPromptFolder(
  folder: string,
  config: Readonly<Record<string, unknown>>,
  path: string,
): PeftAdapter {
  checkPromptConfig(config, path);
  using file = openSafetensors(join(folder, WEIGHTS_FILE));
  const none = { rank: 0, alpha: 0, rslora: false, targetModules: [], modules: [] };
  const baseModel = (config["base_model_name_or_path"] ?? "") as string;
  return { baseModel, ...none, prompt: readPrompt(file, config), config };
}

/**
 * Writes an adapter folder with f32 weights. A new folder appears whole or not at all. In one that
 * exists both files are written and flushed under temporary names first. Where the config stays as it
 * was, the weights then take their name in one step; else a crash in between leaves no adapter, since
 * its config is missing, and never one adapter's weights beside another's config. Other files in the
 * folder stay.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { readPeft, writePeft } from "@graft/lora";
 *
 * const a = new Float32Array(128).fill(0.01); // [rank, inFeatures], and as long as [outFeatures, rank]
 * const sizes = { rank: 1, alpha: 1, scale: 1, inFeatures: 128, outFeatures: 128 };
 * const q = { module: "model.layers.0.self_attn.q_proj", a, b: a, ...sizes };
 * const settings = { baseModel: "", rank: 1, alpha: 1, targetModules: ["q_proj"], rslora: false };
 * const adapter = { ...settings, modules: [q], config: {} };
 * const folder = `${Deno.makeTempDirSync()}/adapter`;
 * writePeft(folder, adapter);
 * assert.deepEqual(readPeft(folder).modules[0]?.b, q.b);
 * ```
 *
 * @throws {RangeError} If the adapter has no module, or a module's arrays, scale or rank disagree.
 * @throws {FileError} If the disk refuses.
 */
export function writePeft(folder: string, adapter: PeftAdapter): void {
  const { modules, prompt } = adapter;
  if (modules.length === 0 && !prompt) {
    throw new RangeError("Cannot write an adapter without modules");
  }
  const isOfHub = isOfAdapterHub(adapter.config);
  const config = isOfHub
    ? hubConfigOf(adapter)
    : prompt
    ? promptConfigOf(adapter)
    : configOf(adapter);
  const tensors = isOfHub
    ? hubTensors(adapter)
    : prompt
    ? promptTensors(prompt)
    : tensorsOf(adapter);
  const weights = isOfHub ? HUB_WEIGHTS : WEIGHTS_FILE;
  stageFolder(folder, (temporary) => {
    writeSafetensors(join(temporary, weights), tensors, { format: "pt" });
    writeJson(join(temporary, CONFIG_FILE), config);
  }, (temporary, folder) => {
    if (!exists(folder)) return rename(temporary, folder);
    const config = (of: string) => readText(join(of, CONFIG_FILE));
    const isSame = exists(join(folder, CONFIG_FILE)) && config(folder) === config(temporary);
    if (isSame) rename(join(temporary, weights), join(folder, weights));
    else exchange(temporary, folder, weights);
  });
}

/** Puts the files of an adapter in the place of another's, or leaves those where that fails. */
function exchange(temporary: string, folder: string, weights: string): void {
  const former = (name: string) => join(temporary, `former ${name}`);
  const moved: [from: string, to: string][] = [];
  const move = (from: string, to: string) => {
    if (!exists(from)) return;
    rename(from, to);
    moved.push([from, to]);
  };
  try {
    for (const name of [CONFIG_FILE, WEIGHTS_FILE, HUB_WEIGHTS]) {
      move(join(folder, name), former(name));
    }
    for (const name of [weights, CONFIG_FILE]) move(join(temporary, name), join(folder, name));
  } catch (fault) {
    for (const [from, to] of moved.reverse()) rename(to, from);
    throw fault;
  }
}
