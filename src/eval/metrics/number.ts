/**
 * Answers that are numbers, as those of GSM8K.
 *
 * @module
 */
import type { TextMetric } from "./metric.ts";

/** `ANS_RE` of grade_school_math/dataset.py of openai/grade-school-math. */
const MARKED = /#### (-?[0-9.,]+)/;
const NUMBERS = /-?\d[\d,]*(?:\.\d+)?|-?\.\d+/g;

/** The number behind the first `####`; null where there is none. */
function markedNumber(text: string): number | null {
  const digits = MARKED.exec(text)?.[1]?.replaceAll(",", "").replace(/\.$/, "");
  const number = digits === undefined || digits === "" ? NaN : Number(digits);
  return Number.isNaN(number) ? null : number;
}

/** The number behind `####`, or else the last one of the text. */
function lastNumber(text: string): number | null {
  const last = text.match(NUMBERS)?.at(-1);
  return markedNumber(text) ?? (last === undefined ? null : Number(last.replaceAll(",", "")));
}

const numbers = (
  name: string,
  help: string,
  numberOf: (output: string) => number | null,
): TextMetric => ({
  kind: "text",
  name,
  help,
  score(output, reference) {
    const number = numberOf(output);
    return number !== null && number === lastNumber(reference) ? 1 : 0;
  },
});

/** Whether the number that is answered is the wanted one. */
export const numeric: readonly TextMetric[] = [
  numbers("number", "the number behind ####, or the last one, is the wanted one", lastNumber),
  numbers("number_strict", "the number behind #### is the wanted one (GSM8K)", markedNumber),
];
