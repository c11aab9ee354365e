/**
 * What a preference is to a loss: how likely its two answers are.
 *
 * @module
 */

/** How likely an answer is under the model that is trained and under the reference. */
export interface Answer {
  /** Sums of the log-likelihoods of its tokens, in nats. */
  readonly tuned: number;
  /** 0 where a loss looks at no reference. */
  readonly reference: number;
  /** How many tokens. */
  readonly tokens: number;
}

/** The answers to a prompt. */
export interface Preference {
  readonly chosen: Answer;
  readonly rejected: Answer;
}

/** Preferences of answers, each chosen one followed by its rejected one. */
export function preferencesOf(answers: readonly Answer[]): Preference[] {
  return Array.from({ length: answers.length / 2 }, (_, i) => ({
    chosen: answers[2 * i]!,
    rejected: answers[2 * i + 1]!,
  }));
}

/** The loss of a preference, and its derivatives by the tuned log-likelihoods of the answers. */
export interface PreferenceGradient {
  readonly loss: number;
  readonly dchosen: number;
  readonly drejected: number;
}

/** A loss of preferences, set. */
export interface PreferenceLoss {
  /** What it counts, as in `nats a preference`. */
  readonly unit: string;
  /** Whether it compares with the base. */
  readonly hasReference: boolean;
  /** What the mean negative log-likelihood of the chosen answers' tokens counts beside it. */
  readonly sftWeight: number;
  /** What is told as the reward of an answer. */
  reward(answer: Answer): number;
  gradient(preference: Preference): PreferenceGradient;
}

/** log(tuned / reference) of an answer, in nats. */
export const logRatio = ({ tuned, reference }: Answer): number => tuned - reference;

/** A mean over an answer's tokens; an answer of none counts as one. */
export const perToken = (sum: number, { tokens }: Answer): number => sum / Math.max(1, tokens);

/** log(1 + exp(x)), without overflow. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

/** 1 / (1 + exp(-x)). */
export const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** The derivative of {@linkcode logistic}. */
export const dlogistic = (x: number): number => logistic(x) * logistic(-x);

/** -(1 - e) log sigmoid(m) - e log sigmoid(-m), and its derivative by m. */
export const smoothedSigmoid = (m: number, e: number): readonly [loss: number, dm: number] => [
  (1 - e) * softplus(-m) + e * softplus(m),
  e * logistic(m) - (1 - e) * logistic(-m),
];
