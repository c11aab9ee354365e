import assert from "node:assert/strict";
import { REPORT_VERSION } from "../../src/forgetting/report/format.ts";
import { main } from "../../src/cli/commands.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { exists } from "../../src/io/files.ts";
import { CachedToy } from "../forgetting/cached_toy.ts";
import { Toy } from "../train/toy.ts";
import { capture } from "./capture.ts";

Deno.test("guard scales and certifies an adapter that was trained without one", async () => {
  using toy = new Toy();
  await toy.train("run", { train: { steps: 20, lr: 0.02 } });
  const out = toy.path("scaled");
  const flags = ["--text", toy.text, "--budget", "kl:0.01", "--tokens", "64", "--base", toy.model];
  const { code, stdout } = await capture(main, "guard", toy.path("run"), ...flags, "--out", out);
  assert.equal(code, 0);
  const report = JSON.parse(Deno.readTextFileSync(`${out}/forgetting_report.json`));
  assert.equal(report.version, REPORT_VERSION);
  assert.ok(report.certified && report.chosen.strength > 0 && report.chosen.strength < 1);
  assert.match(stdout, /Certified: forgets at most 0\.00\d+/);
  assert.match(
    report.statement,
    /that the run of the adapter has neither trained on nor been controlled by/,
  );
  assert.equal(report.task, null, "the strongest is chosen where there is no task");
  const feasible = report.points.filter(({ task }: { task: unknown }) => task !== null);
  const strongest = Math.max(...feasible.map(({ strength }: { strength: number }) => strength));
  assert.ok(report.chosen.strength <= strongest);
  const [before, after] = [readPeft(toy.path("run", "adapter")), readPeft(out)];
  assert.ok(Math.abs(after.alpha - before.alpha * report.chosen.strength) < 1e-12);
  assert.deepEqual(after.modules[0]!.b, before.modules[0]!.b, "no tensor changes");
  const { documents } = report.domains[0];
  assert.deepEqual(documents, {
    ...{
      train: 0,
      control: 16,
      certificate: 24,
      probe: 8,
      repeated: 0,
      in_task: 0,
      trained_before: 0,
      nearly_trained_before: 0,
    },
  });
});

Deno.test("guard --tasks asks the base and what was certified, and reports what is kept", async () => {
  using toy = new Toy();
  await toy.train("run", { train: { steps: 20, lr: 0.02 } });
  const rows = toy.path("asked.jsonl");
  const asked = ["refuse", "answer", "answer"].map((output, i) => ({
    instruction: `say ${i}`,
    output,
  }));
  Deno.writeTextFileSync(rows, asked.map((row) => JSON.stringify(row)).join("\n"));
  const guard = (out: string, ...flags: string[]) =>
    capture(
      main,
      ...["guard", toy.path("run"), "--text", toy.text, "--budget", "kl:0.01", "--tokens", "64"],
      ...["--base", toy.model, "--out", toy.path(out), "--tasks", rows, "--template", "plain"],
      ...["--max-tokens", "6", ...flags],
    );
  const { stdout } = await guard("scaled");
  assert.match(stdout, /task +rows +metric +base +tuned .* kept\nasked +3 +refusal +66\.7 /);
  const text = Deno.readTextFileSync(toy.path("scaled", "forgetting_report.json"));
  const { chosen, tasks: [task] } = JSON.parse(text);
  assert.ok(chosen.strength > 0 && chosen.strength < 1);
  const { models, paired } = task.metrics.refusal;
  assert.ok(Math.abs(models.base.mean - 2 / 3) < 1e-12 && paired.kept === 1);
  const page = Deno.readTextFileSync(toy.path("scaled", "report.html"));
  assert.match(page, /Answers of base and result[\s\S]*Divergence on the answers of the base/);
  // It is what is saved that answers, not what was trained.
  const evaluated = await capture(
    main,
    ...["eval", toy.model, "--adapter", toy.path("scaled"), "--tasks", rows, "--json"],
    ...["--template", "plain", "--max-tokens", "6"],
  );
  const [{ divergence }] = JSON.parse(evaluated.stdout).tasks;
  assert.ok(Math.abs(divergence.kl - task.divergence.kl) < 1e-5 * Math.max(1e-3, divergence.kl));
  const { code, stderr } = await guard("odd", "--tasks", "builtin:refuse");
  assert.equal(code, 2);
  assert.match(stderr, /Found the task builtin:refuse, wanted one of builtin:refusal/);
});

Deno.test("guard certifies on what the base writes where there is no text", async () => {
  using toy = new CachedToy();
  await toy.train("run", { train: { steps: 20, lr: 0.02 } });
  const out = toy.path("scaled");
  const flags = ["--budget", "kl:0.01", "--tokens", "64", "--base", toy.model, "--out", out];
  const { code, stdout, stderr } = await capture(
    main,
    "guard",
    toy.path("run"),
    ...flags,
    "--json",
  );
  assert.equal(code, 0);
  assert.match(stderr, /guard: the base writes 512 documents of up to 64 tokens/);
  const { retention_text: from, certified, domains } = JSON.parse(stdout);
  assert.equal(from, "samples of the base model");
  assert.ok(certified && domains[0].certificate.documents > 200);
  assert.equal(toy.kept.length, 1);
});

Deno.test("guard compares strengths by the rows of a task, and exits with 3 for the base", async () => {
  using toy = new Toy();
  await toy.train("run", { train: { steps: 20, lr: 0.02 } });
  const guard = (out: string, budget: string) =>
    capture(
      main,
      ...["guard", toy.path("run"), "--text", toy.text, "--budget", budget, "--tokens", "64"],
      ...["--base", toy.model, "--data", toy.rows, "--out", toy.path(out), "--json"],
    );
  const { code, stdout } = await guard("some", "kl:0.01");
  assert.equal(code, 0);
  const { task } = JSON.parse(stdout);
  assert.ok(task.rows === 12 && task.tuned_loss < task.base_loss);
  toy.writeRows("rows.jsonl", Array.from({ length: 200 }, (_, i) => ({ length: 9 + i % 5 })));
  const text = Deno.readTextFileSync(toy.rows).trimEnd().split("\n");
  Deno.writeTextFileSync(toy.rows, text.map((row, i) => i < 128 ? text[0] : row).join("\n"));
  const many = JSON.parse((await guard("many", "kl:0.01")).stdout).task;
  assert.ok(
    many.rows === 128 && many.tokens !== 128 * 5,
    "rows from all of the data, not the first",
  );
  const none = await guard("none", "kl:0.0000000000001");
  assert.equal(none.code, 3);
  assert.match(JSON.parse(none.stdout).statement, /^Not certified: /);
  assert.equal(readPeft(toy.path("none")).alpha, 0);
});

Deno.test("guard says what is missing, and writes nothing", async () => {
  using toy = new Toy();
  await toy.train("run", { train: { steps: 1 } });
  const out = toy.path("scaled");
  const refused = async (wanted: RegExp, wantedCode: number, ...flags: string[]) => {
    const { code, stderr } = await capture(main, "guard", toy.path("run"), ...flags);
    assert.match(stderr, wanted);
    assert.equal(code, wantedCode);
    assert.ok(!exists(out));
  };
  await refused(/Found no --out/, 2, "--text", toy.text);
  const all = ["--out", out, "--base", toy.model, "--text"];
  await refused(/guard\.budget: found "2"/, 2, ...all, toy.text, "--budget", "2");
  const one = toy.path("one.txt");
  Deno.writeTextFileSync(one, "a single story");
  await refused(/found 1 documents, wanted at least 12/, 1, ...all, one, "--tokens", "64");
});
