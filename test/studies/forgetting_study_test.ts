/** The study of forgetting on a tiny model: arms that are trained for each budget, and once for all. */
import assert from "node:assert/strict";
import { RunHistory } from "../../src/runs/history/history.ts";
import { readText } from "../../src/io/files.ts";
import { openSafetensors, toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { openDevice } from "../../src/gpu/device.ts";
import { runStudy } from "../../src/studies/engine/engine.ts";
import type { Score } from "../../src/studies/forgetting/cell.ts";
import { forgetting } from "../../src/studies/forgetting/study.ts";
import { stories, Toy } from "../train/toy.ts";

/** A study of two budgets, with a fifth of the text held back. */
function writeSpec(toy: Toy): string {
  Deno.writeTextFileSync(toy.text, stories(120).join("\n<|endoftext|>\n"));
  const { out: _, ...run } = toy.values("unused", {
    train: { steps: 8, lr: 0.02 },
    guard: { text: [toy.text], every: 4, share: 0.5, task_rows: 6 },
  });
  const test = toy.writeRows("test.jsonl", [{ length: 12 }, { length: 15 }]);
  const path = toy.path("spec.json");
  const spec = {
    run,
    test: {
      text: { share: 0.2 },
      data: [{ path: test, format: "tokens" }],
      draws: { count: 2, control: 2, certificate: 8, deltas: [0.5] },
    },
    ...{ budgets: [5, 400], seeds: [1] },
    arms: {
      controlled: [{ name: "guard", guard: {} }],
      fixed: [{ name: "half %", guard: { loss: "ce", weight: "tokens" } }],
    },
  };
  Deno.writeTextFileSync(path, JSON.stringify(spec));
  return path;
}

Deno.test("a controlled arm is trained for each budget, another once; all are runs of the history", async () => {
  using toy = new Toy();
  const out = toy.path("out");
  const { cells, findings } = await runStudy(forgetting, {
    ...{ path: writeSpec(toy), files: undefined, out, only: "", say: () => {} },
    device: () => openDevice(),
  });
  assert.equal(cells, 3);
  const { scores } = findings!.numbers as unknown as { scores: Score[] };
  assert.deepEqual(scores.map(({ arm, budget }) => [arm, budget]), [
    ...[["guard", 5], ["guard", 400]],
    ...[["half %", 5], ["half %", 400]],
  ]);
  assert.equal(scores[0]!.planted!.tries, 500);
  assert.equal(scores[3]!.planted, null, "once for each run");
  for (const { test_shift, task, held_out, epsilon, certified, strength, drawn } of scores) {
    assert.deepEqual(drawn.map(({ draw, unused }) => [draw, unused.length]), [[0, 14], [1, 14]]);
    assert.equal(held_out, null, "there are no such rows");
    assert.ok(Number.isFinite(test_shift) && task > 0 && epsilon > 0);
    assert.equal(certified, strength > 0);
  }
  const [, , tight, loose] = scores;
  assert.ok(
    loose!.drawn.every(({ strength, claimed, upper }) => strength > 0 && claimed! < upper!),
  );
  assert.ok(loose!.strength >= tight!.strength && loose!.task <= tight!.task);
  using history = new RunHistory(toy.path("out/runs/runs.sqlite"));
  assert.deepEqual(history.runs().map(({ name, status }) => [name, status]).sort(), [
    ["seed 1 guard within 400", "done"],
    ["seed 1 guard within 5", "done"],
    ["seed 1 half", "done"],
  ]);
  // What was trained is saved at its full strength, so that others can measure it at any.
  const squares = (path: string) => {
    using file = openSafetensors(toy.path("out/runs/seed 1 half", path));
    const numbers = [...file.tensors.keys()].flatMap((
      name,
    ) => [...toFloat32(file.read(name), "F32")]);
    return numbers.reduce((sum, x) => sum + x * x, 0);
  };
  const [saved, trained] = [
    squares("adapter/adapter_model.safetensors"),
    squares("checkpoints/snapshot-00000008.safetensors"),
  ];
  assert.ok(Math.abs(saved / trained - 1) < 1e-6, `${saved} of ${trained}`);
  const parts = [...Deno.readDirSync(toy.path("out/data"))].map(({ name }) =>
    new Set(readText(toy.path("out/data", name)).trim().split("\n"))
  );
  assert.deepEqual(parts.map(({ size }) => size).sort((a, b) => a - b), [24, 96]);
  assert.ok(parts[0]!.isDisjointFrom(parts[1]!), "nothing is tested on what was guarded");
});
