import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../src/cli/eval.ts";
import { noSharedData, sharedData } from "../io/helpers.ts";
import { tinyTensors, withTiny, writeTinyAdapter } from "../models/tiny.ts";
import { llamaLoss, type LlamaSizes } from "../../src/reference/llama.ts";
import { capture } from "./capture.ts";

/** Ids of the tiny tokenizer, whose letters begin with 3. */
const idsOf = (text: string) =>
  [...text].map((c) => 3 + "abcdefghijklmnopqrstuvwxyz .,!?'\n".indexOf(c));
const BOS = 1;
const EOS = 2;

/** Mean nats of documents of which the first `masked` tokens are not predicted. */
function expectedNll(folder: string, sizes: LlamaSizes, rows: [ids: number[], masked: number][]) {
  const documents = rows.map(([ids, masked]) => ({
    ids,
    labels: ids.map((id, i) => i < masked ? -100 : id),
  }));
  const tokens = rows.reduce((sum, [ids, masked]) => sum + ids.length - masked, 0);
  return { tokens, nll: llamaLoss(documents, sizes, tinyTensors(folder)) / tokens };
}

async function evaluate(...args: string[]) {
  const { code, stdout } = await capture(run, ...args, "--json");
  assert.equal(code, 0);
  const result = JSON.parse(stdout) as { nll: number; perplexity: number; tokens: number };
  assert.deepEqual(Object.keys(result), ["nll", "perplexity", "tokens"]);
  assert.equal(result.perplexity, Math.exp(result.nll));
  return result;
}

function assertResult(found: { nll: number; tokens: number }, expected: typeof found): void {
  assert.equal(found.tokens, expected.tokens);
  assert.ok(Math.abs(found.nll / expected.nll - 1) < 3e-6, `${found.nll}, not ${expected.nll}`);
}

Deno.test("eval takes each document alone: BOS, its tokens, no EOS, cut at the context", () =>
  withTiny({ config: { max_position_embeddings: 16 } }, async (folder, sizes) => {
    const texts = ["a red fox", "the dog sat on the mat with a cat", "hi"];
    const txt = join(folder, "text.txt");
    const jsonl = join(folder, "text.jsonl");
    Deno.writeTextFileSync(txt, texts.join("\n<|endoftext|>\n"));
    Deno.writeTextFileSync(jsonl, texts.map((text) => JSON.stringify({ text })).join("\n"));
    const expected = (context: number) =>
      expectedNll(
        folder,
        sizes,
        texts.map((text) => [[BOS, ...idsOf(text)].slice(0, context), 1]),
      );
    assertResult(await evaluate(folder, "--text", txt), expected(16));
    assertResult(await evaluate(folder, "--text", jsonl), expected(16));
    assertResult(await evaluate(folder, "--text", txt, "--context", "9"), expected(9));
    assertResult(await evaluate(folder, "--text", txt, "--context", "99"), expected(16));
    const plain = await capture(run, folder, "--text", txt);
    assert.match(plain.stdout, /^\d\.\d{5} nats a token, perplexity [\d.]+, 26 tokens\n$/);
  }));

Deno.test("eval of instruction rows counts the answers and their EOS only", () =>
  withTiny({}, async (folder, sizes) => {
    const path = join(folder, "rows.jsonl");
    const row = { instruction: "say a name", input: "", output: "ben" };
    Deno.writeTextFileSync(path, JSON.stringify(row));
    const prompt = [BOS, ...idsOf("say a name\n")];
    const expected = expectedNll(folder, sizes, [[[...prompt, ...idsOf("ben"), EOS], 12]]);
    const args = ["--data", path, "--format", "alpaca", "--template", "plain"];
    assertResult(await evaluate(folder, ...args), expected);
  }));

Deno.test("eval measures with an adapter", () =>
  withTiny({}, async (folder) => {
    const path = join(folder, "text.txt");
    Deno.writeTextFileSync(path, "a red fox");
    writeTinyAdapter(join(folder, "adapter"), folder);
    writeTinyAdapter(join(folder, "zero"), folder, 0);
    const base = await evaluate(folder, "--text", path);
    const zero = await evaluate(folder, "--text", path, "--adapter", join(folder, "zero"));
    assert.deepEqual(zero, base);
    const tuned = await evaluate(folder, "--text", path, "--adapter", join(folder, "adapter"));
    assert.ok(Math.abs(tuned.nll - base.nll) > 1e-3);
  }));

for (
  const [line, message] of [
    ["model", /one of --text, --data and --tasks/],
    ["model --text a --data b", /one of --text, --data and --tasks/],
    ["model --text a --format text", /--format beside --text/],
    ["model --text a --context 1", /--context 1, wanted a whole number from 2 on/],
  ] as const
) {
  Deno.test(`eval refuses "${line}"`, () =>
    assert.rejects(run(line.split(" ")), { name: "ConfigError", message }));
}

Deno.test({
  name: "eval of real stories equals golden",
  ignore: noSharedData,
  fn: async () => {
    const { loss_all: { mean_nll_per_token, n_targets } } = JSON.parse(
      Deno.readTextFileSync(join(sharedData, "golden/stories260K.json")),
    );
    const text = join(sharedData, "text/tinystories_sample.txt");
    const found = await evaluate(join(sharedData, "models/stories260K"), "--text", text);
    assert.equal(found.tokens, n_targets);
    assert.ok(Math.abs(found.nll - mean_nll_per_token) < 1e-4);
  },
});
