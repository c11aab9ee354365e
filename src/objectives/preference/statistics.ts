/**
 * What is said of preferences in the metrics of a run.
 *
 * @module
 */
import type { Preference, PreferenceLoss } from "./preference.ts";

/** Means over preferences. */
export interface PreferenceStatistics {
  /** With what the chosen answers' likelihood counts beside it. */
  readonly loss: number;
  /** Negative log-likelihood of the chosen answers, nats a token, where it counts. */
  readonly sft_loss?: number;
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
  { gradient, reward, sftWeight }: PreferenceLoss,
): PreferenceStatistics {
  const mean = (value: (preference: Preference) => number) =>
    preferences.reduce((sum, preference) => sum + value(preference), 0) / preferences.length;
  const chosen = ({ chosen }: Preference) => reward(chosen);
  const rejected = ({ rejected }: Preference) => reward(rejected);
  const loss = mean((preference) => gradient(preference).loss);
  const sft = sftWeight > 0 ? chosenLoss(preferences) : 0;
  return {
    loss: loss + sftWeight * sft,
    ...(sftWeight > 0 && { sft_loss: sft }),
    rewards_chosen: mean(chosen),
    rewards_rejected: mean(rejected),
    reward_accuracy: mean((preference) => Number(chosen(preference) > rejected(preference))),
    reward_margin: mean((preference) => chosen(preference) - rejected(preference)),
    chosen_tokens: mean(({ chosen }) => chosen.tokens),
    rejected_tokens: mean(({ rejected }) => rejected.tokens),
  };
}

/** Tokens of all chosen answers. */
export const chosenTokens = (preferences: readonly Preference[]): number =>
  preferences.reduce((sum, { chosen }) => sum + chosen.tokens, 0);

/** The mean negative log-likelihood of the chosen answers' tokens, each token once. */
function chosenLoss(preferences: readonly Preference[]): number {
  const sum = preferences.reduce((sum, { chosen }) => sum - chosen.tuned, 0);
  return sum / Math.max(1, chosenTokens(preferences));
}
