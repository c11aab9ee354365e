/**
 * Presets: short files of settings that go together, for `--preset`. They lie beneath a config and
 * flags, key by key.
 *
 * @module
 */
import gentle from "../../configs/presets/gentle.json" with { type: "json" };
import standard from "../../configs/presets/standard.json" with { type: "json" };
import thorough from "../../configs/presets/thorough.json" with { type: "json" };
import { ConfigError } from "../errors.ts";
import { didYouMean } from "../io/nearest.ts";

/** The name of a preset. */
export type PresetName = "gentle" | "standard" | "thorough";

/** Their settings, which change the model less or more. */
export const PRESETS: Readonly<Record<PresetName, Record<string, unknown>>> = {
  gentle,
  standard,
  thorough,
};

/** @throws {ConfigError} for a name that no preset has. */
export function presetNamed(name: string): PresetName {
  if (Object.hasOwn(PRESETS, name)) return name as PresetName;
  const names = Object.keys(PRESETS);
  throw new ConfigError(
    `Found --preset ${name}, wanted one of ${names.join(", ")}${didYouMean(name, names)}`,
  );
}
