import assert from "node:assert/strict";
import { FileError } from "../../src/errors.ts";
import { Lora } from "../../src/adapters/lora.ts";
import { type Example, Stream } from "../../src/data/mod.ts";
import { perplexity } from "../../src/eval/perplexity.ts";
import { loadRetention, RetentionProbe } from "../../src/guard/retention.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { encoderOf } from "../../src/train/setup.ts";
import { freshEngine, tinyExamples } from "../models/tiny.ts";
import { stories, Toy } from "../train/toy.ts";

const T = 64;
const textOf = ({ ids }: Example) => ids.join(" ");

Deno.test("loadRetention() splits at random by document, and the parts share no text", async () => {
  using toy = new Toy();
  using model = new Model(toy.model);
  const encoder = encoderOf(model);
  const load = (seed: number, documents = 5) =>
    loadRetention(encoder, { text: [toy.text], documents, seed, maxTokens: T });
  const { train, held } = await load(1);
  assert.equal(held.length, 5);
  assert.equal(train.length, 11);
  const all = new Set([...train, ...held].map(textOf));
  assert.equal(all.size, 16, "every document once");
  assert.deepEqual((await load(1)).held.map(textOf), held.map(textOf));
  const chosen = async (seed: number) => (await load(seed)).held.map(textOf).join("\n");
  const choices = new Set(await Promise.all([1, 2, 3, 4].map(chosen)));
  assert.equal(choices.size, 4, "another seed holds back other documents");
  assert.equal((await load(1, 1000)).held.length, 8, "half of them at most");
});

Deno.test("loadRetention() refuses text of which nothing could be held back", async () => {
  using toy = new Toy();
  using model = new Model(toy.model);
  const same = toy.path("same.txt");
  Deno.writeTextFileSync(same, Array(6).fill(stories(1)[0]).join("<|endoftext|>"));
  const options = { text: [same], documents: 2, seed: 1, maxTokens: T };
  await assert.rejects(
    loadRetention(encoderOf(model), options),
    new FileError(
      `${same}: found 6 documents that leave nothing to train on or to hold back, ` +
        "wanted more documents that differ",
    ),
  );
});

Deno.test("held-back text never reaches training, even where its text comes twice", async () => {
  using toy = new Toy();
  using model = new Model(toy.model);
  const twice = toy.path("twice.txt");
  const documents = [...stories(16), ...stories(16).map((text) => ` ${text}\n`)];
  Deno.writeTextFileSync(twice, documents.join("<|endoftext|>"));
  const { train, held } = await loadRetention(encoderOf(model), {
    ...{ text: [twice], documents: 8, seed: 3, maxTokens: T },
  });
  const task = tinyExamples(61, [30, 20, 25]);
  const stream = new Stream(task, {
    ...{ T, seed: 3, shuffle: true, retention: train, retentionShare: 0.5 },
  });
  const seen = new Set<string>();
  for (let i = 0; i < stream.micros(40); i++) {
    for (const { example } of stream.micro(i).documents) {
      seen.add(textOf(stream.examples[example]!));
    }
  }
  const words = (example: Example) => model.tokenizer.decode([...example.ids]).trim();
  for (const example of train) {
    assert.ok(seen.has(textOf(example)), "all of the rest is trained on");
  }
  const trained = new Set(train.map(words));
  assert.equal(held.length, 8);
  for (const example of held) {
    assert.ok(!seen.has(textOf(example)));
    assert.ok(!trained.has(words(example)));
  }
});

Deno.test("RetentionProbe finds no forgetting in a fresh adapter, to the last bit", async () => {
  using toy = new Toy();
  using model = new Model(toy.model);
  const engine = await freshEngine();
  const lora = Lora.fresh(model.linearModules(engine), {
    rank: 4,
    alpha: 8,
    targets: "all-linear",
  });
  const options = { T, adapt: lora.adapt };
  const { graph } = model.lossGraph(engine, options);
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  lora.load(engine.store, 1);
  const { held } = await loadRetention(encoderOf(model), {
    ...{ text: [toy.text], documents: 6, seed: 3, maxTokens: T },
  });
  const base = await LossProgram.open(engine, model, { T });
  const probe = await RetentionProbe.open(
    base,
    await LossProgram.open(engine, model, options),
    held,
  );
  const { nll, forgetting } = await probe.measure();
  assert.equal(nll, probe.base.nll);
  assert.equal(forgetting, 0);

  // Evaluation in rows of another length packs the documents otherwise and finds the same.
  const narrow = await LossProgram.open(engine, model, { T: 48 });
  const evaluated = await perplexity(narrow, held);
  assert.equal(evaluated.tokens, probe.base.tokens);
  assert.ok(Math.abs(evaluated.nll - probe.base.nll) < 1e-6 * probe.base.nll);
  assert.equal(probe.base.perplexity, Math.exp(probe.base.nll));

  const name = `${lora.modules[0]}.lora_B.weight`;
  engine.store.writeParam(name, (await engine.store.readParam(name)).fill(0.5));
  const moved = await probe.measure();
  assert.notEqual(moved.nll, nll);
  const rise = moved.perplexity / probe.base.perplexity - 1;
  assert.ok(Math.abs(moved.forgetting - rise) < 1e-12);
  engine.store.destroy();
});

Deno.test("a run reports what it measured on held-back text", async () => {
  using toy = new Toy();
  const guard = { text: [toy.text], share: 0.3, every: 2, documents: 6 };
  const { measured } = await toy.train("run", { guard, train: { steps: 5, lr: 0.03 } });
  const report = JSON.parse(Deno.readTextFileSync(toy.path("run", "forgetting_report.json")));
  const { base_perplexity: base, tuned_perplexity: tuned, forgetting, tokens, ...rest } = report;
  assert.deepEqual(rest, {
    documents: 6,
    certified: false,
    note: "measured on held-back retention text; says nothing about other text or abilities",
  });
  assert.ok(tokens > 6 * 10);
  assert.ok(forgetting === measured["forgetting"] && forgetting !== undefined);
  assert.equal(tuned, measured["retention_perplexity"]);
  assert.ok(Math.abs(tuned! / base - 1 - forgetting) < 1e-9);
  assert.notEqual(forgetting, 0);

  const metrics = toy.metrics("run");
  assert.deepEqual(metrics.map((line) => line.step), [0, 1, 2, 3, 4]);
  assert.equal(metrics[0]!.forgetting, 0, "before the first update");
  assert.equal(metrics[1]!.forgetting, 0, "not measured again");
  assert.notEqual(metrics[2]!.forgetting, 0);
  const losses = metrics.flatMap((line) => line["retention_loss"] ?? []);
  assert.ok(losses.length > 0 && losses.every((loss) => loss > 0), "only where it was trained on");
});
