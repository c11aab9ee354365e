/**
 * A few rows that are worth most: good, and unlike each other.
 *
 * @module
 */
import type { Reason } from "./filters.ts";
import { type Bag, bagOf, nearest } from "./diversity/rouge.ts";
import type { List } from "./lists/list.ts";
import { askedText, type RowText } from "./row.ts";
import { words } from "./words.ts";

/** What asks for nearly the same is not chosen twice: as in Self-Instruct (2212.10560). */
export const MOST_ALIKE = 0.7;

/**
 * Chooses `count` rows, the best first, leaving out each of which the prompt has a ROUGE-L above 0.7
 * with one that was chosen: few rows of high quality that differ is what LIMA showed to be enough
 * (Zhou et al. 2023, 2305.11206), which were picked by hand; best first under a bound on similarity is
 * how Deita picks by rule (Liu et al. 2023, 2312.15685). Fewer are chosen where no more differ.
 *
 * @param quality of each row, larger is better.
 * @returns why each of the others was not chosen.
 */
export function* notSelected(
  rows: List<RowText>,
  quality: ArrayLike<number>,
  count: number,
): Generator<Reason> {
  const chosen: Bag[] = [];
  const found = new Uint8Array(rows.length); // 0 is not looked at
  const bestFirst = Uint32Array.from({ length: rows.length }, (_, i) => i)
    .sort((a, b) => quality[b]! - quality[a]! || a - b);
  for (const i of bestFirst) {
    if (chosen.length >= count) break;
    const bag = bagOf(words(askedText(rows.at(i)!)));
    const isAlike = nearest(bag, chosen, MOST_ALIKE) > MOST_ALIKE;
    if (!isAlike) chosen.push(bag);
    found[i] = isAlike ? ALIKE : CHOSEN;
  }
  const reasons = [`not among the best ${count}`, "asks nearly what a better row asks", null];
  for (const what of found) yield reasons[what]!;
}

const [ALIKE, CHOSEN] = [1, 2];

/**
 * The quality of rows where no model judges them: the words of the answer. The longest answers of a
 * set make a hard baseline for choosing (Zhao et al. 2024, 2402.04833).
 */
export const answerLength = ({ answer }: RowText): number => words(answer).length;
