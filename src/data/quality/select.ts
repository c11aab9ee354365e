/**
 * A few rows that are worth most: good, and unlike each other.
 *
 * @module
 */
import type { Reason } from "./filters.ts";
import { type Bag, bagOf, nearest } from "./diversity/rouge.ts";
import { askedText, type RowText } from "./row.ts";
import { words } from "./words.ts";

/** What asks for nearly the same is not chosen twice: as in Self-Instruct (2212.10560). */
export const MOST_ALIKE = 0.7;

/**
 * Chooses `count` rows, the best first, leaving out each of which the prompt has a ROUGE-L above 0.7
 * with one that was chosen: few rows of high quality that differ is what LIMA showed to be enough
 * (Zhou et al. 2023, 2305.11206), which were picked by hand; best first under a bound on likeness is
 * how Deita picks by rule (Liu et al. 2023, 2312.15685). Fewer are chosen where no more differ.
 *
 * @param quality of each row, larger is better.
 * @returns why each of the others was not chosen.
 */
export function notSelected(
  rows: readonly RowText[],
  quality: readonly number[],
  count: number,
): Reason[] {
  const chosen: Bag[] = [];
  const reasons: Reason[] = rows.map(() => `not among the best ${count}`);
  const bestFirst = [...rows.keys()].sort((a, b) => quality[b]! - quality[a]! || a - b);
  for (const i of bestFirst) {
    if (chosen.length >= count) break;
    const bag = bagOf(words(askedText(rows[i]!)));
    if (nearest(bag, chosen, MOST_ALIKE) > MOST_ALIKE) {
      reasons[i] = "asks nearly what a better row asks";
    } else {
      chosen.push(bag);
      reasons[i] = null;
    }
  }
  return reasons;
}

/**
 * The quality of rows where no model judges them: the words of the answer. The longest answers of a
 * set make a hard baseline for choosing (Zhao et al. 2024, 2402.04833).
 */
export const answerLength = ({ answer }: RowText): number => words(answer).length;
