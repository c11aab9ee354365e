import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../src/cli/generate.ts";
import { noSharedData, sharedData } from "../io/helpers.ts";
import { SMOLLM2, withTinyChat } from "../inference/tiny_chat.ts";
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
    const digits = "[\\d.]+(e-\\d+)?";
    const speed = (count: number) => `${count} tokens in ${digits} s, ${digits} tokens/s`;
    assert.match(plain.stderr, new RegExp(`prompt ${speed(6)}; answer ${speed(ids.length)}`));
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

Deno.test("generate asks through the model's own chat template, or one that is named", () =>
  withTinyChat(SMOLLM2, async (folder) => {
    const promptOf = async (...args: string[]) => {
      const { stdout } = await capture(run, folder, ...args, "--max-tokens", "1", "--json");
      return JSON.parse(stdout).prompt;
    };
    const own = await promptOf("--instruction", "count", "--input", "1 2", "--system", "Be brief.");
    assert.equal(
      own,
      "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\ncount\n\n1 2<|im_end|>\n" +
        "<|im_start|>assistant\n",
    );
    const named = (template: string) => promptOf("--instruction", "count", "--template", template);
    assert.match(await named("alpaca"), /### Instruction:\ncount\n\n### Response:$/);
    assert.equal(await named("llama-2"), "<|im_start|>[INST] count [/INST]");
    assert.equal(await promptOf("--prompt", "count"), "count");
    await assert.rejects(named("none"), /template "none", wanted one of alpaca, plain/);
  }));

Deno.test("generate answers a file of prompts beside each other, each as it does alone", () =>
  withTinyChat(SMOLLM2, async (folder) => {
    const rows = [
      { prompt: "Hello, you" },
      { instruction: "count", input: "1 2", output: "3" },
      { messages: [{ role: "user", content: "Hi" }, { role: "assistant", content: "Ho" }] },
      { prompt: [{ role: "user", content: "Hi" }], completion: [] },
    ];
    const file = join(folder, "prompts.jsonl");
    Deno.writeTextFileSync(file, rows.map((row) => JSON.stringify(row)).join("\n"));
    const common = ["--max-tokens", "9", "--json"];
    const many = await capture(run, folder, "--prompts", file, ...common);
    const { results } = JSON.parse(many.stdout);
    assert.equal(results.length, 4);
    const alone = async (...args: string[]) =>
      JSON.parse((await capture(run, folder, ...args, ...common)).stdout);
    assert.deepEqual(results[0], await alone("--prompt", "Hello, you"));
    assert.deepEqual(results[1], await alone("--instruction", "count", "--input", "1 2"));
    assert.deepEqual(results[2], await alone("--instruction", "Hi"));
    assert.deepEqual(results[3], results[2]);
    assert.match(many.stderr, /4 prompts of \d+ tokens; answers of 36 tokens in [\d.]+ s, /);

    const text = results[0].text as string;
    const stop = text.slice(2, 4);
    Deno.writeTextFileSync(join(folder, "prompts.txt"), "Hello, you\n\nThe answer\n");
    const texts = ["--prompts", join(folder, "prompts.txt"), "--max-tokens", "9", "--stop", stop];
    const plain = await capture(run, folder, ...texts, "--stop", "~~~~");
    assert.equal(plain.stdout.split("\n")[1], text.slice(0, text.indexOf(stop)));
    assert.match(plain.stdout, /--- 2: The answer\n/);

    Deno.writeTextFileSync(file, '{"text": "a"}\n');
    await assert.rejects(
      capture(run, folder, "--prompts", file),
      /prompts\.jsonl:1: found the fields text, wanted prompt, messages, instruction, question or input/,
    );
  }));

Deno.test("generate ends at the ids of generation_config.json, and draws as it says", () =>
  withTiny({}, async (folder) => {
    const path = join(folder, "generation_config.json");
    const idsOf = async (...flags: string[]) => {
      const args = [folder, "--prompt", "a dog", "--max-tokens", "12", "--json", ...flags];
      const found = await capture(run, ...args);
      return { ids: JSON.parse(found.stdout).ids as number[], stderr: found.stderr };
    };
    const { ids } = await idsOf();
    const stop = ids[4]!;
    const fields = { eos_token_id: [2, stop], do_sample: true, temperature: 0.6, top_p: 0.95 };
    Deno.writeTextFileSync(path, JSON.stringify(fields));
    const ended = await idsOf("--temperature", "0");
    assert.deepEqual(ended.ids, ids.slice(0, ids.indexOf(stop)));
    assert.doesNotMatch(ended.stderr, /drawn as/);
    const drawn = await idsOf();
    assert.match(
      drawn.stderr,
      /drawn as generation_config\.json has it, --temperature 0\.6 --top-p 0\.95;/,
    );
    const flags = ["--temperature", "0.6", "--top-p", "0.95"];
    assert.deepEqual(drawn.ids, (await idsOf(...flags)).ids);
    assert.notDeepEqual(drawn.ids, ended.ids);
    Deno.writeTextFileSync(path, JSON.stringify({ ...fields, do_sample: false }));
    assert.deepEqual((await idsOf()).ids, ended.ids);
    Deno.writeTextFileSync(path, '{"eos_token_id": ["</s>"]}');
    await assert.rejects(idsOf(), /generation_config\.json: found "<\/s>" in "eos_token_id"/);
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
    ["model", /one of --prompt, --instruction and --prompts/],
    ["model --prompt a --instruction b", /one of --prompt, --instruction and --prompts/],
    ["model --prompt a --prompts b.txt", /one of --prompt, --instruction and --prompts/],
    ["model --prompts b.txt --input c", /--input beside --prompts/],
    ["model --prompt a --template plain", /--template beside --prompt/],
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
