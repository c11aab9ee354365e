/** Rows for the tests of the quality tools. */

import type { RowText } from "../../src/curate/row.ts";

/** A row of those texts, numbered by `n`. */
export function rowOf(texts: Partial<RowText>, n = 1): RowText {
  const { instruction = "", input = "", answer = "" } = texts;
  const line = JSON.stringify({ instruction, input, output: answer });
  const origin = `rows.jsonl:${n}`;
  return { instruction, input, answer, origin, line, empty: null, format: "alpaca", ...texts };
}

/** Rows of instruction and answer. */
export function rowsOf(...rows: readonly (readonly [instruction: string, answer: string])[]) {
  return rows.map(([instruction, answer], i) => rowOf({ instruction, answer }, i + 1));
}

/** Words that are all different: from..to-1. */
export const counted = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, i) => `w${from + i}`).join(" ");
