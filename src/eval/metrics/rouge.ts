/**
 * ROUGE as the Python package `rouge_score` gives it (google-research/google-research, rouge).
 *
 * @module
 */
import { l, n } from "../../deps/rouge.ts";
import type { TextMetric } from "./metric.ts";
import { stem } from "./porter.ts";

/** Words of at most so many letters are not stemmed. */
const SHORT = 3;

/** The words of a text: runs of ASCII letters and digits, in lower case. */
export const rougeWords = (text: string, stems: boolean): string[] =>
  (text.toLowerCase().match(/[a-z0-9]+/g) ?? [])
    .map((word) => stems && word.length > SHORT ? stem(word) : word);

/** The overlap of two lists of words, as an F measure. */
type Overlap = (found: readonly string[], wanted: readonly string[]) => number;

const plain = { beta: 1, tokenizer: (text: string) => text.split(" ") };
const ngrams = (size: number): Overlap => (found, wanted) =>
  n(found.join(" "), wanted.join(" "), { ...plain, n: size });
const subsequence: Overlap = (found, wanted) =>
  l(found.join(" "), wanted.join(" "), { ...plain, segmenter: (text) => [text] });

const overlaps = [
  ["rouge1", "words that are shared", ngrams(1)],
  ["rouge2", "pairs of words that are shared", ngrams(2)],
  ["rougeL", "the longest row of words that is in both", subsequence],
] as const;

/** ROUGE-1, ROUGE-2 and ROUGE-L (F measures), and each of stems. */
export const rouges: readonly TextMetric[] = overlaps.flatMap(([name, help, overlap]) =>
  [false, true].map((stems): TextMetric => ({
    kind: "text",
    name: stems ? `${name}_stem` : name,
    help: `F measure of ${help}${stems ? ", as stems" : ""} (rouge-score)`,
    score(output, reference) {
      const [found, wanted] = [rougeWords(output, stems), rougeWords(reference, stems)];
      return found.length === 0 || wanted.length === 0 ? 0 : overlap(found, wanted);
    },
  }))
);
