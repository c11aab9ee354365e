/** Which modules are adapted, against what PEFT adapts. */
import assert from "node:assert/strict";
import { Adapted } from "../../../src/adapters/adapted.ts";
import { checkConfig, isTargeted, scalingOf } from "../../../src/adapters/peft/config.ts";
import { names } from "../../../src/adapters/peft/targets.ts";
import { ConfigError } from "../../../src/errors.ts";
import { Graph } from "../../../src/graph/graph.ts";

interface Case {
  readonly settings: Readonly<Record<string, unknown>>;
  readonly adapted: Readonly<Record<string, readonly [rank: number, scale: number]>>;
}
const golden: { linear: Record<string, [number, number]>; cases: Case[] } = JSON.parse(
  Deno.readTextFileSync(new URL("../../golden/peft/selection.json", import.meta.url)),
);
const model = { linear: new Map(Object.entries(golden.linear)), tables: new Map() };

for (const { settings, adapted } of golden.cases) {
  const words = JSON.stringify(settings);
  Deno.test(`reading takes the modules that PEFT takes of ${words}`, () => {
    const config = checkConfig({ peft_type: "LORA", ...settings }, "adapter_config.json");
    const found = Object.keys(golden.linear).filter((module) => isTargeted(module, config));
    assert.deepEqual(found.sort(), Object.keys(adapted).sort());
    for (const [module, [rank, scale]] of Object.entries(adapted)) {
      const read = scalingOf(module, config);
      assert.deepEqual([read.rank, Math.fround(read.scale)], [rank, Math.fround(scale)], module);
    }
  });

  // These two have no key in the table: a pattern says as much.
  if (settings["layers_pattern"] || Object.keys(adapted).length === 0) continue;
  Deno.test(`training takes the modules that PEFT takes of ${words}`, () => {
    const s = settings as Record<string, never>;
    const layers: unknown = s["layers_to_transform"];
    const lora = Adapted.fresh(model, {
      rank: s["r"] ?? 8,
      alpha: s["lora_alpha"] ?? 8,
      targets: s["target_modules"]!,
      exclude: s["exclude_modules"] ?? undefined,
      layers: layers as number[] | undefined,
      rslora: s["use_rslora"] ?? false,
      rank_pattern: s["rank_pattern"] ?? {},
      alpha_pattern: s["alpha_pattern"] ?? {},
    });
    assert.deepEqual(lora.modules.sort(), Object.keys(adapted).sort());
    const graph = new Graph();
    for (const [module, [rank, scale]] of Object.entries(adapted)) {
      const { a, scale: found } = lora.adapt.lowRank(graph, module, golden.linear[module]!)!;
      assert.deepEqual([a.shape[0], Math.fround(found)], [
        4 * Math.ceil(rank / 4),
        Math.fround(scale),
      ]);
    }
  });
}

const REFUSED: [options: Record<string, unknown>, ...wanted: string[]][] = [
  [{ targets: ["q_proj", "qproj"] }, "adapter.targets", `"qproj"`, "q_proj, k_proj"],
  [{ targets: "q_proj" }, "adapter.targets", `"q_proj"`], // a pattern is of whole names
  [{ exclude: ["lm_heads"] }, "adapter.exclude", `"lm_heads"`],
  [{ targets: ["q_proj"], exclude: ["q_proj"] }, "leave no module"],
  [{ targets: ["q_proj"], layers: [3] }, "leave no module"],
  [{ layers: [3] }, "leave no module"],
  [{ targets: ".*q_proj", layers: [1] }, "adapter.layers: found [1] beside the pattern"],
  [{ targets: ["q_proj"], rank_pattern: { v_proj: 2 } }, "adapter.rank_pattern", `"v_proj"`],
  [{ alpha_pattern: { x: 2 } }, "adapter.alpha_pattern", `"x"`],
  [{ rank_pattern: { k_proj: 17 } }, "rank is 17", "k_proj is only [16, 16]"],
];

for (const [options, ...wanted] of REFUSED) {
  Deno.test(`Adapted.fresh() refuses ${JSON.stringify(options)}`, () => {
    const all = { rank: 4, alpha: 8, targets: "all-linear", ...options };
    assert.throws(() => Adapted.fresh(model, all), (fault: Error) => {
      assert.ok(fault instanceof ConfigError);
      for (const part of wanted) assert.ok(fault.message.includes(part), fault.message);
      return true;
    });
  });
}

Deno.test("a pattern that only Python understands is taken to match when a file is read", () => {
  const config = checkConfig(
    { peft_type: "LORA", target_modules: "(?P<x>q)_proj(?P=x)" },
    "adapter_config.json",
  );
  assert.ok(isTargeted("anything", config));
  assert.throws(() => names("(?P<x>q)", "q"), SyntaxError);
});
