/**
 * Metrics that an answer meets or does not.
 *
 * @module
 */
import type { TextMetric } from "./metric.ts";
import { bbhAnswer, bbhOption, normalise, normaliseSquad } from "./normalise.ts";

/** The target of a row of BIG-Bench Hard that has options. */
const OPTION = /^\([A-Z]\)$/;

function match(
  name: string,
  help: string,
  matches: (output: string, reference: string) => boolean,
): TextMetric {
  const score = (output: string, reference: string) => matches(output, reference) ? 1 : 0;
  return { kind: "text", name, help, score };
}

/** Exact match under the official normalisations, and containment. */
export const matches: readonly TextMetric[] = [
  match(
    "exact_match",
    "the same but for case, punctuation and spaces (Super-NaturalInstructions)",
    (output, reference) => normalise(output) === normalise(reference),
  ),
  match(
    "exact_match_squad",
    "the same but for these and a, an, the (SQuAD)",
    (output, reference) => normaliseSquad(output) === normaliseSquad(reference),
  ),
  match(
    "exact_match_bbh",
    'the same after "answer is", or the same option (BIG-Bench Hard)',
    (output, reference) =>
      OPTION.test(reference)
        ? bbhOption(output) === bbhOption(reference)
        : bbhAnswer(output) === reference,
  ),
  match(
    "exact_match_plain",
    "the same text, but for spaces around it",
    (output, reference) => output.trim() === reference.trim(),
  ),
  match(
    "contains",
    "the reference is in the answer as whole words, but for case, punctuation and spaces",
    (output, reference) => ` ${normalise(output)} `.includes(` ${normalise(reference)} `),
  ),
];
