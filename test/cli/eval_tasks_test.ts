import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../src/cli/eval.ts";
import { namesIn } from "../io/helpers.ts";
import { withTiny, writeTinyAdapter } from "../models/tiny.ts";
import { capture } from "./capture.ts";

const ROWS = Array.from({ length: 6 }, (_, i) => ({
  instruction: `say number ${i}`,
  input: "",
  output: i < 3 ? "yes" : "no",
  choices: ["yes", "no"],
}));

/** A model, an adapter and a file of rows. */
const withRows = (
  use: (paths: { model: string; adapter: string; rows: string; out: string }) => Promise<void>,
) =>
  withTiny({}, async (model) => {
    const adapter = join(model, "adapter");
    writeTinyAdapter(adapter, model);
    const rows = join(model, "rows.jsonl");
    Deno.writeTextFileSync(rows, ROWS.map((row) => JSON.stringify(row)).join("\n"));
    await use({ model, adapter, rows, out: join(model, "out") });
  });

const PLAIN = ["--template", "plain", "--max-tokens", "5"];

Deno.test("eval --tasks scores base and tuned row by row, and keeps what they answered", () =>
  withRows(async ({ model, adapter, rows, out }) => {
    const given = [model, "--adapter", adapter, "--tasks", rows, ...PLAIN, "--metric", "accuracy"];
    const { code, stdout } = await capture(
      run,
      ...given,
      "--metric",
      "rouge1",
      "--out",
      out,
      "--json",
    );
    assert.equal(code, 0);
    const found = JSON.parse(stdout);
    assert.deepEqual(found, JSON.parse(Deno.readTextFileSync(join(out, "scores.json"))));
    const [{ task, rows: count, prompts, metrics }] = found.tasks;
    assert.deepEqual({ task, count, prompts }, { task: "rows", count: 6, prompts: 1 });
    assert.deepEqual(Object.keys(metrics), ["accuracy", "rouge1"]);
    const lines = Deno.readTextFileSync(join(out, "predictions.jsonl")).trim().split("\n");
    const predictions = lines.map((line) => JSON.parse(line));
    assert.equal(predictions.length, 12);
    for (const name of ["base", "tuned"]) {
      const of = predictions.filter(({ model }) => model === name);
      const mean = of.reduce((sum, { scores }) => sum + scores.accuracy, 0) / 6;
      assert.ok(Math.abs(mean - metrics.accuracy.models[name].mean) < 1e-12);
    }
    const { wins, losses, ties, difference } = metrics.accuracy.paired;
    assert.equal(wins + losses + ties, 6);
    assert.ok(Math.abs(difference - (wins - losses) / 6) < 1e-12);
    const [first] = predictions;
    assert.equal(first.prompt.trim(), "<s>say number 0");
    assert.deepEqual(first.references, ["yes"]);
    assert.equal(typeof first.output, "string");
    assert.deepEqual(first.choices.map(({ text }: { text: string }) => text), ["yes", "no"]);
    // Anyone can score again: the likelier choice is the one that counts as answered.
    assert.equal(first.scores.accuracy, first.choices[0].sum >= first.choices[1].sum ? 1 : 0);
    assert.deepEqual(namesIn(out), ["predictions.jsonl", "scores.json"]);
    await assert.rejects(capture(run, ...given, "--out", out), /found predictions of another time/);
  }));

Deno.test("eval --tasks says what is kept, and how far the tuned model is from the base's answers", () =>
  withRows(async ({ model, rows, out }) => {
    Deno.writeTextFileSync(
      rows,
      ROWS.map((row) =>
        JSON.stringify({ ...row, output: "answer" })
          .replace(/,"choices".*/, "}")
      ).join("\n"),
    );
    const scored = async (alpha: number) => {
      const adapter = join(model, `alpha ${alpha}`);
      writeTinyAdapter(adapter, model, alpha);
      const args = [model, "--adapter", adapter, "--tasks", rows, ...PLAIN];
      const { stdout } = await capture(run, ...args, "--json");
      const table = (await capture(run, ...args)).stdout.trim().split("\n");
      return { ...JSON.parse(stdout).tasks[0], table };
    };
    const same = await scored(1e-30);
    const { kept, wins, losses } = same.metrics.refusal.paired;
    assert.deepEqual([kept, wins, losses], [1, 0, 0]);
    assert.deepEqual(same.divergence, { tokens: same.divergence.tokens, kl: 0, agreement: 1 });
    assert.ok(same.divergence.tokens > 6 && same.divergence.tokens <= 30);
    const [head, line, , far, numbers] = same.table.map((line: string) => line.split(/\s{2,}/));
    assert.deepEqual([head.at(-1), line.at(-1)], ["kept", "100.0"]);
    assert.deepEqual(far, ["task", "tokens of the base's answers", "divergence", "same choice"]);
    assert.deepEqual(numbers.slice(2), ["0.0000", "100.0"]);
    const other = await scored(60);
    assert.equal(other.divergence.tokens, same.divergence.tokens, "the base answers as before");
    assert.ok(other.divergence.kl > 0.1 && other.divergence.agreement < 1);
    const { stdout } = await capture(run, model, "--tasks", rows, ...PLAIN, "--json", "--out", out);
    assert.equal(JSON.parse(stdout).tasks[0].divergence, undefined, "of one model alone");
  }));

Deno.test("eval --tasks prints a table, and another of prompts where there are several", () =>
  withRows(async ({ model, rows, out }) => {
    const suite = `${out}.json`;
    const prompts = [{ input: "{instruction}", target: "{output}" }, {
      input: "Please {instruction}!",
      target: "{output}",
    }];
    const tasks = [{ name: "two", path: "rows.jsonl", prompts, choices: ["yes", "no"] }];
    Deno.writeTextFileSync(suite, JSON.stringify({ tasks }));
    const { stdout, stderr } = await capture(
      run,
      model,
      "--tasks",
      suite,
      rows,
      "--max-rows",
      "2",
      "--template",
      "plain",
    );
    const table = stdout.trim().split("\n").map((line) => line.split(/\s{2,}/));
    assert.deepEqual(table[0], ["task", "rows", "metric", "base", "95 %"]);
    assert.deepEqual(table[1]!.slice(0, 3), ["two", "   2", "accuracy"].map((cell) => cell.trim()));
    assert.deepEqual(table[2]!.slice(0, 3), ["rows", "2", "accuracy"]);
    assert.match(
      stdout,
      /task +prompts +metric +model +mean +worst +best +spread\ntwo +2 +accuracy/,
    );
    assert.match(stderr, /two: 2 rows in 2 prompts; the first prompt:\n {2}\| <s>say number/);
    assert.match(stderr, /base two: 4 answers in /);
  }));

Deno.test("eval --tasks refuses in a sentence what it cannot use", () =>
  withRows(async ({ model, rows, out }) => {
    const table: [args: string[], message: RegExp][] = [
      [["--tasks", rows, "--metric", "exact_mach"], /the metric "exact_mach".*"exact_match"/],
      [["--tasks", rows, "--text", rows], /: Found --text beside --tasks, wanted one of the two$/],
      [["--text", rows, "--shots", "2"], /: Found --shots, wanted it with --tasks only$/],
      [["--tasks", `${rows}x`], /no such file/],
      [["--tasks", rows, "--context", "9"], /rows\.jsonl:1: found a prompt of \d+ tokens/],
      [["--tasks", rows, "--shots", "-1"], /: Found --shots -1, wanted a whole number from 0 on$/],
    ];
    for (const [args, message] of table) {
      await assert.rejects(capture(run, model, ...args, "--out", out), message);
    }
    const suite = `${out}.json`;
    Deno.writeTextFileSync(suite, '{"tasks": [{"path": "rows.jsonl", "metric": ["rouge1"]}]}');
    await assert.rejects(
      capture(run, model, "--tasks", suite),
      /eval\.tasks\.0\.metric: unknown key, the nearest is eval\.tasks\.metrics/,
    );
    assert.ok(!namesIn(model).includes("out"));
  }));
