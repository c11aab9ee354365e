/**
 * The settings of objectives, as the section `objective` of a configuration has them.
 *
 * @module
 */
import type { PreferenceLossName } from "./preference/losses.ts";
import type { PreferenceSettings } from "./preference/preference.ts";

/** Supervised fine-tuning. */
export interface SftConfig {
  /** Its name. */
  readonly kind: "sft";
}

/** Learning from preferences, beside the base as reference. */
export interface DpoConfig extends PreferenceSettings {
  /** Its name. */
  readonly kind: "dpo";
  /** What a preference costs. */
  readonly loss: PreferenceLossName;
}

/** What updates minimise. */
export type ObjectiveConfig = SftConfig | DpoConfig;
