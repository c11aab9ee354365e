import assert from "node:assert/strict";
import {
  type ChoiceMetric,
  likeliest,
  metricOf,
  type TextMetric,
} from "../../../src/eval/metrics/mod.ts";

const score = (name: string, output: string, reference: string) =>
  (metricOf(name) as TextMetric).score(output, reference);

Deno.test("exact matches differ in what they look past", () => {
  const table: [output: string, reference: string, met: string][] = [
    ["The answer.", "the answer", "exact_match exact_match_squad contains"],
    ["An answer", "answer", "exact_match_squad contains"],
    [
      " answer\n",
      "answer",
      "exact_match exact_match_squad exact_match_bbh exact_match_plain contains",
    ],
    ["So the answer is (B).", "(B)", "exact_match_bbh contains"],
    ["(B) blue", "(B)", "exact_match_bbh contains"],
    ["the answer is True.\nQ:", "True", "exact_match_bbh contains"],
    ["concatenate", "cat", ""],
    ["a cat, too", "Cat", "contains"],
  ];
  const names = ["exact_match", "exact_match_squad", "exact_match_bbh", "exact_match_plain"];
  for (const [output, reference, met] of table) {
    const found = [...names, "contains"].filter((name) => score(name, output, reference) === 1);
    assert.equal(found.join(" "), met, output);
  }
});

Deno.test("numbers are the marked one, or the last", () => {
  const reference = "48+24 = <<48+24=72>>72 clips.\n#### 1,072";
  const table: [output: string, number: number, strict: number][] = [
    ["#### 1072", 1, 1],
    ["#### 1,072.", 1, 1],
    ["It is 5 + 1,067 = 1072.", 1, 0],
    ["#### 7 and 1072", 0, 0],
    ["1072 of 2", 0, 0],
    ["####", 0, 0],
    ["none", 0, 0],
  ];
  for (const [output, number, strict] of table) {
    assert.equal(score("number", output, reference), number, output);
    assert.equal(score("number_strict", output, reference), strict, output);
  }
  assert.equal(score("number", "it is -.5", "#### -0.5"), 1);
});

Deno.test("choices are ranked by sum, token, byte or gain, and the first of equals wins", () => {
  const likelihoods = [
    { sum: -4, tokens: 1, bytes: 4, alone: -3 },
    { sum: -6, tokens: 4, bytes: 5, alone: -9 },
    { sum: -4, tokens: 2, bytes: 8, alone: -2 },
  ];
  const answer = (name: string) => likeliest(metricOf(name) as ChoiceMetric, likelihoods);
  assert.equal(answer("accuracy"), 0);
  assert.equal(answer("accuracy_per_token"), 1);
  assert.equal(answer("accuracy_per_byte"), 2);
  assert.equal(answer("accuracy_unconditional"), 1);
});
