/** Against rouge-score, Super-NaturalInstructions and SQuAD: see test/golden/make_scores.py. */

import assert from "node:assert/strict";
import { bestScore, metricOf, metrics, type TextMetric } from "../../../src/eval/metrics/mod.ts";
import { stem } from "../../../src/eval/metrics/porter.ts";
import golden from "../../golden/scores.json" with { type: "json" };

const textMetric = (name: string) => metricOf(name) as TextMetric;

/** The generator of the fixture's maker. */
class Lcg {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  below(n: number): number {
    this.#state = Number((BigInt(this.#state) * 1664525n + 1013904223n) % 2n ** 32n);
    return (this.#state >>> 8) % n;
  }
}

const { words } = golden;
const wordsOf = (lcg: Lcg, most: number) =>
  Array.from({ length: lcg.below(most) }, () => words[lcg.below(words.length)]!);

function caseOf(number: number): [output: string, reference: string] {
  const lcg = new Lcg(number);
  const reference = wordsOf(lcg, 14);
  let output: string[] = [];
  for (const word of reference) {
    const kind = lcg.below(8);
    if (kind === 0) continue;
    if (kind === 1) output.push(words[lcg.below(words.length)]!);
    else if (kind === 2) output.push(word.toUpperCase());
    else if (kind === 3) output.splice(lcg.below(output.length + 1), 0, word);
    else output.push(word);
  }
  if (lcg.below(3) === 0) output.push(...wordsOf(lcg, 6));
  if (lcg.below(3) === 0) {
    output = reference.map((word) => lcg.below(3) === 0 ? `${word},` : word);
    if (lcg.below(2) === 0) output.splice(lcg.below(output.length + 1), 0, "the");
  }
  const space = [" ", "  ", "\t", "\n", "\u00a0"][lcg.below(5)]!;
  return [output.join(space), reference.join(" ")];
}

Deno.test(`${golden.cases.length} cases score as the official scripts score them`, () => {
  const chosen = golden.metrics.map(textMetric);
  const wrong: string[] = [];
  for (const [number, expected] of golden.cases.entries()) {
    const [output, reference] = caseOf(number);
    for (const [m, index] of expected.split(" ").entries()) {
      const found = chosen[m]!.score(output, reference);
      const wanted = golden.values[Number(index)]!;
      if (Math.abs(found - wanted) <= 1e-12) continue;
      const texts = JSON.stringify([output, reference]);
      wrong.push(`${number} ${golden.metrics[m]}: ${found}, not ${wanted}, of ${texts}`);
    }
  }
  assert.deepEqual(wrong.slice(0, 5), []);
});

Deno.test("stems are those of NLTK", () => {
  for (const [i, base] of golden.bases.entries()) {
    const found = golden.suffixes.map((suffix) => stem(base + suffix)).join(" ");
    assert.equal(found, golden.stems[i], base);
  }
});

Deno.test("the best of several references counts", () => {
  const metric = textMetric("exact_match");
  assert.equal(bestScore(metric, "Eat.", ["neat", "eat"]), 1);
  assert.equal(bestScore(metric, "seat", ["neat", "eat"]), 0);
});

Deno.test("every metric has a name of its own, and a name that is close to one is told", () => {
  assert.equal(new Set(metrics.map(({ name }) => name)).size, metrics.length);
  assert.throws(() => metricOf("rogueL"), {
    name: "ConfigError",
    message: /^Found the metric "rogueL", wanted one of exact_match, .*, did you mean "rougeL"/,
  });
});
