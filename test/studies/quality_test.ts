/** Quality: ways to choose rows, and what is told of them. */
import assert from "node:assert/strict";
import type { RowText } from "../../src/curate/mod.ts";
import { chooseRows } from "../../src/studies/quality/choose.ts";
import { concludeQuality } from "../../src/studies/quality/conclude.ts";
import { rankCorrelation } from "../../src/studies/quality/correlation.ts";
import { cellName, qualitySchema } from "../../src/studies/quality/spec.ts";
import type { QualityResult } from "../../src/studies/quality/study.ts";

const row = (instruction: string, answer: string, i: number): RowText => ({
  ...{ origin: `rows.jsonl:${i}`, instruction, input: "", answer, empty: null },
  ...{ line: "{}", format: "alpaca" },
});

/** Rows that ask much the same, and three that do not. */
const rows = [
  ...Array.from({ length: 6 }, (_, i) => row(`Say the name of fruit ${i}`, "an apple", i)),
  row("Where do fish live and why", "in the sea and in all the rivers of this land", 6),
  row("Count up to four", "one two three four", 7),
  row("Count down from four", "four three two one", 8),
];
const difficulty = [0.1, 0.2, 0.3, 0.4, null, 1.5, 0.9, 0.8, 0.05];
const choose = async (way: Parameters<typeof chooseRows>[1], count: number, seed = 1) =>
  (await chooseRows(rows, way, { count, seed, difficulty })).map((of) => rows.indexOf(of));

Deno.test("rows are chosen by selection, diversity, difficulty and at random", async () => {
  assert.deepEqual(await choose("difficulty", 3), [3, 6, 7], "above 1 misleads, null is unknown");
  assert.deepEqual(await choose("select", 1), [6], "the longest answer");
  const selected = await choose("select", 9);
  assert.ok(selected.length < 9 && selected.filter((i) => i < 6).length === 1, `${selected}`);
  const diverse = await choose("diversity", 4);
  assert.ok([6, 7, 8].every((i) => diverse.includes(i)), `${diverse}`);
  assert.deepEqual(await choose("diversity", 9), [...rows.keys()], "all, where so many are wanted");
  const twice = ["a b", "a b", "c d e f", "c d e f"].map((answer, i) => row("", answer, i));
  const again = await chooseRows(twice, "diversity", { count: 3, seed: 1, difficulty: [] });
  assert.deepEqual(again.map((of) => twice.indexOf(of)), [0, 2, 3], "covered anew, most first");
  const random = await choose("random", 4);
  assert.deepEqual(await choose("random", 4), random);
  assert.notDeepEqual(await choose("random", 4, 2), random);
});

Deno.test("rankCorrelation() is Spearman's, with ties at the mean of their ranks", () => {
  assert.equal(rankCorrelation([1, 2, 3, 9], [2, 4, 8, 9]).rho, 1);
  assert.equal(rankCorrelation([1, 2, 3, 9], [9, 4, 3, 0]).rho, -1);
  // Ranks 1, 2.5, 2.5, 4, 5 and 2, 1, 3.5, 3.5, 5.
  assert.ok(
    Math.abs(rankCorrelation([1, 2, 2, 4, 5], [3, 1, 4, 4, 5]).rho - 7.25 / 9.5) < 1e-9,
  );
  assert.deepEqual(rankCorrelation([1, 1], [1, 2]), { rho: 0, p: 1 });
  const eight = Array.from({ length: 8 }, (_, i) => i);
  assert.ok(rankCorrelation(eight, eight).p < 0.01);
  // Within each group they go apart, over all they go together.
  const [x, y, groups] = [[1, 2, 3, 11, 12, 13], [3, 2, 1, 13, 12, 11], [0, 0, 0, 1, 1, 1]];
  assert.ok(rankCorrelation(x, y).rho > 0.5);
  const within = rankCorrelation(x, y, groups);
  assert.equal(within.rho, -1);
  assert.ok(Math.abs(within.p - 2 / 36) < 0.03, "two of 36 orders go as far");
});

Deno.test("gains, lengths and predictions are told; a gain in nats is a fall", () => {
  const spec = qualitySchema.parse({
    ...{ run: {}, data: {}, tasks: [{}], ways: ["select", "random"], sizes: [100, 300] },
    ...{ metrics: ["nats", "rougeL"], seeds: [1] },
  });
  const tried = (nats: number, output: string) => ({
    loss: null,
    tasks: {
      t: {
        left_out: 0,
        answers: [0, 1].map((row) => ({
          ...{ row, phrasing: "", output, reference: "two words" },
          scores: { nats, rougeL: 1 / nats },
        })),
      },
    },
  });
  const results = new Map<string, QualityResult>([["base", tried(4, "")]]);
  for (const [i, way] of spec.ways.entries()) {
    for (const size of spec.sizes) {
      const figures = { verb_objects: 0.1, distinct_2: 0.2, nearest_rouge_l: 0.3, difficulty: 0.4 };
      const chosen = { ...figures, rows: size === 300 && i === 0 ? 120 : size, answer_words: 5 };
      results.set(cellName(way, size, 1), { ...tried(400 / size + i, "a b c"), chosen });
    }
  }
  const { tables, numbers } = concludeQuality(spec, results);
  assert.match(tables[0]!.rows[0]![2]!, /^-2\.667 .* \[120\]$/);
  assert.match(tables[0]!.rows[1]![1]!, /^\+1\.000/);
  const { lengths, predictions } = numbers as unknown as {
    lengths: object;
    predictions: { figure: string; all: { rho: number } }[];
  };
  assert.deepEqual(lengths, { base: 0, references: 2 });
  const { all } = predictions.find(({ figure }) => figure === "rows")!;
  assert.ok(all.rho > 0, "more rows, larger gains");
});
