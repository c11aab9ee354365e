/** The penalty of elastic weight consolidation on a whole adapter. */
import assert from "node:assert/strict";
import { Adapter } from "../../../src/adapters/adapter.ts";
import { encode, type Example, rowTokenizer } from "../../../src/data/mod.ts";
import { ConfigError } from "../../../src/errors.ts";
import { queueDocuments } from "../../../src/eval/documents.ts";
import { readFloats } from "../../../src/gpu/buffer.ts";
import type { Compiled, Engine } from "../../../src/graph/compile.ts";
import { Graph, type Value } from "../../../src/graph/graph.ts";
import { fisherOf, type Modules, watchable } from "../../../src/forgetting/elastic/fisher.ts";
import { planElastic } from "../../../src/forgetting/elastic/penalty.ts";
import { column, tokenMean } from "../../../src/forgetting/measure.ts";
import type { RetentionTerm } from "../../../src/forgetting/control/parts.ts";
import { LossProgram } from "../../../src/models/loss_program.ts";
import { Model } from "../../../src/models/model.ts";
import { assertClose, noise } from "../../harness.ts";
import { freshEngine, tinyExamples, withTiny } from "../../models/tiny.ts";
import { elastic } from "../../../src/reference/elastic.ts";
import { matmulNn } from "../../../src/reference/matmul.ts";
import { CachedToy } from "../cached_toy.ts";

const T = 40;
/** No multiple of four in one module, another scale in a second. */
const ADAPTER = {
  ...{ rank: 4, alpha: 6, targets: "all-linear" as const },
  rank_pattern: { "layers.0.mlp.up_proj": 3 },
  alpha_pattern: { "layers.1.self_attn.o_proj": 2 },
};

/** An adapter of a tiny model, moved in both factors by up to `size`. */
function moved(engine: Engine, model: Model, size: number): Adapter {
  const lora = Adapter.fresh(engine, model, ADAPTER);
  const { graph } = model.lossGraph(engine, { T, adapt: lora.adapt });
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  lora.load(engine.store, 1);
  for (const [i, name] of engine.store.paramNames.entries()) {
    if (/\.up_proj\./.test(name)) continue; // keeps its padding
    const numbers = noise(engine.store.param(name).size / 4, i + 300);
    engine.store.writeParam(name, numbers.map((x) => size * x));
  }
  return lora;
}

const OPTIONS = {
  domains: [{ train: tinyExamples(61).map((example) => [example]) }],
  documents: 999,
  seed: 1,
  say() {},
};

const open = (engine: Engine, model: Model, lora: Adapter, examples: readonly Example[]) =>
  planElastic(engine, model, { adapt: lora.adapt, T, recompute: false }).open({
    ...OPTIONS,
    domains: [{ train: examples.map((example) => [example]) }],
  });

/** What the penalty comes to at a weight; its gradients are in the store afterwards. */
async function lossAt({ device }: Engine, term: RetentionTerm, weight: number) {
  const { replays: [replay] } = await term.plan(0, (tokens) => tokens.map(() => weight));
  replay!.run(0);
  return (await readFloats(device, replay!.losses))[0]!;
}

/** A module's part of the penalty, in f64. */
interface Part {
  readonly params: Readonly<Record<"a" | "b", string>>;
  readonly numbers: Readonly<Record<"a" | "b", Float64Array>>;
  /** At other numbers: weight / 2 * sum of F (scale B A)^2. */
  lossAt(numbers: Part["numbers"], weight: number): number;
}

/** The parts of every module, from what store and penalty hold. */
async function partsOf(
  { device, store }: Engine,
  { resources }: Compiled,
  modules: Modules,
  lora: Adapter,
): Promise<Part[]> {
  const parts: Part[] = [];
  for (const [module, [M, N]] of modules) {
    const graph = new Graph();
    const { a, b, scale } = lora.adapt.lowRank(graph, module, [M, N])!;
    const domain = resources.find(fisherOf(graph, module, [M, N]));
    const fisher = Float64Array.from(await readFloats(device, domain));
    const sizes = { M, N, K: a.shape[0]!, SCALE: scale };
    parts.push({
      params: { a: a.name, b: b.name },
      numbers: {
        a: Float64Array.from(await store.readParam(a.name)),
        b: Float64Array.from(await store.readParam(b.name)),
      },
      lossAt: ({ a, b }, weight) => elastic(matmulNn(b, a, sizes), fisher, weight).loss,
    });
  }
  return parts;
}

Deno.test("the penalty is the plain sum, and its gradients are its slopes", () =>
  withTiny({}, async (folder) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const lora = moved(engine, model, 0.5);
    const { term, tokens } = await open(engine, model, lora, tinyExamples(61, [19, 10, 30]));
    assert.equal(tokens, 19 + 10 + 30 - 3 * 4);
    const found = await lossAt(engine, term, 3);
    const parts = await partsOf(engine, term.compiled, watchable(engine, model), lora);
    const plain = parts.reduce((sum, { lossAt, numbers }) => sum + lossAt(numbers, 3), 0);
    assertClose([found], [plain], 1e-5, "loss");
    for (const { params, numbers, lossAt } of parts) {
      for (const factor of ["a", "b"] as const) {
        const gradient = await engine.store.readParam(params[factor], "gradients");
        const along = noise(gradient.length, 7);
        const beside = (step: number) => {
          const at = numbers[factor].map((x, i) => x + step * along[i]!);
          return lossAt({ ...numbers, [factor]: at }, 3);
        };
        const slope = (beside(1e-5) - beside(-1e-5)) / 2e-5;
        const dot = gradient.reduce((sum, g, i) => sum + g * along[i]!, 0);
        assertClose([dot], [slope], 1e-4, `d ${params[factor]}`);
      }
    }
    term.close();
    engine.store.destroy();
  }));

Deno.test("at weight 1 the penalty is the divergence from the base, to second order", async () => {
  using toy = new CachedToy();
  const engine = await freshEngine();
  using model = new Model(toy.model);
  const { documents } = await toy.samples({ count: 160, maxTokens: 32 });
  const examples = documents.map((document) => encode(document, rowTokenizer(model)));
  const lora = moved(engine, model, 0.06);
  const { term } = await open(engine, model, lora, examples);
  const foreseen = await lossAt(engine, term, 1);
  const both = await LossProgram.open(engine, model, { T, adapt: lora.adapt, loss: "kl" });
  const stats = await (await queueDocuments(both, examples, "stats")).result;
  const measured = tokenMean(stats.map((of) => column(of, 0)));
  assert.ok(measured > 1e-3 && measured < 1e-2, `${measured} nats`);
  const ratio = foreseen / measured;
  assert.ok(ratio > 0.8 && ratio < 1.25, `${foreseen} nats were foreseen, ${measured} measured`);
  term.close();
  both.compiled.destroy();
  engine.store.destroy();
});

Deno.test("four bytes are kept of each adapted weight, and of no other", () =>
  withTiny({ dtype: "BF16" }, async (folder) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const targets = ["q_proj", "down_proj"];
    const { adapt } = Adapter.fresh(engine, model, { rank: 4, alpha: 8, targets });
    const { footprint } = planElastic(engine, model, { adapt, T, recompute: false });
    assert.equal(footprint.fisher, 4 * 2 * (32 * 32 + 32 * 48));
  }));

Deno.test("what is trained beside LoRA of linear layers is refused by name", () =>
  withTiny({}, async (folder) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const { adapt } = Adapter.fresh(engine, model, ADAPTER);
    const params: Value[] = model.lossGraph(engine, { T, adapt }).graph.values
      .filter(({ kind }) => kind === "param");
    engine.store.addParams([...params, new Graph().param("model.norm.weight", [32], "rows")]);
    const planned = planElastic(engine, model, { adapt, T, recompute: false });
    await assert.rejects(
      planned.open(OPTIONS),
      new ConfigError(
        "guard.loss: found ewc but model.norm.weight is trained, wanted LoRA of linear layers alone",
      ),
    );
    engine.store.destroy();
  }));

Deno.test("an update of the output head is refused by name", () =>
  withTiny({ tied: false }, async (folder) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const targets = ["q_proj", "lm_head"];
    const { adapt } = Adapter.fresh(engine, model, { rank: 4, alpha: 8, targets });
    const { graph } = model.lossGraph(engine, { T, adapt });
    engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
    const planned = planElastic(engine, model, { adapt, T, recompute: false });
    await assert.rejects(planned.open(OPTIONS), /ewc but lm_head\.lora_A\.weight/);
    engine.store.destroy();
  }));
