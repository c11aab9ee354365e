/**
 * Prompts with the answers to others, which the model was never asked to give.
 *
 * @module
 */
import { type Example, UNSUPERVISED } from "../../data/mod.ts";

/**
 * Each prompt with the answer of the row before it, the first with that of the last: what a row has
 * from its first supervised token on. An answer that is too long for its new prompt is cut. None of
 * fewer than two rows.
 *
 * @param maxTokens of a document.
 */
export function mismatched(rows: readonly Example[], maxTokens: number): Example[] {
  if (rows.length < 2) return [];
  return rows.map((row, i) => {
    const other = rows.at(i - 1)!;
    const [prompt, answer] = [promptLength(row), promptLength(other)];
    const end = answer + maxTokens - prompt;
    return {
      ids: Uint32Array.from([...row.ids.subarray(0, prompt), ...other.ids.subarray(answer, end)]),
      labels: Int32Array.from([
        ...row.labels.subarray(0, prompt),
        ...other.labels.subarray(answer, end),
      ]),
      origin: `${row.origin} with the answer of ${other.origin}`,
    };
  });
}

const promptLength = ({ labels }: Example): number =>
  labels.findIndex((label) => label !== UNSUPERVISED);
