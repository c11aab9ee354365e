/** Runs of self-instruct against an endpoint: the loop, what is rejected, and going on. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../src/cli/self-instruct.ts";
import { metricOf, type TextMetric } from "../../src/eval/metrics/mod.ts";
import { capture } from "../cli/capture.ts";
import { namesIn } from "../io/helpers.ts";
import { promptOf, withEndpoint } from "./endpoint.ts";

const SEEDS = Array.from({ length: 12 }, (_, i) => {
  const words = Array.from({ length: 5 }, (_, j) => `${"abcdefghijkl"[i]}${"vwxyz"[j]}`);
  return { instruction: words.join(" "), instances: [{ input: "", output: "x" }] };
});

/** An empty folder with seeds, and the flags of a run in it. */
async function withSeeds(use: (folder: string, seeds: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const seeds = join(folder, "seeds.jsonl");
    Deno.writeTextFileSync(seeds, SEEDS.map((row) => JSON.stringify(row)).join("\n"));
    await use(folder, seeds);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

type Row = Record<string, unknown> & { readonly reason: string; readonly instruction: string };

const rowsIn = (out: string, name: string): Row[] =>
  Deno.readTextFileSync(join(out, name)).split("\n").slice(0, -1).map((line) => JSON.parse(line));

const bytesOf = (out: string) =>
  ["rows.jsonl", "tasks.jsonl", "rejected.jsonl"].map((name) =>
    Deno.readTextFileSync(join(out, name))
  );

const ROWS = 12;
const flags = (url: string, seeds: string, out: string) => [
  ...["tiny", "--endpoint", url, "--seeds", seeds, "--out", out, "--rows", `${ROWS}`],
  ...["--prompts", "2", "--parallel", "3"],
];

const rougeL = metricOf("rougeL") as TextMetric;

Deno.test("self-instruct makes rows, and keeps each that it rejects with its reason", () =>
  withSeeds((folder, seeds) =>
    withEndpoint(async (url, asked) => {
      const out = join(folder, "out");
      const { code, stdout, stderr } = await capture(run, ...flags(url, seeds, out));
      assert.equal(code, 0);
      const [rows, tasks, rejected] = ["rows", "tasks", "rejected"]
        .map((name) => rowsIn(out, `${name}.jsonl`)) as [Row[], Row[], Row[]];
      assert.ok(rows.length >= ROWS && rows.length < ROWS + 20);
      const counts =
        `${rows.length} rows of ${tasks.length} tasks kept, ${rejected.length} rejected`;
      assert.ok(stdout.startsWith(counts), stdout);
      assert.match(stderr, /round 1: \d+ of 12 rows/);
      for (const { instruction, input, output, provenance } of rows) {
        assert.equal(typeof input, "string");
        assert.ok((output as string) !== "" && output !== input);
        const { task, by, model } = provenance as Record<string, unknown>;
        assert.deepEqual([by, model], ["self-instruct", "tiny"]);
        assert.equal(tasks[task as number]!.instruction, instruction);
      }
      // No instruction is as near to another one that is kept as 0.7.
      const all = [...SEEDS, ...tasks].map(({ instruction }) => instruction);
      for (const [i, { instruction, nearest }] of tasks.entries()) {
        const before = all.slice(0, SEEDS.length + i);
        const most = Math.max(...before.map((other) => rougeL.score(instruction, other)));
        assert.ok(most < 0.7, instruction);
        assert.ok(Math.abs(most - (nearest as { rougeL: number }).rougeL) < 1e-4);
      }
      const near = rejected.filter(({ reason }) => /^ROUGE-L 0\.[789]|^ROUGE-L 1/.test(reason));
      assert.ok(near.length > 0);
      for (const { instruction } of near) {
        assert.ok(all.some((other) => rougeL.score(instruction, other) >= 0.7), instruction);
      }
      const reasons = rejected.map(({ reason }) => reason).join("\n");
      const wanted = ["not for a model of text", "too short", "begins with punctuation"];
      for (const reason of [...wanted, "an empty output", "neither an example nor an output"]) {
        assert.ok(reasons.includes(reason), reason);
      }
      // Nothing is lost: what was made is kept or rejected.
      const prompts = asked.map(promptOf).filter((text) =>
        text.startsWith("Come up with a series")
      );
      const instructions = rejected.filter(({ stage }) => stage === "instruction");
      assert.equal(instructions.length + tasks.length, 5 * prompts.length);
      assert.ok(tasks.some(({ branch }) => branch === "classification"));
      const shown = prompts.map((text) =>
        text.split("\n").slice(1, 9).map((line) => line.slice(3))
      );
      const own = shown.map((lines) => lines.filter((line) => /^[A-Z]/.test(line)).length);
      assert.deepEqual(own.slice(0, 2), [0, 0]);
      assert.ok(own.slice(2).every((count) => count === 2), `${own}`);
      const { body } = asked[0]!;
      const { temperature, top_p, presence_penalty, max_tokens, model } = body;
      assert.deepEqual({ temperature, top_p, presence_penalty, max_tokens, model }, {
        ...{ temperature: 0.7, top_p: 0.5, presence_penalty: 2, max_tokens: 1024, model: "tiny" },
      });
      // The same command again asks for nothing, and changes nothing.
      const [before, count] = [bytesOf(out), asked.length];
      assert.equal((await capture(run, ...flags(url, seeds, out))).stdout, stdout);
      assert.deepEqual(bytesOf(out), before);
      assert.equal(asked.length, count);
      await assert.rejects(
        capture(run, ...flags(url, seeds, out), "--seed", "1"),
        /settings\.json: found seed 0, wanted 1: a run goes on as it began/,
      );
    })
  ));

Deno.test("a run that is stopped anywhere ends in the same bytes", () =>
  withSeeds((folder, seeds) =>
    withEndpoint(async (url, asked) => {
      const whole = join(folder, "whole");
      await capture(run, ...flags(url, seeds, whole));
      const wanted = bytesOf(whole);
      const journal = Deno.readTextFileSync(join(whole, "answers.jsonl"));
      // As it is after a kill: a part of the answers, the last one cut off, and old results.
      for (const share of [0, 0.1, 0.35, 0.8, 0.999]) {
        const out = join(folder, `cut ${share}`);
        Deno.mkdirSync(out);
        for (const name of namesIn(whole)) Deno.copyFileSync(join(whole, name), join(out, name));
        const part = journal.slice(0, Math.floor(share * journal.length));
        Deno.writeTextFileSync(join(out, "answers.jsonl"), part);
        Deno.writeTextFileSync(join(out, "rows.jsonl"), wanted[0]!.slice(0, 40));
        Deno.writeTextFileSync(join(out, ".rows.jsonl.0123abcd.tmp"), "half");
        const before = asked.length;
        await capture(run, ...flags(url, seeds, out));
        assert.deepEqual(bytesOf(out), wanted);
        assert.ok(share === 0 || asked.length - before < before, "asked for what was there");
        assert.deepEqual(namesIn(out), namesIn(whole));
        const count = asked.length;
        await capture(run, ...flags(url, seeds, out)); // its answers can be read again
        assert.equal(asked.length, count);
      }
      Deno.writeTextFileSync(join(whole, "answers.jsonl"), '{"0/branch/0": 3}\n');
      await assert.rejects(
        capture(run, ...flags(url, seeds, whole)),
        /answers\.jsonl:1: found something else under 0\/branch\/0, wanted the answers of a run/,
      );
    })
  ));

Deno.test("a process that is killed goes on to the same bytes", () =>
  withSeeds(async (folder, seeds) => {
    const [whole, out] = [join(folder, "whole"), join(folder, "killed")];
    let child: Deno.ChildProcess | undefined;
    let isKilling = false;
    await withEndpoint(
      async (url) => {
        await capture(run, ...flags(url, seeds, whole));
        isKilling = true;
        const main = new URL("../../src/cli/main.ts", import.meta.url).pathname;
        child = new Deno.Command(Deno.execPath(), {
          args: ["run", "-A", "--no-check", main, "self-instruct", ...flags(url, seeds, out)],
          ...{ stdout: "null", stderr: "null" },
        }).spawn();
        const { code } = await child.status;
        assert.notEqual(code, 0);
        isKilling = false;
        const known = rowsIn(out, "answers.jsonl").length;
        assert.ok(known > 3 && known < rowsIn(whole, "answers.jsonl").length);
        await capture(run, ...flags(url, seeds, out));
        assert.deepEqual(bytesOf(out), bytesOf(whole));
      },
      (() => {
        let count = 0;
        return () => {
          if (isKilling && ++count === 8) child!.kill("SIGKILL");
          return null;
        };
      })(),
    );
  }));

Deno.test("prompts that are refused, and many rounds without a row, end in a sentence", () =>
  withSeeds(async (folder, seeds) => {
    const refuse = () => Response.json({ error: { message: "too long" } }, { status: 400 });
    await withEndpoint((url) =>
      assert.rejects(
        capture(run, ...flags(url, seeds, join(folder, "refused"))),
        /^\w*Error: Found no prompt that is answered: found status 400 \(too long\)$/,
      ), refuse);
    const silent = () => Response.json({ choices: [{ text: "", finish_reason: "stop" }] });
    await withEndpoint((url) =>
      assert.rejects(
        capture(run, ...flags(url, seeds, join(folder, "silent"))),
        /^\w*Error: Found no row in 20 rounds, wanted 12 more than the 0 there are; other seeds/,
      ), silent);
    const few = join(folder, "few.jsonl");
    Deno.writeTextFileSync(few, JSON.stringify(SEEDS[0]));
    const table: [args: string[], message: RegExp][] = [
      [["--seeds", few], /few\.jsonl: found 1 instructions, wanted 8 at least/],
      [["--seeds", seeds, "--answer-only", few], /Wanted --out and one of --seeds and/],
      [["--seeds", seeds, "--max-tokens", "3"], /Found --max-tokens, wanted it with --answer-only/],
      [["--answer-only", few, "--rows", "3"], /Found --rows, wanted it with --seeds only/],
      [["--seeds", seeds, "--timeout", "3"], /Found --timeout, wanted it with --endpoint only/],
      [["--seeds", seeds, "--endpoint", "here"], /Found --endpoint here, wanted http/],
    ];
    for (const [args, message] of table) {
      const out = ["--out", join(folder, "none")];
      await assert.rejects(capture(run, "tiny", ...args, ...out), message);
    }
  }));
