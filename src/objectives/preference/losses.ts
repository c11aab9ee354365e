/**
 * The loss that a configuration asks for. A kind is a file and a line here.
 *
 * @module
 */
import type { DpoConfig, PreferenceConfig } from "../settings.ts";
import { cpo } from "./free/cpo.ts";
import { orpo } from "./free/orpo.ts";
import { simpo } from "./free/simpo.ts";
import { referenceLosses } from "./losses/mod.ts";
import { logRatio, type PreferenceLoss } from "./preference.ts";

/** The loss of a configuration. */
export function lossOf(config: PreferenceConfig): PreferenceLoss {
  switch (config.kind) {
    case "dpo":
      return againstBase(config);
    case "cpo":
      return cpo(config);
    case "simpo":
      return simpo(config);
    case "orpo":
      return orpo(config);
  }
}

/** A reward is beta times the log-ratio of an answer, as in DPO's paper. */
function againstBase({ loss, sft_weight, ...settings }: DpoConfig): PreferenceLoss {
  const { unit, gradient } = referenceLosses[loss];
  return {
    unit,
    hasReference: true,
    sftWeight: sft_weight,
    reward: (answer) => settings.beta * logRatio(answer),
    gradient: (preference) => gradient(preference, settings),
  };
}
