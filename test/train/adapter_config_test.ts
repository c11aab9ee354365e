import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/mod.ts";

Deno.test("adapter.targets is a list of names, or a pattern where a character is in no name", () => {
  const adapterOf = (flags: Record<string, string>) =>
    parseConfig({ values: { model: "m", data: [{ path: "d" }] }, flags }).config.adapter;
  assert.deepEqual(adapterOf({ "adapter.targets": "q_proj,v_proj" }).targets, ["q_proj", "v_proj"]);
  assert.equal(adapterOf({ "adapter.targets": ".*(q|v)_proj" }).targets, ".*(q|v)_proj");
  assert.equal(adapterOf({ "adapter.targets": "all-linear" }).targets, "all-linear");
  const { layers, rank_pattern, exclude } = adapterOf({
    "adapter.layers": "0,2",
    "adapter.rank_pattern": '{"v_proj": 4}',
    "adapter.exclude": "down_proj",
  });
  assert.deepEqual([layers, rank_pattern, exclude], [[0, 2], { v_proj: 4 }, ["down_proj"]]);
  const { modules_to_save, bias } = adapterOf({
    "adapter.modules_to_save": "lm_head,norm",
    "adapter.bias": "lora_only",
  });
  assert.deepEqual([modules_to_save, bias], [["lm_head", "norm"], "lora_only"]);
  assert.throws(
    () => adapterOf({ "adapter.bias": "some" }),
    /adapter\.bias: found "some", wanted none, all or lora_only/,
  );
  assert.throws(
    () => adapterOf({ "adapter.targets": "(q" }),
    /adapter.targets: .*regular expression/,
  );
});
