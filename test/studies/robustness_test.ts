/** Robustness: which phrasings are trained on, and what is told of them. */
import assert from "node:assert/strict";
import { concludeRobustness } from "../../src/studies/robustness/conclude.ts";
import {
  phrasingsOf,
  robustnessSchema,
  trainedPhrasings,
} from "../../src/studies/robustness/spec.ts";
import { robustness } from "../../src/studies/robustness/study.ts";
import type { Tried } from "../../src/studies/trials/trial.ts";

const entry = { path: "rows.jsonl" };
const phrasings = Array.from({ length: 10 }, (_, i) => ({ input: `${i} {x}`, target: "{y}" }));
const spec = robustnessSchema.parse({
  run: { model: "m" },
  tasks: { a: { train: entry, test: entry, phrasings } },
  trained_on: [1, 3, 10],
  metrics: ["exact_match", "nats"],
  seeds: [1, 2],
});
const place = { folder: "/tmp", out: "/tmp/none" };

Deno.test("more phrasings are those of fewer and others; ten are the least", async () => {
  const [one, three, ten] = [1, 3, 10].map((count) => trainedPhrasings(10, count, 1));
  assert.deepEqual(three!.slice(0, 1), one);
  assert.equal(new Set(ten).size, 10);
  assert.notDeepEqual(trainedPhrasings(10, 3, 2), three);
  const few = { ...spec, tasks: { a: { ...spec.tasks["a"]!, phrasings: phrasings.slice(1) } } };
  assert.throws(
    () => phrasingsOf(few, "a", place),
    /tasks\.a\.phrasings: found 9 phrasings, wanted 10/,
  );
  const more = { ...spec, trained_on: [12] };
  assert.throws(() => phrasingsOf(more, "a", place), /found 10 phrasings, wanted 12/);
  const cells = await robustness.plan(spec, place);
  assert.equal(cells.length, 1 + 3 * 2);
});

/** Two rows in ten phrasings. */
const tried = (score: (phrasing: number) => number): Tried => ({
  loss: null,
  tasks: {
    a: {
      left_out: 0,
      answers: phrasings.flatMap((_, phrasing) =>
        [0, 1].map((row) => ({
          ...{ row, phrasing: `prompts[${phrasing}]`, output: "", reference: "" },
          scores: { exact_match: score(phrasing), nats: 1 - score(phrasing) },
        }))
      ),
    },
  },
});

Deno.test("worst, best and spread are of phrasings; what was trained on is told apart by seed", () => {
  const results = new Map<string, Tried>([["base", tried(() => 0)]]);
  for (const seed of spec.seeds) {
    for (const count of spec.trained_on) {
      const seen = trainedPhrasings(10, count, seed);
      results.set(`${count} phrasings seed ${seed}`, tried((i) => seen.includes(i) ? 1 : 0.5));
    }
  }
  const { numbers, tables } = concludeRobustness(spec, results, { a: 10 });
  const { rows } = numbers as unknown as { rows: Record<string, number>[] };
  const find = (count: number, metric: string) =>
    rows.find((row) => row["trained_on"] === count && String(row["metric"]) === metric)!;
  const three = find(3, "exact_match");
  const { worst, best, spread, seen, unseen } = three;
  assert.deepEqual({ worst, best, spread, seen, unseen }, {
    ...{ worst: 0.5, best: 1, spread: 0.5, seen: 1, unseen: 0.5 },
  });
  const mean = three["all"] as unknown as { mean: number };
  assert.ok(Math.abs(mean.mean - (0.3 + 0.7 * 0.5)) < 1e-12);
  const loss = find(3, "nats");
  assert.deepEqual([loss["worst"], loss["best"]], [0.5, 0], "of losses the largest is the worst");
  assert.deepEqual([find(10, "nats")["unseen"], find(0, "nats")["seen"]], [null, null]);
  assert.equal(tables[0]!.rows.length, 4);
});
