/** Fisher information against squared gradients of full-parameter training, document by document. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { batch, type Example } from "../../../src/data/mod.ts";
import { ConfigError } from "../../../src/errors.ts";
import { readFloats } from "../../../src/gpu/buffer.ts";
import { Graph } from "../../../src/graph/graph.ts";
import { Resources } from "../../../src/graph/resources.ts";
import {
  addFisher,
  fisherOf,
  type Modules,
  watchable,
} from "../../../src/forgetting/elastic/fisher.ts";
import { LossProgram } from "../../../src/models/loss_program.ts";
import { Model } from "../../../src/models/model.ts";
import { fromBlocks } from "../../../src/models/weights.ts";
import { trainFull } from "../../../src/train/trainable.ts";
import { readGolden, writeGolden } from "../../golden/golden.ts";
import { assertClose } from "../../harness.ts";
import { freshEngine, tinyExamples, withTiny } from "../../models/tiny.ts";

const T = 40;
const OPTIONS = { documents: 99, seed: 1, recompute: false };

/** What is kept of each module. */
async function kept(resources: Resources, modules: Modules) {
  const found = new Map<string, Float32Array>();
  for (const [module, shape] of modules) {
    const domain = resources.find(fisherOf(new Graph(), module, shape));
    found.set(module, await readFloats(resources.device, domain));
  }
  return found;
}

/** The same from gradients of every weight: squares over the tokens of all documents. */
async function plain(model: Model, modules: Modules, domains: readonly (readonly Example[])[]) {
  const engine = await freshEngine();
  const options = { T, full: true, train: true };
  const params = model.lossGraph(engine, options).graph.values.filter(({ kind }) =>
    kind === "param"
  );
  engine.store.addParams(params);
  trainFull(model, "F32").load(engine.store, params);
  const program = await LossProgram.open(engine, model, options);
  const sums = new Map(
    [...modules].map(([module, [out, inner]]) => [module, new Float64Array(out * inner)]),
  );
  for (const examples of domains) {
    const rows = examples.map((example) => batch([example], T));
    const tokens = rows.reduce((sum, { supervised }) => sum + supervised, 0);
    for (const row of rows) {
      program.feed(row);
      program.run();
      for (const [module, shape] of modules) {
        const blocks = await engine.store.readParam(`${module}.weight`, "gradients");
        const sum = sums.get(module)!;
        fromBlocks(blocks, shape as [number, number]).forEach((g, i) => sum[i]! += g * g / tokens);
      }
    }
  }
  program.compiled.destroy();
  engine.store.destroy();
  return sums;
}

async function checkFisher(folder: string, recompute: boolean) {
  const engine = await freshEngine();
  using model = new Model(folder);
  const modules = watchable(engine, model);
  const { vocabSize } = model.config;
  const domains = [tinyExamples(vocabSize, [19, 10, 37]), tinyExamples(vocabSize, [23, 31])];
  using resources = new Resources(engine.device);
  const source = await addFisher(engine, model, {
    ...{ modules, ...OPTIONS, recompute, resources },
    domains: domains.map((train) => ({ train: train.map((example) => [example]) })),
  });
  assert.equal(source.documents, 5);
  assert.equal(source.tokens, domains.flat().reduce((sum, { ids }) => sum + ids.length - 4, 0));
  const [found, wanted] = [await kept(resources, modules), await plain(model, modules, domains)];
  for (const [module, squares] of wanted) assertClose(found.get(module)!, squares, 1e-5, module);
  engine.store.destroy();
}

for (const [dtype, recompute] of [["F32", false], ["BF16", true]] as const) {
  Deno.test(`Fisher information is that of full-parameter gradients, ${dtype}`, () =>
    withTiny({ dtype }, (folder) => checkFisher(folder, recompute)));
}

// Weights in one piece, transposed, and with a bias.
for (const name of ["phi3", "gpt2"]) {
  Deno.test(`Fisher information is that of full-parameter gradients, ${name}`, async () => {
    const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
    try {
      const folder = join(parent, "model");
      writeGolden(folder, readGolden(name));
      await checkFisher(folder, false);
    } finally {
      Deno.removeSync(parent, { recursive: true });
    }
  });
}

Deno.test("Fisher information is of as many documents as asked for, the same for a seed", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const train = tinyExamples(model.config.vocabSize, [19, 10, 30, 37, 12])
      .map((example) => [example]);
    const measure = async (documents: number, seed: number) => {
      const engine = await freshEngine();
      const modules = new Map([...watchable(engine, model)].slice(0, 1));
      using resources = new Resources(engine.device);
      const options = { ...OPTIONS, modules, domains: [{ train }], documents, seed, resources };
      const source = await addFisher(engine, model, options);
      const numbers = [...(await kept(resources, modules)).values()][0]!;
      engine.store.destroy();
      return { source, numbers };
    };
    const [two, again, other] = [await measure(2, 1), await measure(2, 1), await measure(2, 2)];
    assert.equal(two.source.documents, 2);
    assert.ok(two.numbers.every((x) => x >= 0) && two.numbers.some((x) => x > 0));
    assert.deepEqual(two, again);
    assert.notDeepEqual(two.numbers, other.numbers);
  }));

Deno.test("a module that is no linear layer of the forward is refused by name", () =>
  withTiny({}, async (folder) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const modules = new Map([["lm_head", [61, 32]]] as const);
    const domains = [{ train: tinyExamples(model.config.vocabSize).map((example) => [example]) }];
    using resources = new Resources(engine.device);
    await assert.rejects(
      addFisher(engine, model, { ...OPTIONS, modules, domains, resources }),
      new ConfigError(
        "guard.loss: found ewc but lm_head is trained, wanted LoRA of linear layers alone",
      ),
    );
  }));
