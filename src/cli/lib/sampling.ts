/**
 * The flags that say how tokens are drawn.
 *
 * @module
 */
import { suggestedSampling } from "../../inference/stop.ts";
import type { Model } from "../../models/model.ts";
import type { Arguments, Flag } from "./args.ts";
import { numberOf } from "./number.ts";
import { dim, say } from "./term.ts";

/** Those that take a number, and texts that end an answer. */
export const SAMPLING_FLAGS: Readonly<Record<string, Flag>> = {
  temperature: { type: "string", help: "0, the default, takes the likeliest token" },
  "top-k": { type: "string", help: "draw from so many tokens; 0, the default, for all" },
  "top-p": { type: "string", help: "draw from this share of probability; 1 by default" },
  seed: { type: "string", help: "same seed, same text; 0 by default" },
  stop: { type: "string", many: true, help: "text that ends an answer; may be given again" },
};

/** @throws {ConfigError} for a number out of range. */
export function samplingOf({ flags, lists }: Pick<Arguments, "flags" | "lists">) {
  return {
    temperature: numberOf(flags, "temperature", 0, { least: 0 }),
    topK: numberOf(flags, "top-k", 0, { least: 0, whole: true }),
    topP: numberOf(flags, "top-p", 1, { least: Number.MIN_VALUE, most: 1 }),
    seed: numberOf(flags, "seed", 0, { least: 0, whole: true }),
    stopStrings: (lists["stop"] ?? []).filter((text) => text !== ""),
  };
}

/** Says how the model's makers would draw, where nothing else is asked for. */
export function saySuggestion(model: Model, { flags }: Pick<Arguments, "flags">): void {
  const isAsked = ["temperature", "top-k", "top-p"].some((name) => flags[name] !== undefined);
  const suggested = isAsked ? null : suggestedSampling(model);
  if (suggested) {
    say(dim(`the likeliest token is taken; generation_config.json suggests ${suggested}`));
  }
}
