import assert from "node:assert/strict";
import { join } from "node:path";
import type { Column, Metrics } from "../../src/runs/events.ts";
import { duration, metricsLine } from "../../src/runs/lines.ts";
import { MetricsFile } from "../../src/runs/metrics_file.ts";

const metrics = (step: number): Metrics => ({
  step,
  loss: 1.23456,
  tokens: 512,
  lr: 2e-4,
  grad_norm: 0.5123,
  tokens_per_second: 812.4,
});

Deno.test("MetricsFile drops the lines that a resumed run makes again", () => {
  const folder = Deno.makeTempDirSync();
  const path = join(folder, "metrics.jsonl");
  try {
    const first = new MetricsFile(path, 0);
    for (let step = 0; step < 4; step++) first.append(metrics(step));
    Deno.writeTextFileSync(path, '{"step":4,"lo', { append: true });
    new MetricsFile(path, 2).append({ ...metrics(2), forgetting: 0.1 });
    const lines = Deno.readTextFileSync(path).trimEnd().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(lines, [metrics(0), metrics(1), { ...metrics(2), forgetting: 0.1 }]);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("metricsLine() shows forgetting only once it is known", () => {
  const progress = { steps: 200, secondsLeft: 65 };
  assert.equal(
    metricsLine(metrics(19), progress),
    "step  20/200  loss 1.2346  lr 2.00e-4  norm 0.512  812 tok/s  ETA 1m05s",
  );
  const slow = metricsLine({ ...metrics(19), tokens_per_second: 0.64 }, progress);
  assert.match(slow, / 0\.6 tok\/s /);
  const column = (unit: Column["unit"], of?: string): Column => ({
    field: of ? `forgetting.${of}` : "forgetting",
    label: "forget",
    ...(of !== undefined && { of }),
    unit,
  });
  const line = (fields: Record<string, number>, ...columns: Column[]) =>
    metricsLine({ ...metrics(0), ...fields }, { ...progress, columns });
  assert.match(line({ forgetting: 0.0131 }, column("percent")), / forget \+1\.3 % /);
  assert.match(line({ forgetting: -0.002 }, column("percent")), / forget -0\.2 % /);
  assert.match(line({ forgetting: 0.0131 }, column("number")), / forget 0\.0131 /);
  const both = { "forgetting.code": 0.01, "forgetting.stories": 0.002 };
  assert.match(
    line(both, column("number", "stories"), column("percent", "code")),
    / forget stories 0\.0020 code \+1\.0 % /,
  );
});

Deno.test("duration() keeps two units", () => {
  assert.deepEqual([0, 59.4, 60, 3599, 3600, 7384].map(duration), [
    "0s",
    "59s",
    "1m00s",
    "59m59s",
    "1h00m",
    "2h03m",
  ]);
});
