/** The guard beside tensors that are trained whole: the base stays, and strengths are true. */
import assert from "node:assert/strict";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { fromFloat32, toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { openModel } from "../../src/inference/open.ts";
import { applySnapshot, takeSnapshot } from "../../src/forgetting/select/strength.ts";
import { engine } from "../harness.ts";
import { Toy } from "../train/toy.ts";
import { guarded, remeasure, reportOf } from "./guarded_toy.ts";

const ADAPTER = {
  targets: ["q_proj", "v_proj", "embed_tokens"],
  modules_to_save: ["lm_head", "norm", "down_proj"],
};

/** The numbers of the base's tensor of that name. */
function baseNumbers(folder: string, name: string): Float32Array {
  using checkpoint = openCheckpoint(folder);
  return toFloat32(checkpoint.read(name), checkpoint.get(name).dtype);
}

for (const dtype of ["F32", "BF16"] as const) {
  Deno.test(`a guarded run with whole tensors over ${dtype} ships what it measured`, async () => {
    using toy = new Toy({ tied: false, dtype });
    await toy.train("run", {
      ...guarded(toy, { weight: 0, every: 30, budget: "kl:0.05" }),
      adapter: ADAPTER,
    });
    const [first] = toy.metrics("run");
    assert.equal(first!.forgetting, 0, "fresh whole tensors are the base, to the last bit");
    const { domains: [domain], chosen: { strength }, certified } = reportOf(toy, "run");
    assert.ok(certified && strength > 0 && strength < 1, `${strength}`);
    const found = await remeasure(toy, "run", "kl:0.05");
    assert.ok(Math.abs(found.mean - domain.control.shift) < 1e-6, "the reloaded adapter");
    const { alpha, whole } = readPeft(toy.path("run", "adapter"));
    assert.ok(Math.abs(alpha - 8 * strength) < 1e-12);
    assert.equal(whole!.length, 8);
    for (const { name, numbers } of whole!) {
      assert.notDeepEqual(numbers, baseNumbers(toy.model, name), name);
    }
  });
}

Deno.test("the guard's loss begins at zero with an update of the head, and holds it", async () => {
  using toy = new Toy({ tied: true, dtype: "BF16" });
  const adapter = { targets: ["lm_head", "v_proj"], modules_to_save: ["embed_tokens"] };
  const { forgetting } = await toy.train("run", { ...guarded(toy), adapter });
  const [first, ...rest] = toy.metrics("run");
  assert.equal(first!["guard_loss"], 0);
  assert.equal(first!.forgetting, 0);
  const losses = rest.map((line) => line["guard_loss"]!);
  assert.ok(losses.slice(3).every((loss) => loss > 0), `${losses}`);
  assert.ok(forgetting!.certified);
});

Deno.test("where only the base is certain, whole tensors are the base's, and merge into its bytes", async () => {
  using toy = new Toy({ tied: false, dtype: "BF16" });
  const guard = { budget: "kl:0.000000000001", weight: 0 };
  const { measured } = await toy.train("run", { ...guarded(toy, guard), adapter: ADAPTER });
  assert.equal(measured["forgetting"], 0, "the base itself");
  const { alpha, whole } = readPeft(toy.path("run", "adapter"));
  assert.equal(alpha, 0);
  for (const { name, numbers } of whole!) {
    assert.deepEqual(numbers, baseNumbers(toy.model, name), name);
  }
  mergeAdapter(toy.model, toy.path("run", "adapter"), toy.path("merged"));
  using base = openCheckpoint(toy.model);
  using merged = openCheckpoint(toy.path("merged"));
  for (const name of base.tensors.keys()) assert.deepEqual(merged.read(name), base.read(name));
  const trained = readPeft(toy.path("run", "uncertified")).whole!;
  assert.ok(trained.every(({ numbers }, i) => String(numbers) !== String(whole![i]!.numbers)));
});

Deno.test("a strength goes that part of the way from the base, in the store as in the folder", async () => {
  using toy = new Toy({ tied: false });
  await toy.train("run", { adapter: ADAPTER, train: { steps: 5 } });
  const { device } = await engine();
  using open = openModel(device, toy.model, toy.path("run"));
  const { adapter, engine: { store } } = open;
  const snapshot = await takeSnapshot(store);
  const trained = readPeft(toy.path("run", "adapter"));
  for (const strength of [0, 0.3, 1]) {
    applySnapshot(store, snapshot, strength, (param) => adapter!.base(param));
    const now = await adapter!.read(store, "");
    for (const [i, { name, numbers }] of now.whole!.entries()) {
      const base = baseNumbers(toy.model, name);
      const wanted = trained.whole![i]!.numbers.map((x, at) =>
        base[at]! + strength * (x - base[at]!)
      );
      assert.deepEqual(fromFloat32(numbers, "F32"), fromFloat32(wanted, "F32"), name);
    }
    for (const [i, { a, b }] of now.modules.entries()) {
      assert.deepEqual(a, trained.modules[i]!.a);
      assert.deepEqual(b, trained.modules[i]!.b.map((x) => 0 + strength * x));
    }
  }
});
