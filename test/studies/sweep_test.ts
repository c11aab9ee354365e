/** Sweeps: settings, rungs, the order of outcomes, and a whole one on a tiny model. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { ConfigError } from "../../src/errors.ts";
import { openDevice } from "../../src/gpu/device.ts";
import { RunHistory } from "../../src/runs/history/history.ts";
import { runStudy } from "../../src/studies/engine/engine.ts";
import { svgOf } from "../../src/studies/engine/picture.ts";
import { concludeSweep } from "../../src/studies/sweep/conclude.ts";
import { type Outcome, ranked } from "../../src/studies/sweep/outcome.ts";
import { nameOf, type Setting } from "../../src/studies/sweep/names.ts";
import { settingsOf } from "../../src/studies/sweep/settings.ts";
import { sweepSchema } from "../../src/studies/sweep/spec.ts";
import { rungsOf, sweep } from "../../src/studies/sweep/study.ts";
import { withTiny } from "../models/tiny.ts";

const specOf = (values: object) => sweepSchema.parse({ run: {}, ...values });

Deno.test("a grid is every combination; what is drawn is within its range, different, and seeded", () => {
  const vary = { "train.lr": [0.1, 0.2], "adapter.rank": [4, 8, 16] };
  const all = settingsOf(specOf({ vary })).map(nameOf);
  assert.equal(all.length, 6);
  assert.deepEqual(all.slice(0, 2), ["lr 0.1 rank 4", "lr 0.1 rank 8"]);
  const ranges = {
    "train.lr": { low: 1e-4, high: 1e-2, log: true },
    "adapter.rank": { low: 2, high: 9, whole: true },
    "adapter.targets": [["q_proj"], "all"],
  };
  const drawn = settingsOf(specOf({ vary: ranges, random: 200, seed: 3 }));
  assert.deepEqual(drawn, settingsOf(specOf({ vary: ranges, random: 200, seed: 3 })));
  assert.notDeepEqual(drawn, settingsOf(specOf({ vary: ranges, random: 200, seed: 4 })));
  assert.equal(new Set(drawn.map(nameOf)).size, 200);
  const [rates, ranks] = ["train.lr", "adapter.rank"].map((key) =>
    drawn.map((setting) => setting[key] as number)
  ) as [number[], number[]];
  assert.deepEqual([...new Set(ranks)].sort((a, b) => a - b), [2, 3, 4, 5, 6, 7, 8, 9]);
  assert.ok(rates.every((rate) => rate >= 1e-4 && rate <= 1e-2));
  const below = rates.filter((rate) => rate < 1e-3).length; // half, by the logarithm
  assert.ok(below > 75 && below < 125, `${below}`);
  assert.throws(
    () => settingsOf(specOf({ vary, random: 7 })),
    /^ConfigError: Found 6 different settings to draw, wanted 7/,
  );
  assert.equal(nameOf({ "train.lr": 1, "optimizer.lr": "a b/c" }), "train.lr 1 optimizer.lr a-b-c");
});

Deno.test("a spec is refused where it says nothing, or what cannot be", () => {
  const refused = (values: object, wanted: RegExp) => {
    const { error } = sweepSchema.safeParse({ run: {}, ...values });
    assert.match(
      error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join() ?? "",
      wanted,
    );
  };
  const vary = { "train.lr": [1, 2] };
  refused({ vary: {} }, /^vary: wanted a key at least/);
  refused({}, /^: found neither vary nor settings, wanted one of them/);
  const settings = [{ "train.lr": 1 }, { "adapter.method": "ia3", "train.lr": 2 }];
  refused({ vary, settings }, /^: found both vary and settings/);
  refused({ settings, random: 1 }, /^random: found random beside settings/);
  refused({ settings: [...settings, settings[0]] }, /^settings: found a setting twice/);
  refused({ settings: [{ out: "a" }] }, /^settings\.0\.out: wanted seeds for that/);
  assert.deepEqual(settingsOf(specOf({ settings })), settings);
  refused({ vary: { "train.lr": [1, 1] } }, /found a value twice/);
  refused(
    { vary: { "train.lr": { low: 1, high: 2 } } },
    /train\.lr: found a range, wanted a list, or random/,
  );
  refused(
    { vary: { "train.lr": { low: 0, high: 2, log: true } }, random: 2 },
    /low above 0 for log/,
  );
  refused({ vary: { "train.seed": [1, 2] } }, /train\.seed: wanted seeds for that/);
  refused({ vary, metric: "task/x/exact_match" }, /^metric: found task.* without highest/);
  refused({ vary, seeds: [1, 1] }, /a seed twice/);
});

Deno.test("rungs have an eta-th of the settings and eta times the updates, up to those of the config", () => {
  const spec = (steps: number) =>
    specOf({ vary: { "train.lr": [1] }, run: { train: { steps } }, halving: { eta: 3, rungs: 3 } });
  assert.deepEqual(rungsOf(spec(90), 20), [
    { count: 20, steps: 10 },
    { count: 6, steps: 30 },
    { count: 2, steps: 90 },
  ]);
  assert.throws(() => rungsOf(spec(8), 20), /run\.train\.steps: found 8, wanted 9 at least/);
  assert.throws(() => rungsOf(spec(90), 8), /halving: found 8 settings, wanted 9 at least/);
});

const outcome = (setting: Setting, loss: number | null, { seed = 1, rung = 0 } = {}): Outcome => ({
  ...{ setting, seed, rung, steps: loss === null ? 0 : 10 * 2 ** rung },
  failed: loss === null ? "NaN" : null,
  figures: loss === null ? {} : { loss, "task/x/em": 1 - loss },
});

Deno.test("settings are ordered by the mean over their seeds; one that was given up is the last", () => {
  const of = (loss: number | null, lr: number, seed = 1) => outcome({ lr }, loss, { seed });
  const outcomes = [
    of(0.5, 1),
    of(0.1, 2),
    of(0.2, 3),
    of(0.4, 1, 2),
    of(null, 2, 2),
    of(0.6, 3, 2),
  ];
  const spec = { metric: "loss", highest: false };
  assert.deepEqual(ranked(spec, outcomes).map(({ setting, value }) => [setting["lr"], value]), [
    [3, 0.4],
    [1, 0.45],
    [2, null],
  ]);
  const highest = ranked({ metric: "task/x/em", highest: true }, [of(0.5, 1), of(0.2, 3)]);
  assert.equal(highest[0]!.setting["lr"], 3);
  assert.throws(
    () => ranked({ metric: "los", highest: false }, outcomes),
    (fault) =>
      fault instanceof ConfigError && /found los, .*did you mean "loss"/.test(fault.message),
  );
});

Deno.test("tables and pictures have every setting, the best first, those of the last rung before others", () => {
  const grid = specOf({
    vary: { "train.lr": [0.01, 0.1], "adapter.rank": [4, 8] },
    metric: "loss",
  });
  const settings = settingsOf(grid);
  const found = concludeSweep(
    grid,
    settings.map((setting, i) => outcome(setting, i === 1 ? 0.1 : 0.5)),
  );
  const [table] = found.tables;
  assert.deepEqual(table!.head, ["place", "lr", "rank", "updates", "loss", "task/x/em"]);
  assert.deepEqual(table!.rows[0], ["1", "0.01", "8", "10", "0.1", "0.9"]);
  assert.match(table!.note!, /^The best as flags of train: --train\.lr 0\.01 --adapter\.rank 8\./);
  assert.deepEqual(found.pictures.map(({ name, lines }) => [name, lines.length]), [
    ["by train.lr", 2],
    ["by adapter.rank", 2],
  ]);
  assert.deepEqual(
    found.pictures[0]!.lines.map(({ name, isStrong }) => [name, isStrong]),
    [["rank 8", true], ["rank 4", false]],
  );
  const halved = specOf({
    vary: { lr: [1, 2, 3, 4] },
    metric: "loss",
    halving: { eta: 2, rungs: 2 },
  });
  const rung = (losses: (number | null)[], of: Setting[], rung: number) =>
    losses.map((loss, i) => outcome(of[i]!, loss, { rung }));
  const [a, b, c, d] = settingsOf(halved) as [Setting, Setting, Setting, Setting];
  const both = concludeSweep(halved, [
    ...rung([0.5, 0.2, null, 0.3], [a, b, c, d], 0),
    ...rung([0.25, 0.1], [b, d], 1),
  ]);
  assert.deepEqual(both.tables[0]!.rows.map((row) => row.slice(0, 4)), [
    ["1", "4", "20", "0.1"],
    ["2", "2", "20", "0.25"],
    ["3", "1", "10", "0.5"],
    ["4", "3", "0", "given up"],
  ]);
  const [picture] = both.pictures;
  assert.deepEqual(picture!.lines.map(({ name, points }) => [name, points.length]), [
    ["lr 4", 2],
    ["lr 2", 2],
    ["others", 1],
  ]);
  for (const one of [...found.pictures, picture!]) assert.ok(!/NaN|Infinity/.test(svgOf(one)));
});

Deno.test("a sweep by halving on a tiny model trains the best again, each a run of the history", () =>
  withTiny({ vocab: 64 }, async (model) => {
    const folder = dirname(model);
    const rows = Array.from(
      { length: 6 },
      (_, i) => ({ instruction: `say ${i}`, output: `${i}.` }),
    );
    Deno.writeTextFileSync(
      join(folder, "rows.jsonl"),
      rows.map((row) => JSON.stringify(row)).join("\n"),
    );
    const train = { steps: 4, tokens_per_batch: 64, micro_batch_tokens: 64, checkpoint_every: 0 };
    const data = [{ path: "rows.jsonl", template: "plain" }];
    const spec = {
      run: { model: "model", adapter: { rank: 2 }, train, data, eval: { data } },
      vary: { "train.lr": [1e-5, 3e-2] },
      halving: { eta: 2, rungs: 2 },
    };
    const path = join(folder, "spec.json");
    Deno.writeTextFileSync(path, JSON.stringify(spec));
    const out = join(folder, "out");
    const options = {
      path,
      files: undefined,
      out,
      only: "",
      say: () => {},
      device: () => openDevice(),
    };
    const { findings } = await runStudy(sweep, options);
    const { best } = findings!.numbers as { best: Setting };
    assert.deepEqual(best, { "train.lr": 0.03 });
    using history = new RunHistory(join(out, "runs/runs.sqlite"));
    assert.deepEqual(
      history.runs().map(({ name, done, config }) => [name, done, config.train.lr]),
      [
        ["rung 2 place 1 seed 1", 4, 0.03],
        ["lr 0.03 seed 1", 2, 0.03],
        ["lr 0.00001 seed 1", 2, 1e-5],
      ],
    );
    Deno.writeTextFileSync(
      path,
      JSON.stringify({ ...spec, vary: { "train.lrr": [1] }, halving: undefined }),
    );
    await assert.rejects(runStudy(sweep, { ...options, out: join(folder, "other") }), /train\.lrr/);
  }));
