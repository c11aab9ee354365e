/** Bottleneck adapters in runs, at strengths, and what they are not built for. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter, type AdapterOptions } from "../../../src/adapters/adapter.ts";
import { mergeAdapter } from "../../../src/adapters/merge.ts";
import { hubTensors } from "../../../src/adapters/peft/adapter_hub.ts";
import { readPeft, writePeft } from "../../../src/adapters/peft/folder.ts";
import { atScaling } from "../../../src/adapters/scaling.ts";
import { parseConfig } from "../../../src/config/mod.ts";
import { ConfigError } from "../../../src/errors.ts";
import { exportMlx } from "../../../src/export/mlx.ts";
import { applySnapshot, takeSnapshot } from "../../../src/forgetting/select/strength.ts";
import { openGroups } from "../../../src/inference/beside.ts";
import { openModel } from "../../../src/inference/open.ts";
import { readJsonObject, writeJson } from "../../../src/io/files.ts";
import { writeSafetensors } from "../../../src/io/safetensors/safetensors.ts";
import { Model } from "../../../src/models/model.ts";
import { guarded, reportOf } from "../../forgetting/guarded_toy.ts";
import { openGoldenAdapter, report, testsOf } from "../../golden/checks.ts";
import { logitsError, packedLogits, readAdapterGolden } from "../../golden/golden.ts";
import { engine } from "../../harness.ts";
import { assertFileError } from "../../io/helpers.ts";
import { freshEngine, withTiny } from "../../models/tiny.ts";
import { Toy, type ToySettings } from "../../train/toy.ts";

const isConfigError = (message: RegExp) => (fault: Error) =>
  fault instanceof ConfigError && message.test(fault.message);

for (const name of ["seq_bn", "double_seq_bn", "par_bn", "double_seq_bn_gpt2"]) {
  const golden = readAdapterGolden(name);
  const test = testsOf(name, golden);

  test("strength 0 is the base bit for bit, and a strength the same in graph and folder", async (folder) => {
    using model = new Model(folder);
    const { engine, adapter } = await openGoldenAdapter(folder, model, false);
    const { adapt } = adapter;
    const { store } = engine;
    const base = await packedLogits(engine, model, golden.examples);
    const snapshot = await takeSnapshot(store);
    applySnapshot(store, snapshot, 0, (param) => adapter.base(param));
    assert.deepEqual(await packedLogits(engine, model, golden.examples, { adapt }), base);
    applySnapshot(store, snapshot, 0.6, (param) => adapter.base(param));
    const found = await packedLogits(engine, model, golden.examples, { adapt });
    assert.notDeepEqual(found, base);

    const saved = join(folder, "../saved");
    writePeft(saved, atScaling(readPeft(join(folder, "adapter")), 0.6, engine, model));
    const again = await freshEngine();
    const read = Adapter.of(again, model, readPeft(saved));
    const { graph } = model.lossGraph(again, { T: 8, adapt: read.adapt });
    again.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
    read.load(again.store, 0);
    const scaled = await packedLogits(again, model, golden.examples, { adapt: read.adapt });
    const tensors = new Map(
      found.map((numbers, i) => [`lora_logits/${i}`, { shape: [], numbers }]),
    );
    report("logits", logitsError(scaled, { ...golden, tensors }, "lora_logits"), 1e-5);
    again.store.destroy();
    store.destroy();
  });
}

/** A fresh adapter on a tiny model. */
async function fresh(model: Model, options: Partial<AdapterOptions> = {}) {
  const engine = await freshEngine();
  const shared = { rank: 16, alpha: 32, targets: "all-linear", method: "bottleneck" } as const;
  const adapter = Adapter.fresh(engine, model, { ...shared, ...options });
  const { graph } = model.lossGraph(engine, { T: 8, adapt: adapter.adapt });
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  adapter.load(engine.store, 7);
  const read = await adapter.read(engine.store, "");
  engine.store.destroy();
  return read;
}

Deno.test("a fresh adapter stands where its kind says, as AdapterHub begins it", () =>
  withTiny({}, async (folder, { layers }) => {
    using model = new Model(folder);
    const names = async (options: Partial<AdapterOptions>) =>
      (await fresh(model, options)).modules.map(({ module, rank }) => `${module} ${rank}`);
    const [first, second] = ["self_attn.o_proj", "mlp.down_proj"].map((end) =>
      `model.layers.0.${end}`
    );
    assert.deepEqual((await names({})).slice(0, 2), [
      `${second} 2`,
      `model.layers.1.${second!.slice(15)} 2`,
    ]);
    const double = { bottleneck: "double_seq_bn", reduction_factor: 5 } as const;
    assert.deepEqual((await names(double)).slice(0, 2), [`${first} 6`, `${second} 6`]);
    assert.equal((await names(double)).length, 2 * layers);

    const { modules, config } = await fresh(model);
    const { down, up, downBias, upBias } = modules[0]!;
    const deviation = (numbers: Float32Array) =>
      Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);
    assert.ok([down!, up!].every((x) => Math.abs(deviation(x) - 0.02) < 0.004));
    assert.ok([downBias!, upBias!].every((bias) => bias.every((x) => x === 0)));
    assert.equal((config["config"] as Record<string, unknown>)["non_linearity"], "relu");
    const parallel = await fresh(model, { bottleneck: "par_bn", non_linearity: "tanh" });
    assert.equal(parallel.modules[0]!.rank, 16);
    assert.ok(parallel.modules[0]!.up!.every((x) => x === 0));
    const own = parallel.config["config"] as Record<string, unknown>;
    assert.deepEqual([own["non_linearity"], own["scaling"], own["is_parallel"]], ["tanh", 4, true]);
  }));

Deno.test("a run learns, ends with the same bytes if stopped, is gone on from, and has a guard", async () => {
  using toy = new Toy({ dtype: "BF16" });
  const adapter = { method: "bottleneck", reduction_factor: 4, rank: undefined };
  const settings: ToySettings = {
    ...{ guard: false, adapter: { ...adapter, bottleneck: "double_seq_bn" } },
    train: { steps: 8, lr: 0.02, checkpoint_every: 4, recompute: true },
  };
  await toy.train("run", settings);
  const [first, ...rest] = toy.metrics("run");
  assert.ok(rest.at(-1)!.loss < first!.loss, `${first!.loss} to ${rest.at(-1)!.loss}`);
  let asked = 0;
  await toy.train("stopped", settings, { stopWanted: () => ++asked === 5 });
  await toy.train("stopped", settings, { resume: true });
  assert.deepEqual(toy.adapter("stopped"), toy.adapter("run"));

  const from = toy.path("run", "adapter");
  const still = { steps: 1, lr: 1e-30, weight_decay: 0 };
  await toy.train("on", { guard: false, train: still, adapter: { from } });
  assert.deepEqual(toy.adapter("on"), toy.adapter("run"));
  await assert.rejects(
    toy.train("off", { guard: false, train: still, adapter: { from, bottleneck: "par_bn" } }),
    isConfigError(/adapter\.bottleneck: found "par_bn", but .* has "double_seq_bn"/),
  );
  const { device } = await engine();
  using open = openModel(device, toy.model);
  const groups = openGroups(open, new Map([["mine", toy.path("run")]]));
  assert.deepEqual(groups.map(({ names, isPerRow }) => [names, isPerRow]), [[["mine"], false]]);
  for (const group of groups) group[Symbol.dispose]();

  await toy.train("guarded", { ...guarded(toy), adapter, train: { steps: 30, lr: 0.002 } });
  const { chosen } = reportOf(toy, "guarded");
  assert.ok(chosen.strength > 0 && chosen.strength <= 1, `${chosen.strength}`);
  assert.equal(readPeft(toy.path("guarded", "adapter")).modules.length, 2);
});

Deno.test("what bottleneck adapters have no use for is refused by name", () =>
  withTiny({}, async (folder) => {
    const idle = (key: string, value: string, method = "bottleneck") =>
      assert.throws(() =>
        parseConfig({
          flags: { model: folder, data: "rows.jsonl", "adapter.method": method, [key]: value },
        }), new RegExp(`${key}.* beside adapter\\.method ${method}, where it has no effect`));
    for (const key of ["rank", "alpha", "dropout"]) {
      idle(`adapter.${key}`, "0.5".slice(key === "dropout" ? 0 : 2));
    }
    for (const key of ["targets", "modules_to_save"]) idle(`adapter.${key}`, "q_proj");
    idle("train.lora_plus_ratio", "16");
    idle("adapter.reduction_factor", "4", "lora");
    idle("adapter.bottleneck", "par_bn", "dora");

    using model = new Model(folder);
    const read = await fresh(model);
    assertFileError(() => exportMlx(read, join(folder, "../out")), "alone, found bottleneck");
    const saved = join(folder, "../saved");
    writePeft(saved, read);
    assertFileError(
      () => mergeAdapter(folder, saved, join(folder, "../merged")),
      "bottleneck puts layers behind the base's",
    );
    const path = join(saved, "adapter_config.json");
    const config = readJsonObject(path);
    const own = config["config"] as Record<string, unknown>;
    const refuses = (changes: Record<string, unknown>, ...messages: string[]) => {
      writeJson(path, { ...config, config: { ...own, ...changes } });
      assertFileError(() => readPeft(saved), ...messages);
    };
    refuses({ ln_after: true }, '"ln_after" is true, wanted false');
    refuses({ use_gating: true }, '"use_gating" is true');
    refuses({ phm_layer: true }, '"phm_layer" is true');
    refuses({ inv_adapter: "nice" }, '"inv_adapter" is "nice"');
    refuses({ scaling: "learned" }, '"scaling" is "learned", wanted a number');
    refuses({ non_linearity: "leakyrelu" }, '"non_linearity" is "leakyrelu"', '"swish"');
    refuses({ original_ln_after: false }, '"original_ln_after" is false', "would count 0 times");
    refuses({ residual_before_ln: false }, '"original_ln_after" is true', "would count 2 times");
    refuses({ architecture: "lora" }, '"architecture" is "lora", wanted a bottleneck adapter');
    refuses({ reduction_factor: 0 }, '"reduction_factor" is 0');
    const changed = (changes: Record<string, unknown>, ...messages: string[]) => {
      writeJson(path, { ...config, ...changes });
      assertFileError(() => readPeft(saved), ...messages);
    };
    changed({ version: "0.2" }, '"version" is "0.2", wanted that of adapters 1.0 or later');
    changed({ model_type: "bert" }, '"model_type" is "bert", wanted llama, mistral, gpt2');
    changed({ name: "other" }, "of a bottleneck adapter called", '"other"');
    writeJson(path, config);
    const weights = join(saved, "adapter.safetensors");
    const tensors = hubTensors(read);
    writeSafetensors(weights, tensors.slice(1));
    assertFileError(() => readPeft(saved), "adapter_down.0.weight", "is missing");
    writeSafetensors(
      weights,
      tensors.map((tensor, i) => i === 1 ? { ...tensor, shape: [1, 2] } : tensor),
    );
    assertFileError(() => readPeft(saved), "adapter_down.0.bias", "is [1,2], wanted [2]");
    Deno.removeSync(weights);
    Deno.writeTextFileSync(join(saved, "pytorch_adapter.bin"), "");
    assertFileError(() => readPeft(saved), "pytorch_adapter.bin: it is pickled", "use_safetensors");
  }));
