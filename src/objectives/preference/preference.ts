/**
 * What a preference is to a loss: how likely its two answers are.
 *
 * @module
 */

/** How likely an answer is under the model that is trained and under the reference. */
export interface Answer {
  /** Sums of the log-likelihoods of its tokens, in nats. */
  readonly tuned: number;
  readonly reference: number;
  /** How many tokens. */
  readonly tokens: number;
}

/** The answers to a prompt. */
export interface Preference {
  readonly chosen: Answer;
  readonly rejected: Answer;
}

/** What losses are set by. */
export interface PreferenceSettings {
  /** How much the distance from the reference costs. */
  readonly beta: number;
  /** The share of preferences that are taken to be the wrong way round, below 1/2. */
  readonly label_smoothing: number;
}

/** The loss of a preference, and its derivatives by the tuned log-likelihoods of the answers. */
export interface PreferenceGradient {
  readonly loss: number;
  readonly dchosen: number;
  readonly drejected: number;
}

/** A loss by its name. */
export interface PreferenceLoss {
  /** Whether `label_smoothing` means anything to it. */
  readonly smooths: boolean;
  gradient(preference: Preference, settings: PreferenceSettings): PreferenceGradient;
}

/** log(tuned / reference) of an answer, in nats. */
export const logRatio = ({ tuned, reference }: Answer): number => tuned - reference;

/** The derivatives of a loss of the margin beta (log-ratio of chosen - of rejected). */
export const ofMargin = (loss: number, dmargin: number, beta: number): PreferenceGradient => ({
  loss,
  dchosen: beta * dmargin,
  drejected: -beta * dmargin,
});

/** beta times how much more the tuned model has moved to the chosen answer than to the rejected. */
export const marginOf = ({ chosen, rejected }: Preference, beta: number): number =>
  beta * (logRatio(chosen) - logRatio(rejected));
