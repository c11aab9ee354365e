/** Best-of-n and rejection sampling. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../src/cli/sample.ts";
import { readContents } from "../../src/data/mod.ts";
import { choose } from "../../src/rewards/sampling/choose.ts";
import { capture } from "../cli/capture.ts";
import { withFiles } from "../data/toy.ts";
import { namesIn } from "../io/helpers.ts";
import { promptOf, withEndpoint } from "../self_instruct/endpoint.ts";
import { Toy } from "../train/toy.ts";

Deno.test("choose(): the best, all that are good enough, the best beside the worst", () => {
  const answers = [["a", 1], ["b", 3], ["a", 1], ["c", 3], ["d", 0], ["e", 0]]
    .map(([text, reward]) => ({ text: text as string, reward: reward as number }));
  const chosen = (choice: object, from = answers) => {
    const found = choose(from, { keep: "best", margin: 0, ...choice });
    return {
      ...found,
      kept: found.kept.map(({ text }) => text),
      pair: found.pair && [found.pair.chosen.text, found.pair.rejected.text],
    };
  };
  const told = { repeated: 1, isTied: true };
  assert.deepEqual(chosen({}), { kept: ["b"], pair: null, ...told });
  assert.deepEqual(chosen({ above: 4 }), { kept: [], pair: null, ...told });
  assert.deepEqual(chosen({ keep: "all", above: 1 }), {
    kept: ["a", "b", "c"],
    pair: null,
    ...told,
  });
  assert.deepEqual(chosen({ keep: "pairs" }), { kept: [], pair: ["b", "d"], ...told });
  assert.equal(chosen({ keep: "pairs", margin: 3 }).pair?.length, 2);
  assert.equal(chosen({ keep: "pairs", margin: 3.5 }).pair, null);
  assert.equal(chosen({ keep: "pairs", above: 3.5 }).pair, null);
  const even = answers.slice(0, 1).concat({ text: "z", reward: 1 });
  assert.deepEqual(chosen({ keep: "pairs" }, even), {
    ...{ kept: [], pair: null, repeated: 0, isTied: true },
  });
  assert.deepEqual(chosen({}, []), { kept: [], pair: null, repeated: 0, isTied: false });
});

/** Answers with the number of the draw among few, so that some repeat. */
const drawn = (asked: Parameters<typeof promptOf>[0], more = "") => {
  const number = Number(asked.body["seed"]) % 5;
  const content = number === 4
    ? ""
    : `${promptOf(asked).split("\n").at(-1)!.length + number} it is${more}`;
  const finish_reason = number === 3 ? "length" : "stop";
  return Response.json({ choices: [{ message: { content }, finish_reason }] });
};

const QUESTIONS = Array.from({ length: 10 }, (_, i) => {
  const question = `What is so long: ${"x".repeat(i)}?`;
  return JSON.stringify({ question, answer: question.length });
});

const rowsIn = (out: string): Record<string, unknown>[] =>
  Deno.readTextFileSync(join(out, "rows.jsonl")).split("\n").slice(0, -1).map((x) => JSON.parse(x));

const bytesIn = (out: string) =>
  ["rows.jsonl", "summary.json", "scores.jsonl"].map((name) =>
    Deno.readTextFileSync(join(out, name))
  );

Deno.test("sample: an endpoint's answers are scored, counted and kept", () =>
  withFiles({ "rows.jsonl": QUESTIONS.join("\n") }, (folder) =>
    withEndpoint(async (url, asked) => {
      const flags = (out: string) => [
        ...["tiny", "--endpoint", url, "--data", join(folder, "rows.jsonl")],
        ...["--rewards", "number", "--out", join(folder, out), "--answers", "6", "--json"],
      ];
      const best = join(folder, "best");
      const { stdout } = await capture(run, ...flags("best"));
      const summary = JSON.parse(stdout);
      assert.deepEqual(summary, JSON.parse(Deno.readTextFileSync(join(best, "summary.json"))));
      const { rows, answers, cut_off, empty, refused, kept, reward_mean, reward_best } = summary;
      assert.deepEqual([rows, answers, refused, asked.length], [10, 60, 0, 60]);
      const numbers = asked.map(({ body }) => Number(body["seed"]) % 5);
      assert.equal(cut_off, numbers.filter((n) => n === 3).length);
      assert.equal(empty, numbers.filter((n) => n === 4).length);
      const right = numbers.filter((n) => n === 0).length;
      assert.equal(reward_mean, right / (60 - cut_off - empty));
      assert.deepEqual(summary.parts, { number: reward_mean });
      assert.ok(reward_best > reward_mean && reward_best <= 1);
      const found = rowsIn(best);
      assert.equal(found.length, kept);
      const { instruction, input, output, provenance } = found[0]!;
      assert.deepEqual([input, provenance], ["", {
        ...{ by: "sample", model: "tiny", of: `${join(folder, "rows.jsonl")}:1` },
        reward: 1,
      }]);
      assert.equal(output, `${String(instruction).length} it is`);
      // The same command again asks for nothing, and changes nothing.
      const before = bytesIn(best);
      await capture(run, ...flags("best"));
      assert.deepEqual([bytesIn(best), asked.length], [before, 60]);
      await assert.rejects(
        capture(run, ...flags("best"), "--seed", "1"),
        /settings\.json: found seed 0, wanted 1/,
      );
      const strict = await capture(run, ...flags("strict"), "--keep", "all", "--above", "0.5");
      const all = rowsIn(join(folder, "strict"));
      assert.equal(JSON.parse(strict.stdout).kept, all.length);
      assert.ok(
        all.every(({ instruction, output }) => output === `${String(instruction).length} it is`),
      );
    }, (_, asked) => drawn(asked))));

Deno.test("sample: pairs are rows that preferences are learnt from", () =>
  withFiles({ "rows.jsonl": QUESTIONS.join("\n") }, (folder) =>
    withEndpoint(async (url) => {
      const out = join(folder, "out");
      await capture(run, ...[
        ...["tiny", "--endpoint", url, "--data", join(folder, "rows.jsonl"), "--out", out],
        ...["--rewards", "number", "--answers", "8", "--keep", "pairs", "--system", "Count."],
      ]);
      const pairs = rowsIn(out);
      assert.ok(pairs.length > 0);
      const { prompt, chosen, rejected } = pairs[0]!;
      assert.deepEqual((prompt as { role: string }[]).map(({ role }) => role), ["system", "user"]);
      assert.notDeepEqual(chosen, rejected);
      const contents = await Array.fromAsync(readContents({ path: join(out, "rows.jsonl") }));
      assert.deepEqual(
        contents.map(({ content: { kind } }) => kind),
        pairs.map(() => "preference"),
      );
    }, (_, asked) => drawn(asked))));

Deno.test("sample: what stops it loses nothing, and it ends in the same bytes", () =>
  withFiles({
    "rows.jsonl": QUESTIONS.join("\n"),
    "mine.ts":
      `export default (p: string, c: string) => { if (c.includes("!")) throw 1; return c.length; };`,
  }, async (folder) => {
    let isWell = true;
    await withEndpoint(
      async (url, asked) => {
        const flags = (out: string) => [
          ...["tiny", "--endpoint", url, "--data", join(folder, "rows.jsonl"), "--parallel", "1"],
          ...["--rewards", join(folder, "mine.ts"), "--out", join(folder, out), "--answers", "8"],
        ];
        await capture(run, ...flags("whole"));
        const whole = bytesIn(join(folder, "whole"));
        isWell = false;
        const count = asked.length;
        await assert.rejects(capture(run, ...flags("cut")), /found status 401/);
        isWell = true;
        await capture(run, ...flags("cut"));
        assert.deepEqual(bytesIn(join(folder, "cut")), whole);
        assert.equal(asked.length - count, count + 1); // one try was refused
        const scores = join(folder, "cut", "scores.jsonl");
        Deno.writeTextFileSync(scores, whole[2]!.slice(0, whole[2]!.length / 2));
        await capture(run, ...flags("cut"));
        assert.deepEqual(bytesIn(join(folder, "cut")), whole);
        assert.deepEqual(namesIn(join(folder, "cut")), namesIn(join(folder, "whole")));
        Deno.writeTextFileSync(scores, "{}\n");
        await assert.rejects(capture(run, ...flags("cut")), /scores\.jsonl:1: found no scores/);
      },
      (number, asked) => isWell || number < 140 ? drawn(asked) : new Response("", { status: 401 }),
    );
    await withEndpoint(async (url) => {
      const out = join(folder, "thrown");
      await assert.rejects(
        capture(run, ...[
          ...["tiny", "--endpoint", url, "--data", join(folder, "rows.jsonl"), "--answers", "8"],
          ...["--rewards", join(folder, "mine.ts"), "--out", out],
        ]),
        /^FileError: .*rows\.jsonl:\d+: the reward .*mine\.ts threw "1", wanted a finite number$/,
      );
      assert.deepEqual(namesIn(out).includes("answers.jsonl"), true);
    }, (_, asked) => drawn(asked, "!"));
  }));

Deno.test("sample: a model at hand draws the same answers whenever it is stopped", async () => {
  using toy = new Toy();
  const rows = ["ann saw tom", "the cat", "a long word"].map((prompt) =>
    JSON.stringify({ prompt })
  );
  Deno.writeTextFileSync(toy.path("asked.jsonl"), rows.join("\n"));
  const flags = (out: string) => [
    ...[toy.model, "--data", toy.path("asked.jsonl"), "--out", toy.path(out), "--answers", "20"],
    ...["--rewards", '{"kind": "regex", "pattern": "^[^n]*$"}', "--max-tokens", "6"],
    ...["--context", "64", "--stop", "a", "--stop", "e"],
  ];
  const { stdout } = await capture(run, ...flags("whole"));
  assert.match(stdout, /^3 rows, 60 answers/);
  const whole = bytesIn(toy.path("whole"));
  const lines = Deno.readTextFileSync(toy.path("whole", "answers.jsonl"));
  assert.equal(
    new Set(Object.values(JSON.parse(lines.split("\n")[0]!)).map((x) => JSON.stringify(x))).size >
      5,
    true,
  );
  Deno.mkdirSync(toy.path("cut"));
  for (const name of ["settings.json", "answers.jsonl"]) {
    Deno.copyFileSync(toy.path("whole", name), toy.path("cut", name));
  }
  Deno.writeTextFileSync(toy.path("cut", "answers.jsonl"), lines.slice(0, lines.length / 2));
  await capture(run, ...flags("cut"));
  assert.deepEqual(bytesIn(toy.path("cut")), whole);
});

Deno.test("sample: flags that are missing or idle are refused", async () => {
  const refuse = (message: RegExp, ...args: string[]) =>
    assert.rejects(capture(run, "tiny", ...args), message);
  const needed = ["--data", "rows.jsonl", "--rewards", "number", "--out", "out"];
  await refuse(/Wanted --data, --rewards and --out/, "--data", "rows.jsonl", "--out", "out");
  await refuse(/Found --timeout, wanted it with --endpoint only/, ...needed, "--timeout", "3");
  const far = [...needed, "--endpoint", "http://localhost:1/v1"];
  await refuse(/Found --context, wanted it with a model at hand only/, ...far, "--context", "64");
  await refuse(/rewards\.0: found "nubmer", wanted/, ...needed, "--rewards", "nubmer");
  await refuse(/Found --rewards \[1, wanted JSON/, ...needed, "--rewards", "[1");
  const keep = (...args: string[]) =>
    withFiles({ "rows.jsonl": QUESTIONS[0]! }, async (folder) => {
      const rows = ["--data", join(folder, "rows.jsonl"), "--rewards", "number", "--out", "out"];
      const message = args.pop()!;
      await refuse(new RegExp(message), ...rows, ...args);
    });
  await keep("--keep", "bets", "Found --keep bets, wanted one of best, all, pairs");
  await keep("--keep", "all", "Found --keep all without --above");
  await keep("--margin", "1", "Found --margin beside --keep best");
  await keep(
    "--keep",
    "pairs",
    "--answers",
    "1",
    "Found --answers 1, wanted a whole number from 2",
  );
});
