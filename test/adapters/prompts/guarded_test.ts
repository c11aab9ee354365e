/** The guard of virtual tokens: all of them, or the base. */
import assert from "node:assert/strict";
import { readPeft } from "../../../src/adapters/peft/folder.ts";
import { atScaling } from "../../../src/adapters/scaling.ts";
import { main } from "../../../src/cli/commands.ts";
import { encode, rowTokenizer } from "../../../src/data/mod.ts";
import { ConfigError } from "../../../src/errors.ts";
import { queueDocuments } from "../../../src/eval/documents.ts";
import { BatchGenerator } from "../../../src/inference/batch.ts";
import { Generator } from "../../../src/inference/generator.ts";
import { type OpenModel, openModel } from "../../../src/inference/open.ts";
import type { Adapt } from "../../../src/models/layers/adapt.ts";
import { LossProgram } from "../../../src/models/loss_program.ts";
import { putAt, takeSnapshot } from "../../../src/forgetting/select/strength.ts";
import { capture } from "../../cli/capture.ts";
import { CachedToy } from "../../forgetting/cached_toy.ts";
import { guarded, remeasure, reportOf } from "../../forgetting/guarded_toy.ts";
import { engine } from "../../harness.ts";
import { stories, Toy, type ToySettings } from "../../train/toy.ts";

const BUDGET = "ppl:60%";

/** A guarded run of virtual tokens. */
function settingsOf(toy: Toy, adapter: object, guard: object = {}): ToySettings {
  return {
    ...guarded(toy, { budget: BUDGET, ...guard }),
    adapter: { num_virtual_tokens: 3, rank: undefined, ...adapter },
    train: { steps: 20, lr: 0.1, checkpoint_every: 5 },
  };
}

const METHODS = [
  { method: "prompt_tuning" },
  { method: "prefix_tuning" },
  { method: "p_tuning", encoder_hidden_size: 8 },
];

for (const adapter of METHODS) {
  Deno.test(`a guarded run of ${adapter.method} certifies what a reader measures`, async () => {
    using toy = new Toy();
    Deno.writeTextFileSync(toy.text, stories(120).join("\n<|endoftext|>\n"));
    const settings = settingsOf(toy, adapter);
    const { forgetting, measured } = await toy.train("run", settings);
    const { statement, chosen, points, trials, task, domains, marginal_gain } = forgetting!;
    assert.match(statement, /^Certified: forgets at most .* at strength 1\. It is attempt 1 /);
    assert.equal(chosen.strength, 1);
    assert.deepEqual(new Set(points.map(({ strength }) => strength)), new Set([1]));
    assert.deepEqual(trials.map(({ strength, passed }) => [strength, passed]), [[1, true]]);
    assert.equal(marginal_gain, null);
    assert.ok(task!.tuned_loss < task!.base_loss);
    const [{ certificate, control, epsilon, documents, sha256, worst }] = domains as [
      typeof domains[0] & object,
    ];
    assert.ok(certificate!.upper <= epsilon);
    assert.ok(Math.abs(measured["forgetting"]! - Math.expm1(control.shift)) < 1e-12);
    const found = await remeasure(toy, "run", BUDGET);
    assert.ok(Math.abs(found.mean - control.shift) < 1e-6, `${found.mean}, ${control.shift}`);
    assert.equal(readPeft(toy.path("run", "adapter")).prompt!.tokens, 3);

    // The text is parted and told of as without virtual tokens.
    await toy.train("lora", { ...guarded(toy), train: { steps: 2 } });
    const [alone] = reportOf(toy, "lora").domains;
    assert.deepEqual([documents, sha256], [alone.documents, alone.sha256]);
    assert.ok(worst.every(({ text }) => /^[a-z]+ saw [^�]* times\.?$/.test(text)), worst[0]!.text);

    let asked = 0;
    await toy.train("stopped", settings, { stopWanted: () => ++asked === 12 });
    const { forgetting: resumed } = await toy.train("stopped", settings, { resume: true });
    assert.deepEqual(toy.adapter("stopped"), toy.adapter("run"));
    assert.deepEqual(resumed!.points, points);
  });
}

Deno.test("a budget that no virtual tokens keep leaves the base, and what was trained beside it", async () => {
  using toy = new Toy();
  const guard = { budget: "kl:0.000000000001", weight: 0 };
  const settings = { ...settingsOf(toy, { method: "prefix_tuning" }, guard) };
  const evaluation = { data: [{ path: toy.rows, format: "tokens" }] };
  const { forgetting, measured } = await toy.train("run", { ...settings, eval: evaluation });
  assert.match(forgetting!.statement, /^Not certified: on the control text only the base itself/);
  assert.equal(forgetting!.chosen.strength, 0);
  assert.deepEqual(forgetting!.trials, []);
  assert.equal(forgetting!.domains[0]!.control.shift, 0);
  assert.equal(forgetting!.domains[0]!.probe.kl, 0, "beside itself");
  assert.equal(measured["forgetting"], 0, "the base itself");
  assert.equal(forgetting!.task!.tuned_loss, forgetting!.task!.base_loss);

  const { prompt, modules, alpha, config } = readPeft(toy.path("run", "adapter"));
  assert.deepEqual([prompt, modules.length, alpha, config["peft_type"]], [undefined, 1, 0, "LORA"]);
  assert.ok([modules[0]!.a, modules[0]!.b].every((numbers) => numbers.every((x) => x === 0)));
  assert.equal(readPeft(toy.path("run", "uncertified")).prompt!.tokens, 3);
  const { device } = await engine();
  using base = openModel(device, toy.model);
  using open = openModel(device, toy.model, toy.path("run"));
  const examples = examplesFor(base);
  assert.deepEqual(
    await lossesOf(open, examples, open.adapt),
    await lossesOf(base, examples),
  );
  const { eval_loss: before } = (await toy.train("alone", {
    ...{ guard: false, eval: evaluation, train: { steps: 1, lr: 1e-30 } },
  })).measured;
  assert.ok(Math.abs(measured["eval_loss"]! - before!) < 1e-6, "eval.data is the base's too");
});

Deno.test("guard certifies virtual tokens that were trained elsewhere, or leaves the base", async () => {
  using toy = new Toy();
  Deno.writeTextFileSync(toy.text, stories(160).join("\n<|endoftext|>\n"));
  const { guard: _, ...free } = settingsOf(toy, { method: "prompt_tuning" });
  await toy.train("run", { ...free, guard: false, train: { steps: 2, lr: 0.01 } });
  const guard = (out: string, budget: string) =>
    capture(
      main,
      ...["guard", toy.path("run"), "--text", toy.text, "--budget", budget, "--base", toy.model],
      ...["--tokens", "64", "--out", toy.path(out)],
    );
  const { code, stderr } = await guard("kept", "ppl:99%");
  assert.equal(code, 0, stderr);
  const saved = toy.path("run", "adapter", "adapter_model.safetensors");
  const written = Deno.readFileSync(toy.path("kept", "adapter_model.safetensors"));
  assert.deepEqual(written, Deno.readFileSync(saved));
  const none = await guard("base", "kl:0.000000000001");
  assert.equal(none.code, 3, none.stderr);
  assert.equal(readPeft(toy.path("base")).alpha, 0);
  assert.equal(readPeft(toy.path("base")).prompt, undefined);
});

Deno.test("the base writes retention text for virtual tokens as for others", async () => {
  using toy = new CachedToy();
  const guard = { samples: 60, every: 2, task_rows: 4, budget: BUDGET };
  const told = async (out: string, adapter: Record<string, unknown>, tokens: number) => {
    const said: string[] = [];
    const train = { steps: 2, micro_batch_tokens: tokens, tokens_per_batch: tokens };
    const say = (line: string) => said.push(line);
    const { forgetting } = await toy.train(out, { guard, adapter, train }, { say });
    return { said: said.join("\n"), sha256: forgetting!.domains[0]!.sha256 };
  };
  const adapter = { method: "prompt_tuning", num_virtual_tokens: 8, rank: undefined };
  const prompted = await told("prompted", adapter, 64);
  assert.match(prompted.said, /guard: the base writes 60 documents of up to 56 tokens/);
  const alone = await told("alone", {}, 56);
  assert.match(alone.said, /guard: 60 documents that the base wrote before/);
  assert.deepEqual(prompted.sha256, alone.sha256);
});

for (const method of ["prompt_tuning", "prefix_tuning"]) {
  Deno.test(`at strength 0 what reads the tokens of ${method} reads the base, bit for bit`, async () => {
    using toy = new Toy();
    const adapter = { method, num_virtual_tokens: 3, rank: undefined };
    await toy.train("run", { guard: false, adapter, train: { steps: 2, lr: 0.1 } });
    const { device } = await engine();
    using open = openModel(device, toy.model, toy.path("run"));
    const { model, adapt, engine: { store } } = open;
    const snapshot = await takeSnapshot(store);
    const base = (param: string) => open.adapter!.base(param);
    const examples = examplesFor(open);
    const tuned = await lossesOf(open, examples, adapt);
    const wanted = await lossesOf(open, examples);
    assert.notDeepEqual(tuned, wanted);
    const prompts = examples.map(({ ids }) => [...ids.subarray(0, 6)]);
    using one = await Generator.open(open.engine, model, { context: 32, adapt });
    using many = await BatchGenerator.open(open.engine, model, { context: 32, slots: 2, adapt });
    using plain = await Generator.open(open.engine, model, { context: 32 });
    const options = { maxTokens: 6, stop: [] };
    const textOf = async (generator: Generator) =>
      await Array.fromAsync(generator.generate(prompts[0]!, options));
    const own = await textOf(one);
    putAt({ model, store, base }, snapshot, 0);
    assert.deepEqual(await lossesOf(open, examples, adapt), wanted);
    assert.deepEqual(await textOf(one), await textOf(plain));
    const [first] = await many.generate(prompts, options);
    assert.deepEqual([...first!.ids], await textOf(plain));
    putAt({ model, store, base }, snapshot, 1);
    assert.deepEqual(await lossesOf(open, examples, adapt), tuned);
    assert.deepEqual(await textOf(one), own);
    const { prompt, ...rest } = readPeft(toy.path("run", "adapter"));
    assert.throws(
      () => atScaling({ ...rest, prompt: prompt! }, 0.5, open.engine, model),
      /Found a scaling of 0\.5 for virtual tokens, wanted 0 or 1/,
    );
  });
}

Deno.test("elastic weight consolidation has nothing to hold of virtual tokens", async () => {
  using toy = new Toy();
  const guard = { text: [toy.text], loss: "ewc", weight: 1 };
  await assert.rejects(
    toy.train("run", { ...settingsOf(toy, { method: "prompt_tuning" }), guard }),
    (fault) => fault instanceof ConfigError && /^guard\.loss: found ewc but /.test(fault.message),
  );
});

/** Documents as a model has them. */
const examplesFor = ({ model }: OpenModel) =>
  [[1, 5, 9, 30, 31, 2, 17], [1, 44, 6, 6, 8]].map((ids) =>
    encode({ kind: "tokens", ids, labels: ids, origin: "a test" }, rowTokenizer(model))
  );

/** Nats of each token that is learnt. */
async function lossesOf(
  { engine, model }: OpenModel,
  examples: ReturnType<typeof examplesFor>,
  adapt?: Adapt,
) {
  const program = await LossProgram.open(engine, model, { T: 32, adapt });
  const found = await (await queueDocuments(program, examples)).result;
  program.compiled.destroy();
  return found;
}
