/** Whole guarded runs on a tiny model. */
import assert from "node:assert/strict";
import { FileError } from "../../src/errors.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { exists } from "../../src/io/files.ts";
import { numbersIn, stories, Toy } from "../train/toy.ts";
import { guarded, remeasure, reportOf } from "./guarded_toy.ts";

Deno.test("a guarded run ends within its budget, and its report is what a reader measures", async () => {
  using toy = new Toy();
  Deno.writeTextFileSync(toy.text, stories(120).join("\n<|endoftext|>\n"));
  const { measured, forgetting } = await toy.train("run", guarded(toy));
  const report = reportOf(toy, "run");
  assert.deepEqual(report, JSON.parse(JSON.stringify(forgetting)));
  const [domain] = report.domains;
  assert.ok(report.certified);
  assert.match(report.statement, /^Certified: forgets at most/);
  assert.ok(domain.certificate.upper <= domain.epsilon);
  assert.ok(domain.control.shift <= 0.95 * domain.epsilon);
  assert.ok(report.task.tuned_loss < report.task.base_loss);
  assert.ok(Math.abs(measured["forgetting"]! - Math.expm1(domain.control.shift)) < 1e-12);

  const { alpha, modules } = readPeft(toy.path("run", "adapter"));
  assert.ok(Math.abs(alpha - 8 * report.chosen.strength) < 1e-12);
  assert.ok(modules.every((module) => module.alpha === alpha));

  const found = await remeasure(toy, "run", "ppl:5%");
  assert.ok(Math.abs(found.mean - domain.control.shift) < 1e-6, "P6: the reloaded adapter");
  assert.equal(found.n, domain.documents.control);
});

Deno.test("a fresh adapter has forgotten nothing, to the last bit", async () => {
  using toy = new Toy();
  await toy.train("run", guarded(toy));
  const [first] = toy.metrics("run");
  assert.equal(first!.forgetting, 0);
  assert.equal(first!["guard_loss"], 0);
  assert.equal(first!["lambda"], 2);
  const [domain] = reportOf(toy, "run").domains;
  assert.equal(first!["retention_perplexity"], domain.base_perplexity);
});

Deno.test("metrics have what the guard measured with the update it was measured before", async () => {
  using toy = new Toy();
  await toy.train("run", guarded(toy, { every: 7 }));
  const lines = toy.metrics("run");
  const { history } = reportOf(toy, "run");
  assert.deepEqual(history.map(({ step }: { step: number }) => step), [
    0,
    5,
    7,
    10,
    14,
    21,
    28,
    30,
  ]);
  for (const { step, shifts } of history.slice(0, -1)) {
    assert.equal(lines[step]!.forgetting, Math.expm1(shifts[0].mean), `step ${step}`);
    assert.ok(step === 0 || lines[step - 1]!.forgetting !== lines[step]!.forgetting);
  }
  assert.ok(lines.every((line) => line["lambda"]! > 0 && line["guard_loss"]! >= 0));
});

Deno.test("several domains are each held to their own budget", async () => {
  using toy = new Toy();
  Deno.writeTextFileSync(toy.text, stories(96).join("\n<|endoftext|>\n"));
  const other = toy.path("other.txt");
  Deno.writeTextFileSync(
    other,
    Array.from({ length: 96 }, (_, i) => `${i * 37} and ${i * i + 5} is a sum of ${i + 3} parts`)
      .join("<|endoftext|>"),
  );
  const budget = "ppl[text]:5%,kl[other]:0.03";
  await toy.train("run", guarded(toy, { text: [toy.text, other], budget }));
  const { domains: domains, certified } = reportOf(toy, "run");
  assert.deepEqual(
    domains.map(({ name, metric }: Record<string, string>) => [name, metric]),
    [["text", "ppl"], ["other", "kl"]],
  );
  assert.ok(certified);
  for (const { certificate, epsilon } of domains) assert.ok(certificate.upper <= epsilon);
  const line = toy.metrics("run").at(-1)!;
  for (const name of ["text", "other"]) {
    for (const field of ["lambda", "guard_loss", "forgetting"]) {
      assert.equal(typeof line[`${field}.${name}`], "number", `${field}.${name}`);
    }
  }
});

Deno.test("an impossible budget ships the base, says so, and keeps what was trained", async () => {
  using toy = new Toy();
  const guard = { budget: "kl:0.000000000001", weight: 0 }; // the controller would hold even that
  const { forgetting, measured } = await toy.train("run", guarded(toy, guard));
  assert.equal(forgetting!.certified, false);
  assert.match(forgetting!.statement, /^Not certified: /);
  assert.deepEqual(forgetting!.chosen.strength, 0);
  assert.equal(readPeft(toy.path("run", "adapter")).alpha, 0);
  assert.equal(measured["forgetting"], 0, "the base itself");
  assert.ok(exists(toy.path("run", "uncertified", "adapter_model.safetensors")));
});

Deno.test("retention text of one document is refused before anything is trained", async () => {
  using toy = new Toy();
  const one = toy.path("one.txt");
  Deno.writeTextFileSync(one, "the only story there is");
  await assert.rejects(
    toy.train("run", guarded(toy, { text: [one] })),
    (fault) =>
      fault instanceof FileError && /found 1 documents, wanted at least 24/.test(fault.message),
  );
  assert.ok(!exists(toy.path("run")));
});

Deno.test("a hard rollback goes back to what kept the budget, with half the rate", async () => {
  using toy = new Toy();
  const said: string[] = [];
  const settings = guarded(toy, { budget: "kl:0.001", rollback: { at: 0.01, most: 1 }, every: 3 });
  await toy.train("run", {
    ...settings,
    train: { steps: 30, lr: 0.05, schedule: "constant", warmup: 0 },
  }, {
    say: (line) => said.push(line),
  });
  assert.equal(reportOf(toy, "run").rollbacks, 1);
  assert.equal(said.filter((line) => /far beyond the budget: back to step/.test(line)).length, 1);
  const rates = new Set(toy.metrics("run").map(({ lr }) => lr));
  assert.deepEqual([...rates], [0.05, 0.025]);
});

Deno.test("a guard that only measures leaves training as it is, bit for bit", async () => {
  using toy = new Toy();
  const train = { steps: 12, checkpoint_every: 12, lr: 0.02 };
  await toy.train("off", { guard: false, train });
  await toy.train("on", { ...guarded(toy, { weight: 0 }), train });
  const params = (out: string) =>
    numbersIn(toy.path(out, "checkpoints", "step-00000012.safetensors"), "params");
  assert.deepEqual(params("on"), params("off"));
});

Deno.test("without checkpoints only those moments stay on the disk that may be chosen", async () => {
  using toy = new Toy();
  const { train, guard } = guarded(toy, { every: 1 });
  await toy.train("run", { guard: guard!, train: { ...train, checkpoint_every: 0 } });
  const { history } = reportOf(toy, "run");
  assert.equal(history.length, 31);
  const archives = [...Deno.readDirSync(toy.path("run", "checkpoints"))];
  assert.ok(archives.length <= 12, `${archives.length} of 31 moments`);
});
