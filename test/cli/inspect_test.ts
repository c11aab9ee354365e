import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../../src/cli/inspect.ts";
import { withTiny } from "../models/tiny.ts";
import { capture } from "./capture.ts";

const file = (path: string) =>
  fileURLToPath(new URL(`../../configs/quickstart/${path}`, import.meta.url));
const QUICKSTART = file("train.json");

Deno.test("inspect shows prompt and answer of the quickstart's first row, token by token", async () => {
  const { code, stdout } = await capture(run, QUICKSTART, "--rows", "1");
  assert.equal(code, 0);
  const [, prompt, learned] = stdout.split("\n");
  const text = (line: string) => line.slice("  prompt  ".length).replaceAll("|", "");
  assert.equal(
    text(prompt!),
    "<s>Say what color the key is.\\nIt was late in the day. Lucy has a black key.\\n",
  );
  assert.equal(text(learned!), "The key is black.</s>");
  assert.match(stdout, /^rows {6}2184$/m);
  assert.match(stdout, /^note {6}1 rows with nearly the texts of an earlier row/m);
  assert.match(stdout, /^faults {4}none found$/m);
});

Deno.test("inspect --json counts sources, and text that never ends is no fault", async () => {
  const text = ["--data.1.format", "text", "--data.1.path", file("retention.jsonl")];
  const { stdout } = await capture(run, QUICKSTART, "--json", ...text);
  const report = JSON.parse(stdout);
  const [rows, stories] = report.sources;
  assert.deepEqual([rows.rows, stories.rows, report.rows], [2184, 786, 2970]);
  assert.equal(rows.supervised + stories.supervised, report.supervised);
  assert.equal(rows.share, rows.supervised / report.supervised);
  assert.equal(report.endless, 786);
  assert.deepEqual(report.stops, []);
  const weights = ["--data.0.weight", "3"];
  const mixed = JSON.parse((await capture(run, QUICKSTART, "--json", ...text, ...weights)).stdout);
  assert.deepEqual(mixed.sources.map(({ share }: { share: number }) => share), [0.75, 0.25]);
});

Deno.test("inspect shows what is cut and what would stop a run, and finds duplicates", () =>
  withTiny({}, async (model) => {
    const path = join(model, "..", "rows.jsonl");
    const instruction = "say a name of a day in the week that is not a friday";
    const rows = [
      { instruction: "say it", output: "ben" },
      { instruction: "<s>go", output: "on" },
      { instruction, output: "monday is a day" },
      { instruction: "say it", output: "ben" },
      { instruction: "no", output: "" },
      { instruction, output: "monday is a day off" },
    ];
    Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    const flags = ["--model", model, "--data", path, "--data.template", "plain"];
    const inspect = (...more: string[]) => capture(run, ...flags, ...more);
    const size = ["--train.micro_batch_tokens", "56", "--train.tokens_per_batch", "56"];

    const { stdout } = await inspect("--rows", "5", ...size);
    assert.match(
      stdout,
      /rows\.jsonl:2: 10 tokens\n {2}prompt {2}<s>\|<unk>\|s\|<unk>\|g\|o\|\\n\n {2}learn {3}o\|n\|<\/s>/,
    );
    assert.match(
      stdout,
      /rows\.jsonl:3: 70 tokens, 14 too many\n.*\n.*m\|o\n {2}cut {5}n\|d\|a\|y/,
    );
    assert.match(stdout, /^rows {6}3$/m);
    assert.match(stdout, /^note {6}2 rows left out: longer than 56 tokens$/m);
    assert.match(stdout, /^note {6}1 rows with an empty answer/m);
    assert.match(stdout, /^note {6}1 rows with special tokens written out, which stay text;/m);
    assert.match(stdout, /^note {6}1 rows with the texts of an earlier row$/m);
    assert.match(stdout, /^note {6}1 rows with nearly the texts/m);
    assert.match(
      stdout,
      /^fault {5}1 rows with BOS twice .* first .*:2 \(double-bos: stops a run\)$/m,
    );

    const allowed = ["--train.allow", "double-bos", "--train.on_too_long", "truncate"];
    const report = JSON.parse((await inspect("--json", ...size, ...allowed)).stdout);
    const { rows: used, too_long, cut, empty, duplicates, stops, lengths } = report;
    assert.deepEqual([used, too_long, cut, empty, stops], [5, 0, 2, 1, []]);
    assert.deepEqual(duplicates, { exact: 1, near: 1 });
    assert.equal(lengths.longest, 74);
  }));

Deno.test("inspect counts pieces, rows by prompts with exemplars that fit, and shares of a mixture", () =>
  withTiny({}, async (model) => {
    const folder = join(model, "..");
    const write = (name: string, count: number) => {
      const rows = Array.from({ length: count }, (_, i) => ({ ask: "abcdefgh"[i], say: "a" }));
      Deno.writeTextFileSync(join(folder, name), rows.map((row) => JSON.stringify(row)).join("\n"));
      return {
        path: join(folder, name),
        prompts: [{ input: "go {ask}", target: "{say}" }],
        few_shot: { share: 1, shots: 7 },
      };
    };
    const text = join(folder, "text.jsonl");
    Deno.writeTextFileSync(text, JSON.stringify({ text: "on ".repeat(30) }));
    const config = join(folder, "run.json");
    const settings = {
      model,
      out: join(folder, "run"),
      data: [write("many.jsonl", 8), write("few.jsonl", 2), { path: text }],
      mixture: { maximum: 4 },
      train: { micro_batch_tokens: 40, tokens_per_batch: 40, on_too_long: "split" },
    };
    Deno.writeTextFileSync(config, JSON.stringify(settings));
    const { stdout, stderr } = await capture(run, config, "--json");
    const report = JSON.parse(stdout);
    assert.deepEqual(report.stops, []);
    assert.deepEqual(report.duplicates, { exact: 2, near: 0 });
    const [many, few, pieces] = report.sources;
    assert.deepEqual([many.rows, few.rows, pieces.rows], [8, 2, 3]);
    assert.deepEqual([many.share, few.share, pieces.share], [4 / 9, 2 / 9, 3 / 9]);
    assert.deepEqual([report.too_long, report.cut], [0, 1]);
    assert.match(stderr, /^data: .*many\.jsonl: 8 rows, 8 few shot$/m);
  }));

Deno.test("inspect names formats and unread fields, and no share of nothing", () =>
  withTiny({}, async (model) => {
    const write = (name: string, row: object) => {
      Deno.writeTextFileSync(join(model, "..", name), JSON.stringify(row));
      return join(model, "..", name);
    };
    const long = "on ".repeat(30);
    const paths = [
      write("a.jsonl", { question: "say it", answer: long, system: "be kind" }),
      write("b.jsonl", { prompt: "say it", completion: long }),
    ];
    const flags = ["--data.0.path", paths[0]!, "--data.1.path", paths[1]!, "--model", model];
    const size = ["--train.micro_batch_tokens", "40", "--train.tokens_per_batch", "40"];
    const { stdout, stderr } = await capture(run, ...flags, ...size);
    assert.match(stdout, /^format {4}question-answer, prompt-completion$/m);
    assert.match(stdout, /^note {6}1 rows with system, which nothing reads$/m);
    assert.match(stderr, /a\.jsonl: 1 rows; not read: system \(1 rows\)$/m);
    assert.match(stdout, /^tokens {4}0, of which 0 \(0\.0 %\) are learned$/m);
    assert.doesNotMatch(stdout, /NaN/);
    const { sources } = JSON.parse((await capture(run, ...flags, ...size, "--json")).stdout);
    assert.deepEqual(sources.map(({ share }: { share: number }) => share), [0, 0]);
    assert.deepEqual(sources[0].unread, { system: 1 });
  }));

Deno.test("inspect counts labels", () =>
  withTiny({}, async (model) => {
    const path = join(model, "..", "labelled.jsonl");
    const rows = [true, false, true].map((label) => ({ prompt: "say ", completion: "it", label }));
    Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    const { stdout } = await capture(run, "--model", model, "--data", path);
    assert.match(stdout, /^labels {4}false 1, true 2$/m);
  }));

Deno.test("inspect shows both documents of a preference, and how long its answers are", () =>
  withTiny({}, async (model) => {
    const path = join(model, "..", "preferences.jsonl");
    const rows = [
      { prompt: "say it ", chosen: "ben", rejected: "no" },
      { prompt: "say what you know ", chosen: "it is monday", rejected: "ben" },
    ];
    Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    const flags = ["--model", model, "--data", path, "--rows", "2"];
    const size = ["--train.micro_batch_tokens", "48", "--train.tokens_per_batch", "48"];
    const { stdout } = await capture(run, ...flags, ...size);
    const first = [
      "jsonl:1 (chosen): 12 tokens",
      "  prompt  <s>|s|a|y| |i|t| ",
      "  learn   b|e|n|</s>",
      "",
      "",
    ].join("\n");
    assert.ok(stdout.includes(first), stdout);
    assert.match(
      stdout,
      /jsonl:1 \(rejected\): 11 tokens\n {2}prompt .*\n {2}learn {3}n\|o\|<\/s>/,
    );
    assert.match(stdout, /jsonl:2: all answers have 7 tokens too many\n.*jsonl:2 \(chosen\)/);
    assert.match(stdout, /^answers {3}8\.5 tokens chosen, 3\.5 rejected$/m);
    assert.match(stdout, /^note {6}1 rows left out: longer than 48 tokens$/m);
  }));
