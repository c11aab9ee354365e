import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { run } from "../../src/cli/inspect.ts";
import { capture } from "./capture.ts";

const QUICKSTART = fileURLToPath(new URL("../../configs/quickstart/train.json", import.meta.url));

Deno.test("inspect shows prompt and answer of the quickstart's first row, token by token", async () => {
  const { code, stdout } = await capture(run, QUICKSTART, "--rows", "1");
  assert.equal(code, 0);
  const [, prompt, learned] = stdout.split("\n");
  const text = (line: string) => line.slice("  prompt  ".length).replaceAll("|", "");
  assert.equal(text(prompt!), "<s>Write this in the past.\\nOscar runs on the farm.\\n");
  assert.equal(text(learned!), "Oscar ran on the farm.</s>");
  assert.match(stdout, /^rows {6}3948$/m);
  assert.match(stdout, /^faults {4}none found$/m);
});

Deno.test("inspect --json prints the counts, and finds what a template spoils", async () => {
  const { stdout } = await capture(
    run,
    QUICKSTART,
    "--json",
    "--data.format",
    "text",
    "--data.path",
    fileURLToPath(new URL("../../configs/quickstart/retention.jsonl", import.meta.url)),
  );
  const { examples, faults } = JSON.parse(stdout);
  assert.equal(examples, 400);
  assert.equal(faults.neverEnds, 400, "text without eos: true never ends");
});
