/** The claims of the study of forgetting, on cells that keep them and cells that do not. */
import assert from "node:assert/strict";
import { svgOf } from "../../src/studies/engine/picture.ts";
import { readSpec } from "../../src/studies/engine/spec.ts";
import type { Score as Cell } from "../../src/studies/forgetting/cell.ts";
import { picture } from "../../src/studies/forgetting/picture.ts";
import { type Arm, experimentOf, forgettingSchema } from "../../src/studies/forgetting/spec.ts";
import { claims, table } from "../../src/studies/forgetting/table.ts";

const arms: Arm[] = [
  { name: "guard", train: {}, guard: {}, tokens: 120, isControlled: true },
  { name: "replay 50 %", train: {}, guard: { loss: "ce" }, tokens: 100, isControlled: false },
  { name: "fixed <1>", train: {}, guard: { weight: 1 }, tokens: 120, isControlled: false },
];
const spec = { arms, budgets: [1, 2, 10], seeds: [1, 2, 3] };

/** The guard learns more the larger its budget; its marginal gain is the slope of that. */
function cellsOf(change: (cell: Cell) => Partial<Cell> = () => ({})): Cell[] {
  return arms.flatMap(({ name }) =>
    spec.budgets.flatMap((budget) =>
      spec.seeds.map((seed): Cell => {
        const epsilon = Math.log1p(budget / 100);
        const raw = 0.8 * epsilon;
        const own = 3 - Math.log(raw) / 5; // its slope over 0.9 epsilon is 0.2 / (0.9 epsilon)
        const cell = {
          ...{ arm: name, seed, budget, epsilon, raw, step: 300, strength: 1, certified: true },
          marginal_gain: 0.02 / 0.9,
          ...{
            test_shift: 0.9 * epsilon,
            test_claimed: 0.9 * epsilon,
            test_se: 0.001,
          },
          task: own + (name === "guard" ? 0 : 0.3 + 0.01 * seed),
          held_out: name === "guard" ? 4 : 4.1,
          ...{ drawn: [], planted: null },
        };
        return { ...cell, ...change(cell) };
      })
    )
  );
}

const failing = (cells: Cell[]) =>
  claims(cells, spec).filter(({ holds }) => !holds).map(({ name }) => name.slice(0, 2));

Deno.test("claims() are met by cells that keep them", () => {
  assert.deepEqual(failing(cellsOf()), []);
  const gap = claims(cellsOf(), spec).find(({ name }) => /^P3: guard at 2 %/.test(name))!;
  assert.match(gap.found, /^0\.320 nats better than replay 50 %, se 0\.006, 3 seeds$/);
});

Deno.test("claims() want more than one seed for a standard error", () => {
  const one = cellsOf().filter(({ arm, seed }) => arm === "guard" || seed === 1);
  assert.deepEqual(failing(one), ["P3", "P3"]);
});

Deno.test("claims() are not met by cells that do not", () => {
  const guard = (change: Partial<Cell>) => ({ arm }: Cell) => arm === "guard" ? change : {};
  const over = ({ seed, epsilon }: Cell) => seed === 1 ? { test_claimed: 1.1 * epsilon } : {};
  assert.deepEqual(failing(cellsOf(over)), ["P1"]);
  const uncertified = (cell: Cell) => ({ ...over(cell), certified: cell.seed !== 1 });
  assert.deepEqual(failing(cellsOf(uncertified)), [], "nobody claimed anything of those");
  const wide = (cell: Cell) => cell.budget === 1 ? { raw: 3 * cell.epsilon } : {};
  assert.ok(!failing(cellsOf(wide)).includes("P2"), "budgets below 2 % are not judged");
  assert.ok(failing(cellsOf(guard({ raw: 1 }))).includes("P2"));
  assert.deepEqual(failing(cellsOf(guard({ task: 9 }))).filter((p) => p === "P3").length, 3);
  const noisy = (cell: Cell) =>
    cell.arm === "guard" ? { task: cell.task + (cell.seed === 1 ? 0.6 : 0) } : {};
  assert.deepEqual(failing(cellsOf(noisy)).filter((p) => p === "P3").length, 2, "5 % and below");
  assert.deepEqual(failing(cellsOf(guard({ marginal_gain: 1e4 }))), ["P5"]);
  assert.deepEqual(failing(cellsOf(guard({ held_out: 5 }))), ["P8", "P8", "P8"]);
  const none = claims(cellsOf(() => ({ held_out: null })), spec);
  assert.ok(!none.some(({ name }) => name.startsWith("P8")), "nothing to judge it by");
});

Deno.test("claims() without cells are not met", () => {
  const alone = claims(cellsOf().filter(({ arm }) => arm === "guard"), spec);
  const missing = alone.filter(({ holds }) => !holds);
  const names = missing.map(({ name }) => name.slice(0, 2));
  assert.deepEqual(names, ["P3", "P3", "P3", "P8", "P8", "P8"]);
  assert.ok(missing.every(({ found }) => found === "no cells"));
});

Deno.test("claims() are about replays of no more tokens, and speak of dearer ones apart", () => {
  const dear = { ...arms[1]!, name: "dear", tokens: 200 };
  const cells = cellsOf();
  const better = cells.filter(({ arm }) => arm === "guard")
    .map((cell) => ({ ...cell, arm: "dear", task: cell.task - 0.1, held_out: 3 }));
  const found = claims([...cells, ...better], { ...spec, arms: [...arms, dear] });
  const names = found.filter(({ holds }) => !holds).map(({ name }) => name);
  assert.equal(names.length, 6);
  assert.ok(names.every((name) => /replay of any number of tokens/.test(name)), names.join("\n"));
});

Deno.test("an arm changes the training's keys and the guard's; its tokens are all of an update's", async () => {
  const folder = Deno.makeTempDirSync();
  try {
    const file = `${folder}/spec.json`;
    const entries = [{ path: "rows.jsonl" }];
    const replay = { loss: "ce", weight: "tokens", share: 1 };
    Deno.writeTextFileSync(
      file,
      JSON.stringify({
        run: {
          ...{ model: "m", data: entries },
          train: { steps: 5, tokens_per_batch: 128, micro_batch_tokens: 64 },
          guard: { text: ["keep.txt"] },
        },
        test: { text: ["test.txt"], data: entries, held_out: entries },
        ...{ budgets: [2], seeds: [1] },
        arms: {
          controlled: [{ name: "guard", guard: { share: 0.5 } }],
          fixed: [
            { name: "none", guard: { weight: 0 } },
            { name: "half", train: { tokens_per_batch: 64 }, guard: replay },
            { name: "EWC", guard: { loss: "ewc", weight: 3 } },
          ],
        },
      }),
    );
    const { spec } = readSpec(file, forgettingSchema, undefined);
    const { arms, config } = await experimentOf(spec, { folder, out: folder });
    assert.deepEqual(arms.map(({ tokens }) => tokens), [192, 128, 128, 128]);
    const { train, guard } = config(arms[2]!, 7, 2, "there").config;
    assert.deepEqual([train.tokens_per_batch, train.steps, train.seed], [64, 5, 7]);
    assert.deepEqual(guard && [guard.loss, guard.budget], ["ce", "ppl:2%"]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("table() and picture() have every arm; names are escaped", () => {
  const cells = cellsOf();
  const { head, rows } = table(cells, spec);
  assert.deepEqual(head, ["arm", "1 %", "2 %", "10 %"]);
  assert.equal(rows.length, 3);
  assert.match(rows[0]!.join("|"), /^guard\|\d\.\d{3} \(raw 0\.80, test 0\.90, 3\/3\)\|/);
  const svg = svgOf(picture(cells, spec));
  assert.equal(svg.match(/<path d="M[\d.]+ [\d.]+L/g)?.length, 3);
  assert.ok(svg.includes("fixed &lt;1>") && !svg.includes("<1>"));
  const some = cells.filter(({ arm, budget }) => arm !== "guard" || budget > 1);
  const partly = svgOf(picture(some, spec));
  assert.ok(!partly.includes("NaN"));
});
