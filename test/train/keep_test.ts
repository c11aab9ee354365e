/** Which moment of a run is kept, and when it ends early. */
import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/mod.ts";
import { ConfigError } from "../../src/errors.ts";
import { methodsOf } from "../../src/methods.ts";
import { keeping } from "../../src/objectives/keep.ts";
import type { SideMethod } from "../../src/objectives/objective.ts";
import type { KeepConfig } from "../../src/objectives/settings.ts";
import { linesListener } from "../../src/runs/lines.ts";
import { trainWith } from "../../src/train/run.ts";
import { engine } from "../harness.ts";
import { methodOf, Toy, type ToySettings } from "./toy.ts";

/** A metric of another part, that has these values every second update. */
const curve = (values: readonly number[], better: "lower" | "higher"): SideMethod =>
  methodOf(() => ({
    name: "curve",
    meters: [{
      known: {},
      metrics: [{ field: "task/curve/score", better }],
      isDue: (step: number) => step % 2 === 0,
      measure: (step: number) =>
        Promise.resolve({
          result: Promise.resolve({ "task/curve/score": values[step / 2] ?? values.at(-1)! }),
        }),
    }],
    close() {},
  }));

const PLAIN = { schedule: "constant", warmup: 0, checkpoint_every: 0 };

interface Kept extends Partial<KeepConfig> {
  readonly better?: "lower" | "higher";
}

/** Trains 20 updates beside a curve; `stopAt` ends it after so many. */
async function run(
  toy: Toy,
  out: string,
  values: readonly number[],
  { better = "lower", ...kept }: Kept,
  { stopAt = Infinity, resume = false } = {},
) {
  const settings: ToySettings = { train: { steps: 20, ...PLAIN } };
  const parsed = parseConfig({ values: toy.values(out, settings) });
  const keep = { keep: "best", min_delta: 0, metric: "task/curve/score", ...kept } as const;
  const beside = [curve(values, better), keeping(keep)];
  const lines: string[] = [];
  const { device } = await engine();
  let looks = 0;
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
  return { ...result, said: lines.filter((line) => /^kept|patience/.test(line)) };
}

/** The adapter after that many updates, of a run that keeps the last. */
async function after(toy: Toy, steps: number): Promise<Uint8Array> {
  await toy.train(`of ${steps}`, { train: { steps, ...PLAIN } });
  return toy.adapter(`of ${steps}`);
}

const TURNING = [5, 4, 3, 2, 2.5, 3, 4, 4, 4, 4, 4]; // the least is that after 6 updates

Deno.test("train.keep best saves the moment at which the curve turned, and says so", async () => {
  using toy = new Toy();
  const { step, said, measured } = await run(toy, "best", TURNING, {});
  assert.equal(step, 20);
  assert.equal(measured["task/curve/score"], 2);
  assert.deepEqual(toy.adapter("best"), await after(toy, 6));
  assert.deepEqual(said, [
    "kept what 6 of 20 updates made: its task/curve/score of 2.0000 is the least of 11 " +
    "measurements, 4.0000 at the end",
  ]);
  const higher = await run(toy, "higher", TURNING, { better: "higher" });
  assert.match(higher.said[0]!, /kept what 0 of 20 .* 5\.0000 is the greatest of 11/);
  // What is better by less is no better.
  const coarse = await run(toy, "coarse", TURNING, { min_delta: 1.5 });
  assert.match(coarse.said[0]!, /kept what 4 of 20 updates made: .* of 3\.0000/);
});

Deno.test("train.patience ends a run, which a stop in the middle of it changes nothing of", async () => {
  using toy = new Toy();
  const patient = { patience: 2 };
  const whole = await run(toy, "whole", TURNING, patient);
  // After 10 updates the second worse value is there; it is acted upon four updates later.
  assert.equal(whole.step, 15);
  assert.match(whole.said[0]!, /has not become better than 2\.0000 of step 6 in 2 measurements/);
  assert.match(whole.said[1]!, /kept what 6 of 15 updates made: .* least of 9 measurements/);
  assert.deepEqual(toy.adapter("whole"), await after(toy, 6));
  for (const stopAt of [7, 9, 12]) {
    const out = `stopped ${stopAt}`;
    assert.ok((await run(toy, out, TURNING, patient, { stopAt })).stopped);
    const resumed = await run(toy, out, TURNING, patient, { resume: true });
    assert.equal(resumed.step, whole.step);
    assert.deepEqual(resumed.said, whole.said);
    assert.deepEqual(toy.adapter(out), toy.adapter("whole"));
  }
  const last = await run(toy, "last", TURNING, { ...patient, keep: "last" });
  assert.equal(last.step, 15);
  assert.deepEqual(toy.adapter("last"), await after(toy, 15));
});

Deno.test("evaluation loss is a metric, beside a guard too; others are named", async () => {
  using toy = new Toy();
  const data = [{ path: toy.writeRows("other.jsonl", [{ length: 30 }]), format: "tokens" }];
  const turning = { steps: 20, lr: 0.3, eval_every: 1, patience: 2 };
  const { step } = await toy.train("guarded", {
    guard: { text: [toy.text], every: 10, budget: "ppl:90%", task_rows: 2 },
    eval: { data },
    train: turning,
  });
  assert.ok(step < 20, `ended after ${step}`);
  const refused = (train: object, guard: false | object, message: RegExp) =>
    assert.rejects(
      toy.train("refused", {
        eval: { data },
        train: { ...turning, ...train },
        guard: guard as false,
      }),
      (fault: Error) => fault instanceof ConfigError && message.test(fault.message),
    );
  await refused(
    { metric: "eval_los" },
    false,
    /train\.metric: found "eval_los", wanted one of eval_/,
  );
  await refused(
    { keep: "best", eval_every: 2 },
    { text: [toy.text], every: 3 },
    /train\.eval_every: found 2 beside guard\.every 3 and train\.keep best, wanted one a multiple/,
  );
});
