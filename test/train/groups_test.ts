/** Rates and decays of params by what they are, against PEFT's LoRA+: see make_optimizers.py. */
import assert from "node:assert/strict";
import { Graph } from "../../src/graph/graph.ts";
import { placesOf, Store } from "../../src/graph/store.ts";
import { type Grouping, groupsOf } from "../../src/train/groups.ts";
import { adafactor, adamw8bit, muon } from "../../src/ops/mod.ts";
import { Optimizer } from "../../src/train/optimizer.ts";
import { engine } from "../harness.ts";

const { lora_plus: loraPlus } = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/optimizers.json", import.meta.url)),
) as { lora_plus: { ratio: number; rates: Record<string, number> } };

const PLAIN: Grouping = {
  ...{ lr: 0.01, lora_plus_ratio: 1, lr_pattern: {} },
  ...{ weight_decay: 0.1, weight_decay_pattern: {} },
};

/** Rate and decay of each name, as [8] where it is a norm or bias and [8, 8] elsewhere. */
async function found(names: readonly string[], grouping: Partial<Grouping>) {
  const { device } = await engine();
  const [graph, store] = [new Graph(), new Store(device)];
  const shapeOf = (name: string) => /norm|bias/.test(name) ? [8] : [8, 8];
  store.addParams([
    graph.held("held", [8, 8], "rows"),
    ...names.map((name) => graph.param(name, shapeOf(name), "rows")),
  ]);
  const groups = groupsOf(store.places, { ...PLAIN, ...grouping }, undefined);
  const all = groups.reduce((sum, { numbers }) => sum + numbers, 0);
  assert.equal(all * 4, store.flat("gradients").size, "the groups cover the buffers");
  assert.ok(
    groups.every((group, i) =>
      i === 0 || group.rate !== groups[i - 1]!.rate ||
      group.decay !== groups[i - 1]!.decay
    ),
    "neighbours that are alike are one",
  );
  const result = Object.fromEntries(names.map((name) => {
    const at = store.param(name).offset / 4;
    const { rate, decay } = groups.find(({ from, numbers }) => from <= at && at < from + numbers)!;
    return [name, [rate, decay]] as const;
  }));
  store.destroy();
  return result;
}

Deno.test("LoRA+ has PEFT's rates", async () => {
  const names = Object.keys(loraPlus.rates);
  const groups = await found(names, { lora_plus_ratio: loraPlus.ratio });
  for (const name of names) assert.equal(groups[name]![0], loraPlus.rates[name], name);
});

Deno.test("a module that a pattern matches has its own rate and decay", async () => {
  const [q, v, norm] = ["layers.0.q_proj", "layers.0.v_proj", "layers.0.norm.weight"];
  const names = [q, v].flatMap((m) => [`${m}.lora_A.weight`, `${m}.lora_B.weight`]);
  const groups = await found([...names, norm], {
    lora_plus_ratio: 4,
    lr_pattern: { "q_proj": 0.02 },
    weight_decay_pattern: { "layers\\.0\\.v_proj": 0, "norm": 0.3 },
  });
  assert.deepEqual(Object.values(groups), [[2, 0.1], [8, 0.1], [1, 0], [4, 0], [4, 0.3]]);
});

Deno.test("norms and biases do not decay", async () => {
  const names = ["a.lora_A.weight", "norm.weight", "a.bias", "lm_head.weight"];
  const groups = await found(names, {});
  assert.deepEqual(Object.values(groups), [[1, 0.1], [1, 0], [1, 0], [1, 0.1]]);
});

Deno.test("where a rule goes by tensors each is a group with its sizes, and takes what was planned", async () => {
  const { device } = await engine();
  const graph = new Graph();
  const params = [
    graph.param("v.lora_A.weight", [4, 20], "rows", [3, 20]),
    graph.param("v.lora_B.weight", [12, 4], "rows", [12, 3]),
    graph.param("lm_head.weight", [8, 20], "blocks"),
    graph.param("norm.weight", [20], "rows"),
  ];
  const places = placesOf(params);
  const groups = groupsOf(places, PLAIN, "tensors");
  assert.deepEqual(groups.map(({ from, numbers, matrix }) => [from, numbers, matrix]), [
    [0, 128, { rows: 4, columns: 20, used: { rows: 3, columns: 20 }, layout: "rows" }],
    [128, 64, { rows: 12, columns: 4, used: { rows: 12, columns: 3 }, layout: "rows" }],
    [192, 192, { rows: 8, columns: 20, used: { rows: 8, columns: 20 }, layout: "blocks" }],
    [384, 64, { rows: 20, columns: 1, used: { rows: 20, columns: 1 }, layout: "rows" }],
  ]);
  const factors = groups.slice(0, 2);
  assert.deepEqual(groupsOf(places.slice(0, 2), PLAIN, "factors"), factors);
  assert.throws(
    () => groupsOf(places, PLAIN, "factors"),
    /found muon and lm_head.weight trained, wanted the factors/,
  );
  const rules = [
    { rule: muon({ momentum: 0.9, nesterov: true, clip: 1 }), trained: params.slice(0, 2) },
    { rule: adafactor({ epsilon: 1e-30, clip: 1 }), trained: params },
    { rule: adamw8bit({ beta1: 0.9, beta2: 0.99, epsilon: 1e-8, clip: 1 }), trained: params },
  ];
  for (const { rule, trained } of rules) {
    const own = { ...await engine(), store: new Store(device) };
    const groups = groupsOf(placesOf(trained), PLAIN, rule.goesBy);
    own.store.addParams(trained, rule.moments(groups));
    const before = device.allocated;
    const optimizer = await Optimizer.open(own, rule, 1, { groups });
    const planned = Optimizer.bytes(own, rule, trained, 1, groups);
    assert.ok(planned > 0, "more beside the flat buffers");
    const beside = device.allocated - before - planned;
    assert.ok(beside >= 0 && beside < 64, `${beside} bytes beside what was planned`);
    optimizer.close();
    own.store.destroy();
  }
});
