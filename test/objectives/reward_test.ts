/** Learning rewards against TRL: loss, metrics and gradients, recovery of known ones, and runs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { parseConfig } from "../../src/config/mod.ts";
import type { Example, Sides } from "../../src/data/mod.ts";
import { scoring } from "../../src/objectives/scores.ts";
import type { ScoredRow } from "../../src/objectives/scores/loss.ts";
import { calibrationError, comparisonsOf, reward } from "../../src/objectives/scores/reward.ts";
import { train } from "../../src/train/run.ts";
import { readScoreGolden, scoreGradients, withSaved } from "../golden/score_head.ts";
import { assertClose, engine } from "../harness.ts";
import { Toy, type ToySettings } from "../train/toy.ts";
import { assertUpdate, updateOf, withGolden } from "./golden_run.ts";

const { rewards: golden } = readScoreGolden();
/** The rows take two micro-batches. */
const T = 64;

for (const [name, { centring, has_margin, ...found }] of Object.entries(golden.cases)) {
  Deno.test(`reward: loss, metrics and gradients of ${name} are TRL's`, () => {
    const rows = golden.pairs.map(({ margin, ...row }) => has_margin ? { ...row, margin } : row);
    return withGolden(rows, async (folder, path) => {
      const method = scoring({ kind: "reward", centring });
      const update = await updateOf(method, folder, { rows: path, T: 48 });
      assertUpdate(update, { wanted: found, gradients: scoreGradients(name) });
    }, withSaved(golden.adapter, "reward"));
  });
}

Deno.test("reward: ranked answers are weighed as InstructGPT weighs them", () =>
  withGolden(golden.ranked.rows, async (folder, rows) => {
    const { centring, loss } = golden.ranked;
    const update = await updateOf(scoring({ kind: "reward", centring }), folder, { rows, T });
    assertUpdate(update, { wanted: { loss }, gradients: scoreGradients("ranked") });
  }, withSaved(golden.adapter, "reward")));

const EMPTY: Example = { ids: new Uint32Array(), labels: new Int32Array(), origin: "o" };

const rowOf = (sides: Omit<Sides, "lengths">, rewards: readonly number[]): ScoredRow => ({
  example: { ...EMPTY, sides: { lengths: rewards.map(() => 1), ...sides } },
  scores: rewards.map((reward) => [reward]),
});

Deno.test("reward: all pairs of different grades are compared", () => {
  const pairs = (grades: readonly number[]) =>
    comparisonsOf({ sides: { lengths: grades.map(() => 1), grades } })
      .map(({ better, worse }) => `${better}>${worse}`);
  assert.deepEqual(pairs([3, 1, 2, 1]), ["0>1", "0>2", "0>3", "2>1", "2>3"]);
  assert.deepEqual(comparisonsOf({ sides: { lengths: [1, 1], margin: 2 } }), [
    { better: 0, worse: 1, margin: 2 },
  ]);
});

Deno.test("reward: derivatives are those of central differences (property)", () => {
  const rewards = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), {
    ...{ minLength: 4, maxLength: 4 },
  });
  const grades = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 4, maxLength: 4 });
  fc.assert(
    fc.property(
      rewards,
      grades,
      fc.double({ min: 0, max: 1, noNaN: true }),
      (r, grades, margin) => {
        fc.pre(new Set(grades).size > 1);
        const { gradient } = reward({ kind: "reward", centring: 0.3 });
        const at = (k: number, by: number) => {
          const moved = r.map((x, i) => i === k ? x + by : x);
          return gradient([rowOf({ grades }, moved), rowOf({ margin }, moved.slice(0, 2))]);
        };
        const h = 1e-5;
        for (const k of r.keys()) {
          const [[first, second]] = [at(0, 0).dscores];
          const wanted = first![k]![0]! + (second![k]?.[0] ?? 0);
          const slope = (at(k, h).loss - at(k, -h).loss) / (2 * h);
          assert.ok(Math.abs(slope - wanted) < 1e-6 * (1 + Math.abs(wanted)));
        }
      },
    ),
  );
});

Deno.test("calibrationError(): worked by hand", () => {
  assert.ok(Math.abs(calibrationError([0.8, 0.8, 0.8, 0.8, 0.2]) - 0) < 1e-12);
  assert.ok(Math.abs(calibrationError([0.9, 0.1]) - 0.4) < 1e-12);
  assert.equal(calibrationError([0.5, 0.5]), 0);
});

Deno.test("reward: gradient descent recovers planted Bradley-Terry strengths", () => {
  const planted = [1.2, 0.4, -0.3, -1.3];
  const rows = planted.flatMap((x, a) =>
    planted.flatMap((y, b) => {
      const wins = a === b ? 0 : Math.round(80 / (1 + Math.exp(y - x)));
      return Array.from({ length: wins }, () => [a, b] as const);
    })
  );
  const { gradient } = reward({ kind: "reward", centring: 0.001 });
  let found = [0, 0, 0, 0];
  for (let step = 0; step < 60; step++) {
    const { dscores } = gradient(rows.map(([a, b]) => rowOf({}, [found[a]!, found[b]!])));
    const d = [0, 0, 0, 0];
    for (const [i, [a, b]] of rows.entries()) {
      d[a]! += Number(dscores[i]![0]![0]);
      d[b]! += Number(dscores[i]![1]![0]);
    }
    found = found.map((x, i) => x - 6 * d[i]!);
  }
  assertClose(found, planted, 0.05, "strengths");
});

const WORDS = ["red", "blue", "a long word", "no", "yes.", "tom saw ann", "x"];

/** Answers whose grade is how long they are. */
function writeRanked(toy: Toy, count = 12): string {
  const path = toy.path("ranked.jsonl");
  const lines = Array.from({ length: count }, (_, i) => {
    const answers = [0, 2, 5].map((step) => WORDS[(i + step) % 7]!);
    return JSON.stringify({
      prompt: `say ${i}: `,
      answers,
      scores: answers.map(({ length }) => length),
    });
  });
  Deno.writeTextFileSync(path, lines.join("\n"));
  return path;
}

const rating = (path: string, settings: ToySettings = {}) =>
  ({
    data: [{ path }],
    objective: { kind: "reward", centring: 0.01 },
    ...settings,
  }) as ToySettings;

Deno.test("reward: a run learns the better answers, stopped or not, and saves PEFT's SEQ_CLS", async () => {
  using toy = new Toy();
  const path = writeRanked(toy);
  const settings = rating(path, {
    train: { steps: 16, checkpoint_every: 8, eval_every: 8 },
    eval: { data: [{ path }] },
  } as ToySettings);
  const { measured, last } = await toy.train("whole", settings);
  assert.ok(last!["accuracy"]! > 0.9 && last!["margin"]! > 1, JSON.stringify(last));
  assert.ok(measured["eval_accuracy"]! > 0.9 && measured["eval_calibration_error"]! < 0.3);
  let updates = 0;
  await toy.train("stopped", settings, { stopWanted: () => ++updates === 5 });
  await toy.train("stopped", settings, { resume: true });
  assert.deepEqual(toy.adapter("stopped"), toy.adapter("whole"));
  const folder = toy.path("whole/adapter");
  const config = JSON.parse(Deno.readTextFileSync(join(folder, "adapter_config.json")));
  assert.equal(config.task_type, "SEQ_CLS");
  assert.deepEqual(readPeft(folder).whole!.map(({ shape }) => [...shape]), [[1, 32]]);
});

Deno.test("reward: rows that cannot be compared are refused by name", async () => {
  using toy = new Toy();
  const refused = async (row: unknown, message: RegExp, objective: object = { kind: "reward" }) => {
    const path = toy.path("odd.jsonl");
    Deno.writeTextFileSync(path, JSON.stringify(row));
    const { device } = await engine();
    const settings = rating(path, { objective } as ToySettings);
    await assert.rejects(
      async () => await train(parseConfig({ values: toy.values("out", settings) }), { device }),
      message,
    );
  };
  const row = { prompt: "p", answers: ["a", "b", "c"] };
  await refused({ ...row, scores: [1, 2] }, /odd\.jsonl:1: found 2 scores of 3 answers/);
  await refused({ ...row, scores: [1, "x", 3] }, /found a string as the score of answers\[1\]/);
  await refused({ ...row, scores: [1, 1, 1] }, /found one score for all answers/);
  await refused({ ...row, answers: ["a", "a"] }, /found only one answer in answers that differs/);
  await refused({ ...row, answers: ["a", 7] }, /found a number in answers\[1\], wanted a text/);
  await refused({ ...row, answers: ["a", " "] }, /found an empty answers\[1\]/);
  await refused(row, /found a row of several answers \(format ranked\).*kind reward/, {
    kind: "dpo",
  });
  await refused(
    { prompt: "p", chosen: "a", rejected: "b", margin: "much" },
    /odd\.jsonl:1: found a string in margin, wanted a number/,
  );
  await refused(row, /objective\.centring: found -1, wanted a number of at least 0/, {
    ...{ kind: "reward", centring: -1 },
  });
});
