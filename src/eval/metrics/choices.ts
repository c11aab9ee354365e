/**
 * Rank classification: the likeliest choice is the answer.
 *
 * @module
 */
import type { ChoiceLikelihood, ChoiceMetric } from "./metric.ts";

const ranking = (
  name: string,
  help: string,
  rank: ChoiceMetric["rank"],
  needsAlone = false,
): ChoiceMetric => ({ kind: "choices", name, help, rank, needsAlone });

/** By which number choices are ranked; those of lm-evaluation-harness, and per token. */
export const rankings: readonly ChoiceMetric[] = [
  ranking("accuracy", "the likeliest choice is the right one (T0; acc)", ({ sum }) => sum),
  ranking(
    "accuracy_per_token",
    "the likeliest choice, its log-likelihood divided by its tokens",
    ({ sum, tokens }) => sum / tokens,
  ),
  ranking(
    "accuracy_per_byte",
    "the likeliest choice, its log-likelihood divided by its bytes (acc_norm)",
    ({ sum, bytes }) => sum / bytes,
  ),
  ranking(
    "accuracy_unconditional",
    "the choice that the prompt makes likelier by most (acc_mutual_info)",
    ({ sum, alone }) => sum - alone!,
    true,
  ),
];

/** The first choice that no other is likelier than, as `argmax` of numpy gives it. */
export function likeliest(
  { rank }: ChoiceMetric,
  likelihoods: readonly ChoiceLikelihood[],
): number {
  const ranks = likelihoods.map(rank);
  return ranks.indexOf(Math.max(...ranks));
}
