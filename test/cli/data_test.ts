import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../src/cli/data.ts";
import { namesIn } from "../io/helpers.ts";
import { withTiny } from "../models/tiny.ts";
import { withFiles } from "../data/toy.ts";
import { capture } from "./capture.ts";

const row = (instruction: string, output: string) => JSON.stringify({ instruction, output });
const LINES = [
  row("say a name", "ben"),
  ' {"instruction": "say a colour",  "output":"red", "n": 1.0}',
  row("say a name", "ben"),
  row("say a word", ""),
  row("go on", `${"la ".repeat(40)}`),
  row("say a fruit", "fig"),
];
const texts = (path: string) => Deno.readTextFileSync(path).trimEnd().split("\n");

Deno.test("data keeps lines to the byte and in order, and says what it dropped and why", () =>
  withFiles({ "rows.jsonl": LINES.join("\r\n") }, async (folder) => {
    const [rows, out] = [join(folder, "rows.jsonl"), join(folder, "clean.jsonl")];
    const { code, stdout, stderr } = await capture(run, rows, "--out", out);
    assert.equal(code, 0);
    assert.equal(Deno.readTextFileSync(out), [0, 1, 5].map((i) => `${LINES[i]}\n`).join(""));
    assert.deepEqual(texts(join(folder, "clean.dropped.jsonl")).map((line) => JSON.parse(line)), [
      {
        step: "empty",
        reason: "found an empty output",
        origin: `${rows}:4`,
        row: JSON.parse(LINES[3]!),
      },
      {
        step: "repetition",
        reason: '100 % of the 4-grams are "la la la la"',
        origin: `${rows}:5`,
        row: JSON.parse(LINES[4]!),
      },
      {
        step: "exact",
        reason: `the same as ${rows}:1`,
        origin: `${rows}:3`,
        row: JSON.parse(LINES[2]!),
      },
    ]);
    assert.match(stderr, /^rows +6$/m);
    assert.match(stderr, /^near +-0/m);
    assert.match(stderr, /^kept +3$/m);
    assert.match(stdout, /^instructions +3 different/m);
    assert.deepEqual(namesIn(folder), ["clean.dropped.jsonl", "clean.jsonl", "rows.jsonl"]);
    await assert.rejects(run([rows, "--out", out]), {
      name: "FileError",
      message: /there already/,
    });
    await assert.rejects(run([rows, "--out", rows]), /there already/);
  }));

Deno.test("data writes many rows, of any length, in their order", () => {
  // More than is read or written at once, one row by itself too.
  const lines = Array.from({ length: 900 }, (_, i) => {
    const words = Array.from({ length: i === 500 ? 20_000 : 30 }, (_, k) => `é${i}_${k % 2000}`);
    return row(i % 9 === 4 ? "say what was said" : `say ${i}`, i % 9 === 4 ? "" : words.join(" "));
  });
  return withFiles({ "rows.jsonl": lines.join("\n") }, async (folder) => {
    const out = join(folder, "clean.jsonl");
    await capture(run, join(folder, "rows.jsonl"), "--out", out, "--steps", "empty,repetition");
    const isDropped = (i: number) => i % 9 === 4;
    assert.deepEqual(texts(out), lines.filter((_, i) => !isDropped(i)));
    const dropped = texts(join(folder, "clean.dropped.jsonl")).map((line) => JSON.parse(line));
    assert.deepEqual(
      dropped.map(({ origin, row }) => [origin.split(":").at(-1), JSON.stringify(row)]),
      lines.flatMap((line, i) => isDropped(i) ? [[`${i + 1}`, line]] : []),
    );
  });
});

Deno.test("data --json prints the counts; without --out nothing is written", () =>
  withFiles({ "rows.jsonl": LINES.join("\n"), "test.jsonl": LINES[5]! }, async (folder) => {
    const rows = join(folder, "rows.jsonl");
    const { stdout } = await capture(
      ...[run, rows, "--steps", "exact,empty", "--tests", join(folder, "test.jsonl")] as const,
      ...["--select", "1", "--json"],
    );
    const { diversity, ...counts } = JSON.parse(stdout);
    assert.deepEqual(counts, {
      rows: 6,
      kept: 1,
      dropped: { empty: 1, exact: 1, contaminated: 1, select: 2 },
    });
    assert.deepEqual(diversity.top_instructions, [["go on", 1]], "the longest answer");
    assert.deepEqual(namesIn(folder), ["rows.jsonl", "test.jsonl"]);
  }));

Deno.test("data takes the rows of a config, and its model as the judge of difficulty", () =>
  withTiny({}, async (model) => {
    const rows = join(model, "..", "rows.jsonl");
    const lines = [row("say a name", "ben"), row("add", "two and two"), row("go", "a ".repeat(99))];
    Deno.writeTextFileSync(rows, lines.join("\n"));
    const config = join(model, "..", "config.json");
    const data = [{ path: rows, template: "plain" }];
    Deno.writeTextFileSync(config, JSON.stringify({ model, data }));
    const counts = async (...args: string[]) =>
      JSON.parse((await capture(run, ...args, "--json")).stdout);
    const { kept, dropped } = await counts(config, "--steps", "difficulty", "--most-ifd", "1e9");
    assert.deepEqual([kept, dropped], [3, { difficulty: 0 }], "the third is cut to the context");
    await assert.rejects(
      run([config, "--steps", "difficulty", "--least-ifd", "1e8", "--most-ifd", "1e9"]),
      /no row that passes all steps/,
    );
    const least = ["--least-ifd", "1e8", "--most-ifd", "1e9"];
    await assert.rejects(
      run([rows, "--template", "plain", "--model", model, ...least]),
      /no row that passes/,
    );
    assert.deepEqual((await counts(config)).dropped["difficulty"], undefined, "only when asked");
  }));

Deno.test("data refuses what it cannot do, and leaves nothing behind", () =>
  withFiles({
    "rows.jsonl": `${LINES[0]}\n{"instruction": 1, "output": ""}`,
    "good.jsonl": LINES[0]!,
    "chat.jsonl": '{"text":"a"}',
    "empty.jsonl": row("a", ""),
  }, async (folder) => {
    const path = (name: string) => join(folder, name);
    const out = ["--out", path("out.jsonl")];
    const before = namesIn(folder);
    for (
      const [args, message] of [
        [["rows.jsonl"], /rows\.jsonl:2: found a number in instruction/],
        [["nowhere.jsonl"], /no such file/],
        [["empty.jsonl"], /no row that passes all steps/],
        [["good.jsonl", path("chat.jsonl")], /found text rows after the alpaca rows of .*good/],
        [["good.jsonl", "--steps", "exakt"], /the step exakt .* did you mean "exact"/],
        [["good.jsonl", "--steps", "select"], /select without --select/],
        [["good.jsonl", "--steps", "contaminated"], /contaminated without --tests/],
        [["good.jsonl", "--steps", "difficulty"], /difficulty without --model/],
        [["good.jsonl", "--script", "Klingon"], /Klingon, wanted a script/],
        [["good.jsonl", "--near", "0.5"], /--near 0.5, wanted a number from 0.71 to 1/],
        [["good.jsonl", "--tests", path("nowhere")], /no such file/],
      ] as const
    ) {
      const [name, ...rest] = args;
      await assert.rejects(capture(run, path(name), ...rest, ...out), { message }, `${args}`);
    }
    await assert.rejects(run([path("good.jsonl"), "--out", "x.txt"]), /ends in \.jsonl/);
    assert.deepEqual(namesIn(folder), before);
  }));
