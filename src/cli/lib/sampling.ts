/**
 * The flags that say how tokens are drawn.
 *
 * @module
 */
import type { SampleOptions } from "../../inference/sample.ts";
import { suggestedSampling } from "../../inference/stop.ts";
import type { Model } from "../../models/model.ts";
import type { Arguments, Flag } from "./args.ts";
import { numberOf } from "./number.ts";
import { dim, say } from "./term.ts";

/** Those that take a number, and texts that end an answer. */
export const SAMPLING_FLAGS: Readonly<Record<string, Flag>> = {
  temperature: {
    type: "string",
    help: "0 takes the likeliest token; as generation_config.json has it by default, else 0",
  },
  "top-k": { type: "string", help: "draw from so many tokens; 0, the default, for all" },
  "top-p": { type: "string", help: "draw from this share of probability; 1 by default" },
  "min-p": { type: "string", help: "draw from tokens this share as likely as the likeliest" },
  seed: { type: "string", help: "same seed, same text; 0 by default" },
  stop: { type: "string", many: true, help: "text that ends an answer; may be given again" },
};

/** The flags by the options that they set. */
const FLAGS = { temperature: "temperature", topK: "top-k", topP: "top-p", minP: "min-p" } as const;

/** @throws {ConfigError} for a number out of range. */
export function samplingOf({ flags, lists }: Pick<Arguments, "flags" | "lists">) {
  return {
    temperature: numberOf(flags, "temperature", 0, { least: 0 }),
    topK: numberOf(flags, "top-k", 0, { least: 0, whole: true }),
    topP: numberOf(flags, "top-p", 1, { least: Number.MIN_VALUE, most: 1 }),
    minP: numberOf(flags, "min-p", 0, { least: 0, most: 1 }),
    seed: numberOf(flags, "seed", 0, { least: 0, whole: true }),
    stopStrings: (lists["stop"] ?? []).filter((text) => text !== ""),
  };
}

/** How the model's makers would draw, where no flag says how, and says so; else nothing. */
export function suggestionOf(
  model: Model,
  { flags }: Pick<Arguments, "flags">,
): Partial<SampleOptions> {
  const isAsked = Object.values(FLAGS).some((name) => flags[name] !== undefined);
  const suggested = isAsked ? null : suggestedSampling(model);
  if (!suggested) return {};
  const words = Object.entries(FLAGS).flatMap(([option, flag]) => {
    const value = suggested[option as keyof typeof FLAGS];
    return value === undefined ? [] : [`--${flag} ${value}`];
  });
  say(dim(
    `drawn as generation_config.json has it, ${words.join(" ")}; ` +
      "--temperature 0 takes the likeliest",
  ));
  return suggested;
}
