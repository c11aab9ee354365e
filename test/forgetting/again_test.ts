/** Certificates on text that has been used before: what is left out, what is counted, what is said. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { main } from "../../src/cli/commands.ts";
import { levelAfter } from "../../src/forgetting/select/spending.ts";
import { readJsonObject, writeJson } from "../../src/io/files.ts";
import { capture } from "../cli/capture.ts";
import { random } from "../../src/random.ts";
import { stories, Toy } from "../train/toy.ts";
import { guarded, reportOf } from "./guarded_toy.ts";

const hashesOf = (folder: string) =>
  readJsonObject(join(folder, "documents.json")) as unknown as Record<string, string[]>;

/** Long documents that have nothing in common, and what nearly repeats them. */
const longStories = (change: (words: string[]) => string[] = (words) => words) =>
  Array.from(
    { length: 160 },
    (_, seed) =>
      change(Array.from({ length: 14 }, (_, i) => Math.floor(random(seed, i) * 1e6).toString(36)))
        .join(" "),
  ).join("\n<|endoftext|>\n");

/** A guarded run on enough text that what it has not touched certifies again. */
async function guardedRun(toy: Toy, name: string, settings: Record<string, unknown> = {}) {
  const { train, ...rest } = guarded(toy, { budget: "ppl:20%", ...settings });
  return await toy.train(name, { ...rest, train: { ...train, steps: 10 } });
}

function guardOf(toy: Toy, adapter: string, out: string, ...flags: string[]) {
  const all = ["--text", toy.text, "--budget", "ppl:20%", "--tokens", "64", "--base", toy.model];
  return capture(main, "guard", toy.path(adapter), ...all, "--out", toy.path(out), ...flags);
}

Deno.test("guard leaves out what the run was trained on, and counts the certificate as another", async () => {
  using toy = new Toy();
  Deno.writeTextFileSync(toy.text, stories(160).join("\n<|endoftext|>\n"));
  const { forgetting } = await guardedRun(toy, "run");
  assert.match(forgetting!.statement, /that nothing else in the run has touched, at 95 % /);
  assert.match(forgetting!.statement, / It is attempt 1 on these documents: tested at 96\.66 %/);
  assert.deepEqual(forgetting!.attempt, {
    number: 1,
    failed_before: 0,
    level: levelAfter(0, 0.05),
  });
  assert.equal(forgetting!.independent, true);
  const before = hashesOf(toy.path("run"));
  const { documents } = forgetting!.domains[0]!;
  for (const part of ["control", "certificate", "probe"] as const) {
    assert.equal(before[part]!.length, documents[part], part);
  }
  assert.equal(
    before["train"]!.length,
    documents.train + 12,
    "retention rows and those of the task",
  );
  assert.equal(before["compare"]!.length, 12);

  const { code, stdout } = await guardOf(toy, "run", "again");
  assert.equal(code, 0);
  const report = reportOf(toy, "again");
  const after = hashesOf(toy.path("again"));
  const shared = (a: string[], b: string[]) => a.filter((hash) => b.includes(hash)).length;
  assert.equal(report.domains[0].documents.trained_before, documents.train);
  const own = after["certificate"]!;
  assert.ok(own.length >= documents.certificate);
  assert.equal(shared(own, [...before["train"]!, ...before["control"]!]), 0);
  assert.deepEqual([report.attempt.number, report.attempt.failed_before], [2, 0]);
  assert.match(stdout, /neither trained on nor been controlled by/);
  assert.match(stdout, / It is attempt 2 on these documents, none of those before has failed: /);
});

Deno.test("guard leaves out what nearly repeats what the run was trained on, in any file", async () => {
  using toy = new Toy();
  Deno.writeTextFileSync(toy.text, longStories());
  await guardedRun(toy, "run");
  const { train, sketches } = hashesOf(toy.path("run"));
  assert.equal(sketches!.length, train!.length);
  // The text again, its last word changed: no token sequence is as it was.
  Deno.writeTextFileSync(toy.text, longStories((words) => [...words.slice(0, -1), "end"]));
  const guardAgain = async (out: string) => {
    const { stderr } = await guardOf(toy, "run", out);
    return { stderr, found: reportOf(toy, out).domains[0].documents };
  };
  const { stderr, found } = await guardAgain("again");
  const rows = 12; // of the task
  assert.equal(found.trained_before, 0);
  assert.equal(found.nearly_trained_before, train!.length - rows);
  assert.match(stderr, new RegExp(`left out: ${train!.length - rows} nearly repeat what was`));
  assert.doesNotMatch(stderr, /left no sketches/);

  const path = toy.path("run", "documents.json");
  const { sketches: _, sketched: __, ...before } = readJsonObject(path);
  writeJson(path, before);
  const old = await guardAgain("old");
  assert.equal(old.found.nearly_trained_before, 0);
  assert.match(old.stderr, /guard: the run of the adapter left no sketches of all that it was /);
});

Deno.test("a second run that goes on with the first's adapter certifies by what that has not seen", async () => {
  using toy = new Toy();
  Deno.writeTextFileSync(toy.text, stories(160).join("\n<|endoftext|>\n"));
  await guardedRun(toy, "first");
  const first = hashesOf(toy.path("first"));
  const second = async (name: string) => {
    const { train, guard } = guarded(toy, { budget: "ppl:20%" });
    const settings = { guard: guard!, train: { ...train, steps: 4, seed: 7 } };
    const adapter = { from: toy.path("first", "adapter") };
    return (await toy.train(name, { ...settings, adapter })).forgetting!;
  };
  const { independent, statement } = await second("second");
  const { certificate, probe, train } = hashesOf(toy.path("second"));
  const used = new Set([...first["train"]!, ...first["control"]!]);
  assert.ok([...certificate!, ...probe!].every((hash) => !used.has(hash)));
  assert.ok(first["train"]!.every((hash) => train!.includes(hash)), "what came with the adapter");
  assert.equal(independent, true);
  assert.match(statement, /attempt 2 on these documents/);

  Deno.removeSync(toy.path("first", "documents.json"));
  const unknown = await second("third");
  assert.equal(unknown.independent, false);
  assert.match(
    unknown.statement,
    /it is not known whether the adapter that it began from was trained/,
  );
  assert.equal(hashesOf(toy.path("third"))["complete"] as unknown, false);
});

Deno.test("an attempt that failed makes the next one stricter, which is said before it trains", async () => {
  using toy = new Toy();
  const said: string[] = [];
  const run = async (name: string, lr: number) => {
    const settings = guarded(toy, { budget: "kl:0.05", weight: 0, every: 30 });
    const train = { ...settings.train, lr };
    const options = { say: (line: string) => void said.push(line) };
    return (await toy.train(name, { ...settings, train }, options)).forgetting!;
  };
  const first = await run("first", 0.02);
  assert.ok(first.trials.some(({ passed }) => !passed), "16 documents are few");
  assert.equal(said.filter((line) => /attempts to certify/.test(line)).length, 0);
  const again = await run("again", 0.02);
  assert.deepEqual(again.attempt, first.attempt, "the same test is the same attempt");
  const second = await run("second", 0.01);
  assert.deepEqual(second.attempt, { number: 2, failed_before: 1, level: levelAfter(1, 0.05) });
  assert.match(
    second.statement,
    /attempt 2 on these documents, 1 of those before has failed: tested/,
  );
  const told = said.filter((line) => /attempts to certify by these documents 1 failed/.test(line));
  assert.equal(told.length, 2);
  assert.match(
    told[1]!,
    /it takes at least 17 documents of all, and there are 16; unless it is one/,
  );
});

Deno.test("without a history nobody counts attempts, and the statement says so", async () => {
  using toy = new Toy();
  await guardedRun(toy, "hopeless", { budget: "kl:0.000000000001", weight: 0 });
  const none = reportOf(toy, "hopeless");
  assert.equal(none.attempt, null, "nothing was tested: only the base keeps the budget");
  const { code } = await guardOf(toy, "hopeless/uncertified", "uncounted", "--history", "false");
  assert.equal(code, 0);
  const { statement, attempt } = reportOf(toy, "uncounted");
  assert.match(
    statement,
    /Attempts on these documents are not counted, for there is no run history/,
  );
  assert.deepEqual(attempt, { number: null, failed_before: null, level: levelAfter(0, 0.05) });
});

Deno.test("guard says that independence is unknown of an adapter from elsewhere, and refuses damage", async () => {
  using toy = new Toy();
  await toy.train("run", { train: { steps: 4 } });
  const path = toy.path("run", "documents.json");
  const kept = readJsonObject(path);
  const wrong: [object, RegExp][] = [
    [{ ...kept, version: 2 }, /documents\.json: found version 2, wanted 1$/m],
    [{ ...kept, sketches: ["x"] }, /documents\.json: found no list of sketches, wanted one$/m],
    [{ ...kept, train: "x" }, /documents\.json: found no train, wanted one$/m],
  ];
  for (const [content, words] of wrong) {
    writeJson(path, content);
    const { code, stderr } = await guardOf(toy, "run", "out");
    assert.equal(code, 1);
    assert.match(stderr, words);
  }
  Deno.removeSync(path);
  const { code } = await guardOf(toy, "run", "out");
  assert.ok(code === 0 || code === 3);
  const report = reportOf(toy, "out");
  assert.equal(report.independent, false);
  assert.match(
    report.statement,
    /of which it is not known whether the adapter was trained on them/,
  );
});
