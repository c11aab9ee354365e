import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../src/cli/generate.ts";
import { noSharedData, sharedData } from "../io/helpers.ts";
import { withTiny } from "../models/tiny.ts";
import { capture } from "./capture.ts";

Deno.test("generate prints text as it comes, or one JSON object", () =>
  withTiny({}, async (folder) => {
    const args = [folder, "--prompt", "a dog", "--max-tokens", "12"];
    const plain = await capture(run, ...args);
    const json = await capture(run, ...args, "--json");
    assert.deepEqual([plain.code, json.code], [0, 0]);
    const { prompt, text, ids } = JSON.parse(json.stdout);
    assert.equal(prompt, "a dog");
    assert.equal(plain.stdout, `${text}\n`);
    assert.ok(ids.length > 0 && ids.length <= 12);
    assert.match(plain.stderr, new RegExp(`${ids.length} tokens, \\d+ tokens/s`));
  }));

Deno.test("generate puts an instruction into the template", () =>
  withTiny({ config: { max_position_embeddings: 256 } }, async (folder) => {
    const promptOf = async (...args: string[]) => {
      const common = ["--max-tokens", "1", "--json"];
      return JSON.parse((await capture(run, folder, ...args, ...common)).stdout).prompt;
    };
    assert.match(
      await promptOf("--instruction", "count"),
      /task\. Write [^]+### Instruction:\ncount\n\n### Response:$/,
    );
    const plain = ["--instruction", "count", "--input", "1 2", "--template", "plain"];
    assert.equal(await promptOf(...plain), "count\n1 2\n");
  }));

Deno.test("generate samples by its seed", () =>
  withTiny({}, async (folder) => {
    const args = [folder, "--prompt", "a", "--temperature", "1", "--top-k", "30", "--top-p", "0.9"];
    const text = async (seed: string) => (await capture(run, ...args, "--seed", seed)).stdout;
    const first = await text("1");
    assert.equal(await text("1"), first);
    assert.notEqual(await text("2"), first);
  }));

for (
  const [line, message] of [
    ["model", /one of --prompt and --instruction/],
    ["model --prompt a --instruction b", /one of --prompt and --instruction/],
    ["model --prompt a --template plain", /--template beside --prompt/],
    ["model --instruction a --template none", /template "none", wanted one of alpaca, plain/],
    ["model --prompt a --max-tokens 0", /--max-tokens 0, wanted a whole number from 1 on/],
    ["model --prompt a --temperature hot", /--temperature hot, wanted a number from 0 on/],
    ["model --prompt a --top-p 2", /--top-p 2, wanted a number from/],
    ["model --prompt a --top-k 1.5", /--top-k 1\.5, wanted a whole number/],
    ["model --prompt a --seed=", /--seed , wanted a whole number/],
    ["--prompt a", /0 arguments, wanted 1/],
  ] as const
) {
  Deno.test(`generate refuses "${line}"`, () =>
    assert.rejects(run(line.split(" ")), { name: "ConfigError", message }));
}

Deno.test({
  name: "generate continues a story as golden does, and otherwise with an adapter",
  ignore: noSharedData,
  fn: async () => {
    const path = join(sharedData, "golden/stories260K.json");
    const [{ prompt, text }] = JSON.parse(Deno.readTextFileSync(path)).greedy;
    const args = [join(sharedData, "models/stories260K"), "--prompt", prompt];
    assert.equal(prompt + (await capture(run, ...args)).stdout, `${text}\n`);
    const adapter = join(sharedData, "golden/lora_stories260K_r4_qv");
    assert.notEqual(prompt + (await capture(run, ...args, "--adapter", adapter)).stdout, text);
  },
});
