/** `deno task init`: a config after a look at a model and rows. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { main } from "../../src/cli/commands.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { quickstartFile } from "../../src/quickstart/files.ts";
import { capture } from "./capture.ts";

const BASE = quickstartFile("base");

async function init(rows: object[], ...args: string[]) {
  const folder = Deno.makeTempDirSync();
  const path = join(folder, "rows.jsonl");
  const out = join(folder, "train.yaml");
  Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  const { code, stderr } = await capture(main, "init", BASE, path, "--out", out, ...args);
  const text = code === 0 ? Deno.readTextFileSync(out) : "";
  const parsed = code === 0 ? parseConfig({ file: out }) : null;
  return {
    code,
    stderr,
    text,
    parsed,
    path,
    out,
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}

const row = (i: number) => ({ instruction: `Say ${i}.`, input: "", output: `It is ${i}.` });

Deno.test("init writes a config that is read as what was found", async () => {
  using made = await init(Array.from({ length: 240 }, (_, i) => row(i)), "--preset", "gentle");
  assert.equal(made.code, 0, made.stderr);
  const { config } = made.parsed!;
  assert.equal(config.model, BASE);
  assert.equal(config.adapter.rank, 8);
  assert.equal(config.guard && config.guard.budget, "ppl:1%");
  assert.deepEqual(config.data[0]!.split?.part, "train");
  assert.deepEqual(config.eval.data[0]!.split?.part, "test");
  assert.match(
    made.text,
    /llama, 0\.48 M parameters, reads up to 256 tokens, has no chat template/,
  );
  assert.match(made.text, /# 240 rows of the format alpaca: \d+ tokens, of which \d+ are learnt/);
  const again = await capture(main, "init", BASE, made.path, "--out", made.out);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /there already, wanted another --out/);
  assert.equal(Deno.readTextFileSync(made.out), made.text);
});

Deno.test("init holds nothing back of few rows, and asks for preferences and long rows as they are", async () => {
  using few = await init([row(1), row(2)]);
  assert.deepEqual(few.parsed!.config.eval.data, []);
  assert.equal(few.parsed!.config.data[0]!.split, undefined);
  using preferences = await init([{ prompt: "a", chosen: "b", rejected: "c" }]);
  assert.equal(preferences.parsed!.config.objective.kind, "dpo");
  assert.equal(preferences.parsed!.config.guard, false);
  using none = await init([]);
  assert.equal(none.code, 1);
});
