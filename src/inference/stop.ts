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

/** The fields of `generation_config.json` that say how to draw, by their names here. */
const SUGGESTIONS = { temperature: "temperature", top_k: "top-k", top_p: "top-p" } as const;

/**
 * How the model's makers would draw, as flags: `--temperature 0.6 --top-p 0.95`; null where they say
 * nothing, or would draw nothing. It is for people to read: without a flag the likeliest is taken.
 */
export function suggestedSampling(model: Model): string | null {
  const { fields } = readGeneration(model);
  if (fields["do_sample"] !== true) return null;
  const flags = Object.entries(SUGGESTIONS).flatMap(([name, flag]) =>
    typeof fields[name] === "number" ? [`--${flag} ${fields[name]}`] : []
  );
  return flags.length > 0 ? flags.join(" ") : null;
}

/** How the model's makers would draw; nothing where they say nothing, or would draw nothing. */
export function suggestedDrawing(model: Model): Partial<SampleOptions> {
  const { fields } = readGeneration(model);
  if (fields["do_sample"] !== true) return {};
  const { temperature, top_k, top_p, min_p } = fields;
  return {
    ...(typeof temperature === "number" && { temperature }),
    ...(typeof top_k === "number" && { topK: top_k }),
    ...(typeof top_p === "number" && { topP: top_p }),
    ...(typeof min_p === "number" && { minP: min_p }),
  };
}

function readGeneration({ folder }: Model) {
  const name = "generation_config.json";
  return { path: modelFile(folder, name), fields: modelJson(folder, name) ?? {} };
}
