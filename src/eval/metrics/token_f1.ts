/**
 * Words that answer and reference share.
 *
 * @module
 */
import type { TextMetric } from "./metric.ts";
import { normaliseSquad } from "./normalise.ts";

/**
 * F1 of the words, however they are ordered: `compute_f1` of SQuAD 2.0's evaluation script. Of two
 * texts one of which has no words, 1 where neither has.
 */
export const tokenF1: TextMetric = {
  kind: "text",
  name: "token_f1",
  help: "F1 of the words that answer and reference share (SQuAD)",
  score(output, reference) {
    const [found, wanted] = [words(output), words(reference)];
    if (found.length === 0 || wanted.length === 0) return found.length === wanted.length ? 1 : 0;
    const left = new Map<string, number>();
    for (const word of wanted) left.set(word, (left.get(word) ?? 0) + 1);
    let same = 0;
    for (const word of found) {
      const count = left.get(word) ?? 0;
      if (count > 0) same++;
      left.set(word, count - 1);
    }
    if (same === 0) return 0;
    const [precision, recall] = [same / found.length, same / wanted.length];
    return 2 * precision * recall / (precision + recall);
  },
};

const words = (text: string): string[] => {
  const normal = normaliseSquad(text);
  return normal === "" ? [] : normal.split(" ");
};
