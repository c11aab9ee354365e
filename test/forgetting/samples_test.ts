import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigError } from "../../src/errors.ts";
import { followed } from "../../src/progress.ts";
import { CachedToy } from "./cached_toy.ts";

const [BOS, EOS] = [1, 2];

Deno.test("a run without guard.text is guarded by what the base writes, once for all runs", async () => {
  using toy = new CachedToy();
  const run = async (out: string) => {
    const said: string[] = [];
    const { forgetting } = await toy.train(
      out,
      { guard: { samples: 60, every: 2, task_rows: 4 }, train: { steps: 4 } },
      { say: (line) => said.push(line) },
    );
    const { cost: _, ...report } = forgetting!;
    return { said: said.join("\n"), report };
  };
  const first = await run("first");
  assert.match(first.said, /guard: the base writes 60 documents of up to 64 tokens \.\.\./);
  assert.match(first.said, /guard: 60 documents written/);
  assert.equal(first.report.retention_text, "samples of the base model");
  assert.match(first.report.statement, /^(Certified|Not certified): /);
  const { documents, worst } = first.report.domains[0]!;
  const { train, control, certificate, probe, repeated, in_task: inTask } = documents;
  assert.equal(train + control + certificate + probe + repeated + inTask, 60);
  assert.ok(certificate >= 15 && worst.length > 0);

  const second = await run("second");
  assert.match(second.said, /guard: 60 documents that the base wrote before, from .*cache/);
  assert.doesNotMatch(second.said, /the base writes/);
  assert.deepEqual(second.report, first.report);
  assert.deepEqual(toy.adapter("second"), toy.adapter("first"));
});

Deno.test("the base's documents begin with BOS and end with EOS or at their longest", async () => {
  using toy = new CachedToy();
  const told: string[] = [];
  const { ids, documents } = await followed(
    ({ what, done, of }) => told.push(`${what}: ${done} of ${of}`),
    () => toy.samples({ count: 40 }),
  );
  assert.equal(told.at(-1), "the base writes retention text: answers: 40 of 40");
  assert.equal(documents.length, 40);
  for (const [i, document] of documents.entries()) {
    const own = ids[i]!;
    assert.equal(own[0], BOS);
    assert.ok(!own.slice(1, -1).includes(EOS) && !own.slice(1, -1).includes(BOS));
    assert.ok(own.length === 24 || [BOS, EOS].includes(own.at(-1)!));
    assert.deepEqual("labels" in document && document.labels, [-100, ...own.slice(1)]);
  }
  assert.ok(ids.some((own) => own.length < 24) && ids.some((own) => own.length === 24));
});

Deno.test("what the base wrote is kept by weights, seed and sizes, and made anew where damaged", async () => {
  using toy = new CachedToy();
  const { ids, said } = await toy.samples();
  assert.match(said, /the base writes 12 documents/);
  const [path] = toy.kept;
  const whole = Deno.readTextFileSync(path!);
  const damaged = [whole.slice(0, -20), whole.replace("[[1,", "[[2,"), "[]", '{"sha256":""}'];
  for (const text of damaged) {
    Deno.writeTextFileSync(path!, text);
    const again = await toy.samples();
    assert.match(
      again.said,
      /^guard: Cannot .*; the base writes them anew\nguard: the base writes/,
    );
    assert.deepEqual(again.ids, ids);
    assert.equal(Deno.readTextFileSync(path!), whole);
  }
  assert.deepEqual((await toy.samples()).ids, ids);
  for (const other of [{ seed: 4 }, { count: 13 }, { maxTokens: 32 }]) {
    assert.notDeepEqual((await toy.samples(other)).ids, ids);
  }
  assert.equal(toy.kept.length, 4);

  const weights = Deno.readFileSync(join(toy.model, "model.safetensors"));
  weights[weights.length - 3]! ^= 1;
  Deno.writeFileSync(join(toy.model, "model.safetensors"), weights);
  assert.match((await toy.samples()).said, /the base writes 12 documents/);
  assert.equal(toy.kept.length, 5, "nothing temporary is left");
});

Deno.test("a run goes on where the cache folder cannot be made", async () => {
  using toy = new CachedToy();
  Deno.writeTextFileSync(toy.cache, "a file");
  const { ids, said } = await toy.samples();
  assert.equal(ids.length, 12);
  assert.match(said, /guard: the documents are not kept for other runs: Cannot make .*cache/);
});

Deno.test("a model without BOS begins with the id of its config, or else with EOS", async () => {
  const startOf = async (config: Record<string, unknown>, tokens: Record<string, unknown>) => {
    using toy = new CachedToy({ config });
    Deno.writeTextFileSync(join(toy.model, "tokenizer_config.json"), JSON.stringify(tokens));
    const { ids } = await toy.samples();
    return [...new Set(ids.map((own) => own[0]))];
  };
  const bare = { bos_token: null, eos_token: "</s>" };
  assert.deepEqual(await startOf({ bos_token_id: 9 }, bare), [9]);
  assert.deepEqual(await startOf({ bos_token_id: undefined }, bare), [EOS]);
  await assert.rejects(
    startOf({ bos_token_id: null, eos_token_id: null }, { bos_token: null, eos_token: null }),
    (fault) =>
      fault instanceof ConfigError &&
      /^guard\.text: found none, and .* has no BOS or EOS token/.test(fault.message),
  );
});

Deno.test("budgets of domains want text", async () => {
  using toy = new CachedToy();
  await assert.rejects(
    toy.train("run", { guard: { budget: "ppl[stories]:1%,ppl[code]:5%" } }),
    new ConfigError(
      "guard.budget: found ppl[stories]:1% but no retention text, wanted a file of the name " +
        '"stories", or a budget for all that the base writes, such as ppl:2%',
    ),
  );
});
