/**
 * Log-likelihoods of answers to choose from.
 *
 * @module
 */
import { type Example, packedLength } from "../data/mod.ts";
import type { LossProgram } from "../models/loss_program.ts";
import { queueDocuments } from "./documents.ts";
import type { ChoiceLikelihood } from "./metrics/mod.ts";
import type { EncodedChoice } from "./tasks/encode.ts";

/**
 * The log-likelihoods of the choices of each question. Choices of one question and of others lie
 * beside each other in the rows of a replay. What is the same is computed once, so that equal choices
 * are exactly as likely: where a document lies in a row changes how its sums are rounded.
 *
 * @param questions the choices of each.
 * @throws {RangeError} where a document is longer than the program's rows.
 */
export async function choiceLikelihoods(
  program: LossProgram,
  questions: readonly (readonly EncodedChoice[])[],
): Promise<ChoiceLikelihood[][]> {
  const documents: Example[] = [];
  const known = new Map<string, number>();
  const numberOf = (example: Example, question: number | null): number => {
    const key = `${question} ${example.ids.join(" ")}`;
    const number = known.get(key) ?? documents.push(example) - 1;
    known.set(key, number);
    return number;
  };
  const numbers = questions.map((choices, question) =>
    choices.map(({ example, alone }) => ({
      within: numberOf(example, question),
      alone: alone && numberOf(alone, null),
    }))
  );
  const losses = await (await queueDocuments(program, documents)).result;
  const sumOf = (number: number) => -losses[number]!.reduce((sum, loss) => sum + loss, 0);
  return questions.map((choices, question) =>
    choices.map(({ text }, i): ChoiceLikelihood => {
      const { within, alone } = numbers[question]![i]!;
      return {
        sum: sumOf(within),
        tokens: losses[within]!.length,
        bytes: new TextEncoder().encode(text).length,
        alone: alone === null ? null : sumOf(alone),
      };
    })
  );
}

/** The most tokens of a document among such questions; 0 where there are none. */
export function longestChoice(questions: readonly (readonly EncodedChoice[])[]): number {
  const examples = questions.flat().flatMap(({ example, alone }) =>
    alone ? [example, alone] : example
  );
  return examples.reduce((most, example) => Math.max(most, packedLength(example)), 0);
}
