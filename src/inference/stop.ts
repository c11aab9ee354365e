/**
 * What a model's folder says of generation: the ids that end a text, and how to draw.
 *
 * @module
 */
import { FileError } from "../errors.ts";
import { modelFile, modelJson } from "../io/model_files.ts";
import type { Model } from "../models/model.ts";
import type { SampleOptions } from "./sample.ts";

/**
 * Ids that end a text: the tokenizer's EOS and all `eos_token_id` of `config.json` and
 * `generation_config.json`.
 *
 * @throws {FileError} where that file cannot be read, or has something else there.
 */
export function stopIds(model: Model): number[] {
  const { tokenizer, checkpoint } = model;
  const { path, fields } = readGeneration(model);
  const listed = [fields["eos_token_id"] ?? []].flat();
  const odd = listed.find((id) => !Number.isInteger(id));
  if (odd !== undefined) {
    throw new FileError(
      `${path}: found ${JSON.stringify(odd)} in "eos_token_id", wanted token ids`,
    );
  }
  const named = [checkpoint.config["eos_token_id"], listed, tokenizer.eos].flat();
  return [...new Set(named.filter((id) => typeof id === "number"))];
}

/**
 * How the model's makers would draw; null where they say nothing of it, or would take the likeliest
 * token. What they leave out stays as it is where nothing is said; the temperature is 1.
 */
export function suggestedSampling(model: Model): Partial<SampleOptions> | null {
  const { fields } = readGeneration(model);
  if (fields["do_sample"] !== true) return null;
  const { temperature, top_k, top_p, min_p } = fields;
  return {
    temperature: typeof temperature === "number" ? temperature : 1,
    ...(typeof top_k === "number" && { topK: top_k }),
    ...(typeof top_p === "number" && { topP: top_p }),
    ...(typeof min_p === "number" && { minP: min_p }),
  };
}

function readGeneration({ folder }: Model) {
  const name = "generation_config.json";
  return { path: modelFile(folder, name), fields: modelJson(folder, name) ?? {} };
}
