/** Phases that take long say where they are, and updates fit the line that shows them. */
import assert from "node:assert/strict";
import { Model } from "../../src/models/model.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { followed, type Progress, tell, within } from "../../src/progress.ts";
import { linesListener, metricsLine } from "../../src/runs/lines.ts";
import { loadRows } from "../../src/train/rows.ts";
import { sized } from "../../src/train/sizes/choice.ts";
import { metricsOf } from "../runs/happenings.ts";
import { Toy } from "./toy.ts";

/** Runs `work` with a clock that goes on when it is told to. */
async function withClock(work: (goOn: (ms: number) => void) => unknown): Promise<void> {
  const now = performance.now;
  let ms = 0;
  performance.now = () => ms;
  try {
    await work((more) => void (ms += more));
  } finally {
    performance.now = now;
  }
}

Deno.test("a source says where it is, and lines say so every ten seconds", async () => {
  using toy = new Toy();
  using model = new Model(toy.model);
  const { config } = parseConfig({ values: toy.values("run") });
  const said: string[] = [];
  await withClock(async (goOn) => {
    const lines = linesListener((line) => said.push(line));
    const take = () => goOn(4_000); // each of the toy's 12 rows
    await followed(
      (progress) => lines({ kind: "progress", progress }),
      () => loadRows(model, config.data, sized(config, 64, false), () => {}, take),
    );
  });
  const wanted = [4, 7, 10].map((rows) => `reading rows of ${toy.rows}: ${rows}`);
  assert.deepEqual(said, wanted);
});

Deno.test("followers hear the first, the last and ten moments a second of the deepest work", () =>
  withClock((goOn) => {
    const heard: Progress[] = [];
    tell("nobody follows", 1);
    followed((progress) => heard.push(progress), () => {
      for (let i = 1; i <= 100; i++) {
        within("selecting", () => tell("measuring", i, 100));
        goOn(10);
      }
      tell("writing", 1, 5);
    });
    const of = (what: string) => heard.filter((progress) => progress.what === what);
    const measuring = of("selecting: measuring").map(({ done }) => done);
    assert.deepEqual(measuring, [1, 11, 21, 31, 41, 51, 61, 71, 81, 91, 100]);
    assert.deepEqual(of("writing"), [{ what: "writing", done: 1, of: 5 }]);
    assert.equal(heard.length, 12);
  }));

Deno.test("an update fits the width: what matters least goes first, step and loss stay", () => {
  const standing = {
    steps: 200,
    secondsLeft: 65,
    bytes: 300 << 20,
    columns: [
      { field: "forgetting", label: "forget", unit: "percent", budget: 0.02 } as const,
      { field: "score", label: "unseen", of: "exact_match", unit: "number" } as const,
    ],
  };
  const metrics = { ...metricsOf(19, 1.25), forgetting: 0.013, score: 0.5 };
  const whole = "step  20/200  loss 1.2500  forget +1.3 of 2.0 %  unseen exact_match 0.5000  " +
    "lr 1.00e-4  norm 0.500  100 tok/s  300 MiB  ETA 1m05s";
  assert.equal(metricsLine(metrics, standing), whole);
  assert.equal(metricsLine(metrics, standing, whole.length), whole);
  for (let width = whole.length; width >= 40; width--) {
    const line = metricsLine(metrics, standing, width);
    assert.ok(line.length <= width, `${width}: ${line}`);
    assert.match(line, /^step {2}20\/200 {2}loss 1\.2500 .*ETA 1m05s$/);
  }
  assert.match(metricsLine(metrics, standing, 100), /forget .*tok\/s/);
  assert.match(metricsLine(metrics, standing, 85), /forget \+1\.3 of 2\.0 %/);
});
