/** Virtual tokens in front of documents that are read without their adapter: by the base. */
import assert from "node:assert/strict";
import { parseConfig } from "../../../src/config/mod.ts";
import { batch, encode, rowTokenizer } from "../../../src/data/mod.ts";
import { encodeTask } from "../../../src/eval/tasks/encode.ts";
import { readTasks } from "../../../src/eval/tasks/read.ts";
import { scoreModels } from "../../../src/forgetting/task_scores.ts";
import { readFloats } from "../../../src/gpu/buffer.ts";
import { BatchGenerator } from "../../../src/inference/batch.ts";
import { Generator } from "../../../src/inference/generator.ts";
import type { Answered } from "../../../src/inference/tasks/answer.ts";
import { openModel } from "../../../src/inference/open.ts";
import { LossProgram } from "../../../src/models/loss_program.ts";
import type { Adapt } from "../../../src/models/layers/adapt.ts";
import { ownRows } from "../../../src/models/virtual.ts";
import { KL_STATS } from "../../../src/ops/mod.ts";
import { answerText } from "../../../src/serve/openai/routes.ts";
import { Served } from "../../../src/serve/served.ts";
import { engine } from "../../harness.ts";
import { Toy, type ToySettings } from "../../train/toy.ts";

const METHODS = ["prompt_tuning", "prefix_tuning"];

const prompted = (method: string): ToySettings => ({
  guard: false,
  adapter: { method, num_virtual_tokens: 3, rank: undefined },
  train: { steps: 4, lr: 0.1 },
});

Deno.test("rows behind virtual tokens begin where those end", () => {
  const positions = Uint32Array.of(0, 1, 2, 3, 4, 0, 1, 2, 0, 0);
  const start = Uint32Array.of(0, 0, 0, 0, 0, 5, 5, 5, 8, 9);
  const { position, start: first } = ownRows({ positions, start }, 2);
  assert.deepEqual([...position], [0, 1, 0, 1, 2, 0, 1, 0, 0, 0]);
  assert.deepEqual([...first], [0, 0, 2, 2, 2, 5, 5, 7, 8, 9]);
});

for (const method of METHODS) {
  Deno.test(`the base reads what stands behind the tokens of ${method}, as it does alone`, async () => {
    using toy = new Toy();
    await toy.train("run", prompted(method));
    const { device } = await engine();
    using alone = openModel(device, toy.model);
    using beside = openModel(device, toy.model, toy.path("run"));
    const documents = [[1, 5, 9, 30, 31, 2, 17], [1, 44, 6, 6, 8]];
    const examples = [alone, beside].map(({ model }) =>
      documents.map((ids) =>
        encode({ kind: "tokens", ids, labels: ids, origin: "a test" }, rowTokenizer(model))
      )
    );
    const measured = async (of: typeof alone, i: number, loss: "nll" | "kl", adapt?: Adapt) => {
      const T = 24;
      const program = await LossProgram.open(of.engine, of.model, { T, loss, adapt });
      program.feed(batch(examples[i]!, T));
      program.run();
      const found = await readFloats(
        device,
        program.compiled.output(loss === "nll" ? "losses" : "stats"),
      );
      program.compiled.destroy();
      return found;
    };
    const count = documents.flat().length - documents.length;
    const wantedLosses = await measured(alone, 0, "nll");
    const found = await measured(beside, 1, "nll");
    const tuned = await measured(beside, 1, "nll", beside.adapt);
    const stats = await measured(beside, 1, "kl", beside.adapt);
    const near = (a: number, b: number, what: string) =>
      assert.ok(Math.abs(a - b) < 1e-5, `${what}: ${a}, wanted ${b}`);
    for (let row = 0; row < count; row++) {
      near(found[row]!, wantedLosses[row]!, "the base");
      const [, base, own] = stats.subarray(KL_STATS * row);
      near(own!, tuned[row]!, "the tuned model beside it");
      near(base!, wantedLosses[row]!, "the base beside it");
    }
    assert.ok(tuned.subarray(0, count).some((x, row) => Math.abs(x - found[row]!) > 1e-3));

    const prompts = documents.map((ids) => ids.slice(0, 4));
    const options = { maxTokens: 6, stop: [] };
    using plain = await Generator.open(alone.engine, alone.model, { context: 32 });
    using hiding = await Generator.open(beside.engine, beside.model, { context: 32 });
    using many = await BatchGenerator.open(beside.engine, beside.model, { context: 32, slots: 1 });
    const { virtual } = rowTokenizer(beside.model);
    const long = prompts.map((ids) => [...virtual!, ...ids]);
    const wanted: number[][] = [];
    for (const [i, ids] of prompts.entries()) {
      wanted.push(await Array.fromAsync(plain.generate(ids, options)));
      assert.deepEqual(await Array.fromAsync(hiding.generate(long[i]!, options)), wanted[i]);
      const scores = await Array.fromAsync(hiding.scores(long[i]!), (row) => row.slice());
      assert.equal(scores.length, ids.length, "those of what is read");
    }
    assert.deepEqual(
      (await many.generate([...long, long[0]!], options)).map(({ ids }) => [...ids]),
      [...wanted, wanted[0]],
    );
  });
}

Deno.test("tasks are answered by the base as it is alone, and by the tuned model beside it", async () => {
  using toy = new Toy();
  await toy.train("run", prompted("prefix_tuning"));
  const path = toy.path("task.jsonl");
  const rows = Array.from({ length: 4 }, (_, i) => ({ instruction: `say ${i}`, output: "a b" }));
  Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  const [task] = await readTasks([{ path, template: "plain", max_tokens: 4 }]);
  const { device } = await engine();
  const scored = async (adapter?: string) => {
    using open = openModel(device, toy.model, adapter);
    const { context } = open.model.config;
    const encoded = encodeTask(task!, rowTokenizer(open.model), { context });
    const answers: Record<string, string> = {};
    const take = (found: readonly Answered[], { name }: { name: string }) => {
      answers[name] = JSON.stringify(found.map(({ ids }) => [...ids!]));
    };
    const [scores] = await scoreModels(open, [encoded], { seed: 0, take });
    return { answers, scores: scores! };
  };
  const alone = await scored();
  const beside = await scored(toy.path("run"));
  assert.deepEqual(beside.answers["base"], alone.answers["base"]);
  assert.ok(beside.scores.divergence!.kl > 0);
});

const PREFERRED = [["a", "no"], ["b", "yes"], ["tom", "x"]].map(([chosen, rejected], i) => ({
  ...{ prompt: `say ${i}: `, chosen, rejected },
}));
const LABELLED = PREFERRED.flatMap(({ prompt, chosen, rejected }) => [
  { prompt, completion: chosen, label: true },
  { prompt, completion: rejected, label: false },
]);
const VOWEL = { kind: "regex", pattern: "[aeiou]" };
const DRAWN = { kind: "grpo", rewards: [VOWEL], prompts: 2, answers: 4, max_tokens: 3, beta: 0.1 };
const OBJECTIVES = [
  { objective: { kind: "dpo" }, rows: PREFERRED },
  { objective: { kind: "orpo" }, rows: PREFERRED },
  { objective: { kind: "kto" }, rows: LABELLED },
  { objective: DRAWN, rows: PREFERRED.map(({ prompt }) => ({ prompt, completion: "a" })) },
];

for (const { objective, rows } of OBJECTIVES) {
  Deno.test(`a run of ${objective.kind} trains virtual tokens, and ends with the same bytes if stopped`, async () => {
    using toy = new Toy();
    const path = toy.path("rows-of-it.jsonl");
    Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    const isDrawn = objective.kind === "grpo";
    const settings = {
      ...{ ...prompted("prompt_tuning"), data: [{ path, template: "plain" }], objective },
      train: {
        ...{ steps: 6, lr: 0.05, checkpoint_every: 2, warmup: 0, schedule: "constant" },
        ...(isDrawn && { tokens_per_batch: undefined }),
      },
    };
    const { first, last } = await toy.train("run", settings);
    if (!isDrawn) assert.ok(last!.loss < first!.loss, `${first!.loss} to ${last!.loss}`);
    else assert.ok(Number.isFinite(last!["kl"]) && last!["kl"]! > 0);
    let asked = 0;
    await toy.train("stopped", settings, { stopWanted: () => ++asked === 4 });
    await toy.train("stopped", settings, { resume: true });
    assert.deepEqual(toy.adapter("stopped"), toy.adapter("run"));
  });
}

Deno.test("objectives of heads and of teachers are refused beside virtual tokens", () => {
  for (const kind of ["reward", "classify", "ppo", "gkd"]) {
    const needed = {
      reward: {},
      classify: { labels: ["a", "b"] },
      ppo: { rewards: [VOWEL] },
      gkd: { teacher: "t" },
    }[kind];
    assert.throws(() =>
      parseConfig({
        values: {
          ...{ model: "m", data: [{ path: "rows.jsonl" }], guard: false },
          adapter: { method: "p_tuning" },
          objective: { kind, ...needed },
        },
      }), new RegExp(`objective\\.kind: found ${kind} beside adapter\\.method p_tuning`));
  }
});

Deno.test("a server counts the tokens of a prompt without virtual ones, and takes a prompt as ids", async () => {
  using toy = new Toy();
  await toy.train("run", prompted("prompt_tuning"));
  const { device } = await engine();
  using open = openModel(device, toy.model);
  const size = { context: 32, slots: 2, waiting: 4 };
  using served = await Served.open(open, "base", new Map([["mine", toy.path("run")]]), size);
  const { signal } = new AbortController();
  for (const model of ["base", "mine"]) {
    const body = { model, prompt: [5, 6, 7], temperature: 0, max_tokens: 4 };
    const response = await answerText(served, body, signal);
    const { usage: { prompt_tokens: read, completion_tokens: made, total_tokens: all } } =
      await response.json();
    assert.equal(read, 3, model);
    assert.equal(all, read + made);
  }
});
