/** The guard's choice among moments by a metric of the run. */
import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/mod.ts";
import { forgettingGuard } from "../../src/forgetting/method.ts";
import type { PointReport } from "../../src/forgetting/report/format.ts";
import { readFloats } from "../../src/gpu/buffer.ts";
import { methodsOf } from "../../src/methods.ts";
import type { SideMethod } from "../../src/objectives/objective.ts";
import { linesListener } from "../../src/runs/lines.ts";
import { trainWith } from "../../src/train/run.ts";
import { engine } from "../harness.ts";
import { methodOf, stories, Toy } from "../train/toy.ts";
import { reportOf } from "./guarded_toy.ts";

const FIELD = "task/size/near";

/** How near the sum of squares of the params is to one that they pass through: a curve that turns. */
const nearness = (target: number): SideMethod =>
  methodOf(({ engine: { device, store } }) => ({
    name: "size",
    meters: [{
      known: {},
      metrics: [{ field: FIELD, better: "higher" }],
      isDue: (step: number) => step % 5 === 0,
      async measure() {
        const params = await readFloats(device, store.flat("params"));
        const size = params.reduce((sum, x) => sum + x * x, 0);
        return { result: Promise.resolve({ [FIELD]: -Math.abs(size - target) }) };
      },
    }],
    close() {},
  }));

const GUARD = { every: 5, budget: "ppl:200%", task_rows: 3, rollback: { at: 0 } };

async function run(
  toy: Toy,
  out: string,
  target: number,
  { stopAt = Infinity, resume = false, metric = FIELD as string | null } = {},
) {
  const train = { steps: 30, lr: 0.02, schedule: "constant", warmup: 0 };
  const values = toy.values(out, { guard: { text: [toy.text], ...GUARD }, train });
  const parsed = parseConfig({ values });
  const { guard } = parsed.config;
  const beside = [forgettingGuard(guard as Exclude<typeof guard, false>, metric), nearness(target)];
  const lines: string[] = [];
  let looks = 0;
  const { device } = await engine();
  const result = await trainWith({ ...methodsOf(parsed.config), beside }, parsed, {
    device,
    resume,
    on: linesListener((line) => void lines.push(line)),
    stop: {
      get aborted() {
        return ++looks >= stopAt;
      },
    },
  });
  return { ...result, said: lines.filter((line) => /^guard: the greatest/.test(line)) };
}

Deno.test("the guard chooses the moment that a metric is best at, and a resumed run the same", async () => {
  using toy = new Toy();
  Deno.writeTextFileSync(toy.text, stories(96).join("\n<|endoftext|>\n"));
  await run(toy, "loss", 0, { metric: null });
  const { points: byLoss, chosen: last, history } = reportOf(toy, "loss");
  assert.equal(reportOf(toy, "loss").metric, undefined);
  assert.equal(last.step, 30);
  assert.ok(byLoss.every((point: PointReport) => point.value === undefined));
  assert.ok(history.length > 5);
  // A size that is passed before the end: what is chosen is before it, too, or weaker.
  const { said, measured } = await run(toy, "whole", 1e-9);
  const sizes = reportOf(toy, "whole").history.map(({ value }: { value: number }) => -value);
  const target = (sizes[2]! + sizes[3]!) / 2;
  assert.ok(sizes[0]! < target && target < sizes.at(-1)!, `${sizes}`);
  assert.ok(said.length === 1 && measured[FIELD] !== undefined);

  const found = await run(toy, "turning", target);
  const report = reportOf(toy, "turning");
  const within = report.points.filter(({ value }: PointReport) => value !== undefined);
  assert.equal(
    within.length,
    report.points.filter(({ task }: PointReport) => task !== null).length,
  );
  const best = Math.max(...within.map(({ value }: PointReport) => value!));
  const chosen = within.find(({ value }: PointReport) => value === best);
  assert.deepEqual(report.chosen, { step: chosen.step, strength: chosen.strength });
  assert.equal(report.metric.field, FIELD);
  assert.equal(report.metric.tuned, best);
  assert.ok(report.metric.tuned > report.metric.base);
  assert.ok(chosen.step < 30 || chosen.strength < 1);
  // What is saved is what was chosen.
  assert.ok(Math.abs(found.measured[FIELD]! - best) < 1e-6);
  assert.match(found.said[0]!, new RegExp(`kept ${best.toFixed(4)} of step ${chosen.step} at`));
  const page = Deno.readTextFileSync(toy.path("turning", "report.html"));
  assert.ok(page.includes("Chosen by") && page.includes(FIELD));

  for (const stopAt of [6, 16]) {
    const out = `stopped ${stopAt}`;
    assert.ok((await run(toy, out, target, { stopAt })).stopped);
    await run(toy, out, target, { resume: true });
    assert.deepEqual(toy.adapter(out), toy.adapter("turning"));
    assert.deepEqual(reportOf(toy, out).history, report.history);
    assert.deepEqual(reportOf(toy, out).points, report.points);
  }
});

Deno.test("train.keep best beside a guard compares by the evaluation loss", async () => {
  using toy = new Toy();
  Deno.writeTextFileSync(toy.text, stories(96).join("\n<|endoftext|>\n"));
  const data = [{ path: toy.writeRows("other.jsonl", [{ length: 30 }]), format: "tokens" }];
  const { measured } = await toy.train("run", {
    guard: { text: [toy.text], ...GUARD },
    eval: { data },
    train: { steps: 20, lr: 0.05, keep: "best", eval_every: 5, patience: 3 },
  });
  const { metric, points } = reportOf(toy, "run");
  assert.deepEqual([metric.field, metric.better], ["eval_loss", "lower"]);
  const values = points.flatMap(({ value }: PointReport) => value ?? []);
  assert.equal(metric.tuned, Math.min(metric.base, ...values));
  assert.ok(Math.abs(measured["eval_loss"]! - metric.tuned) < 1e-6);
});
