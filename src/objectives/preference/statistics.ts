/**
 * What is said of preferences in the metrics of a run.
 *
 * @module
 */
import { preferenceLosses, type PreferenceLossName } from "./losses.ts";
import { logRatio, type Preference, type PreferenceSettings } from "./preference.ts";

/** Means over preferences. A reward is beta times the log-ratio of an answer, as in DPO's paper. */
export interface PreferenceStatistics {
  readonly loss: number;
  readonly rewards_chosen: number;
  readonly rewards_rejected: number;
  /** Share of the preferences whose chosen answer has the higher reward. */
  readonly reward_accuracy: number;
  /** How much higher. */
  readonly reward_margin: number;
  /** Tokens of the answers. */
  readonly chosen_tokens: number;
  readonly rejected_tokens: number;
}

/** The means over some preferences, NaN of none. */
export function statisticsOf(
  preferences: readonly Preference[],
  { loss, ...settings }: PreferenceSettings & { readonly loss: PreferenceLossName },
): PreferenceStatistics {
  const mean = (value: (preference: Preference) => number) =>
    preferences.reduce((sum, preference) => sum + value(preference), 0) / preferences.length;
  const reward = (side: keyof Preference) => (preference: Preference) =>
    settings.beta * logRatio(preference[side]);
  const [chosen, rejected] = [reward("chosen"), reward("rejected")];
  return {
    loss: mean((preference) => preferenceLosses[loss].gradient(preference, settings).loss),
    rewards_chosen: mean(chosen),
    rewards_rejected: mean(rejected),
    reward_accuracy: mean((preference) => Number(chosen(preference) > rejected(preference))),
    reward_margin: mean((preference) => chosen(preference) - rejected(preference)),
    chosen_tokens: mean(({ chosen }) => chosen.tokens),
    rejected_tokens: mean(({ rejected }) => rejected.tokens),
  };
}
