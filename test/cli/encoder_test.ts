/** A model with an encoder through every command: what serves it works, what does not refuses it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { main } from "../../src/cli/commands.ts";
import { exists } from "../../src/io/files.ts";
import { readGolden, writeGolden } from "../golden/golden.ts";
import { capture } from "./capture.ts";

const ROWS = ["red", "blue", "green"].map((colour) => ({
  instruction: "what colour is it?",
  input: `it is ${colour}.`,
  output: colour,
}));

Deno.test("a T5 is trained, merged, measured and asked, and the rest refuses it by name", async (t) => {
  const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
  const at = (...path: string[]) => join(parent, ...path);
  const [model, rows, run, merged] = [at("model"), at("rows.jsonl"), at("run"), at("merged")];
  writeGolden(model, readGolden("t5_gated"));
  Deno.writeTextFileSync(rows, ROWS.map((row) => JSON.stringify(row)).join("\n"));
  Deno.writeTextFileSync(at("keep.txt"), "it is red.\n");
  const data = ["--data", rows, "--data.template", "plain"];
  const json = async (...args: string[]) => {
    const { code, stdout, stderr } = await capture(main, ...args, "--json");
    assert.equal(code, 0, stderr);
    return JSON.parse(stdout);
  };
  const refused = (name: string, wanted: RegExp, ...args: string[]) =>
    t.step(name, async () => {
      const { code, stderr } = await capture(main, ...args);
      assert.ok(code === 1 || code === 2, stderr);
      assert.match(stderr, wanted);
      assert.equal(stderr.match(/^error: /gm)?.length, 1);
      assert.ok(!exists(at("out")));
    });
  const setUp = ["--train.micro_batch_tokens", "48", "--train.tokens_per_batch", "48"];
  const train = ["train", "--model", model, ...data, ...setUp, "--train.steps", "12"];
  try {
    await t.step("train, with rows to measure and samples at the end", async () => {
      const measure = ["--eval.data", rows, "--eval.data.template", "plain"];
      const more = ["--train.lr", "0.02", "--adapter.rank", "4", ...measure];
      const { code, stdout, stderr } = await capture(main, ...train, ...more, "--out", run);
      assert.equal(code, 0, stderr);
      const [, before, after] = stdout.match(/^loss {8}([\d.]+) -> ([\d.]+)$/m)!;
      assert.ok(Number(after) < Number(before), stdout);
      assert.match(stdout, /^prompt {2}what colour is it\? \/ it is (red|blue|green)\.$/m);
      assert.match(stdout, /^wanted {2}(red|blue|green)$/m);
      const { config, modules } = readPeft(join(run, "adapter"));
      assert.equal(config["task_type"], "SEQ_2_SEQ_LM");
      assert.equal(modules.length, 2 * (4 + 3) + 2 * (4 + 4 + 3));
    });
    await t.step(
      "merge proves itself, and the merged model measures and writes the same",
      async () => {
        const { largest } = await json("merge", run, "--out", merged);
        assert.ok(largest < 1e-4);
        const measure = ["--data", rows, "--template", "plain"];
        const loss = (await json("eval", merged, ...measure)).nll;
        const adapted = (await json("eval", model, "--adapter", run, ...measure)).nll;
        assert.ok(Math.abs(loss - adapted) < 1e-4);
        const ask = [
          "--template",
          "plain",
          "--instruction",
          ROWS[0]!.instruction,
          "--max-tokens",
          "5",
        ];
        const { ids, text } = await json("generate", merged, ...ask, "--input", ROWS[0]!.input);
        const same = ["--adapter", run, ...ask, "--input", ROWS[0]!.input];
        assert.deepEqual((await json("generate", model, ...same)).ids, ids);
        assert.ok(!text.includes("colour"), "the prompt is none of the decoder's text");
        const file = ["--prompts", rows, "--template", "plain", "--max-tokens", "5"];
        const { results } = await json("generate", merged, ...file);
        assert.equal(results.length, ROWS.length);
        assert.deepEqual(results[0].ids, ids);
      },
    );
    await t.step("inspect shows the source before the target", async () => {
      const { stdout } = await capture(main, "inspect", "--model", model, ...data, "--rows", "1");
      const [, prompt, learned] = stdout.split("\n").map((line) => line.replaceAll("|", ""));
      assert.match(prompt!, /^ {2}prompt {2}what colour is it\?\\nit is red\.\\n<\/s>/);
      assert.match(learned!, /^ {2}learn {3}red<\/s>$/);
    });
    const alone = /found an encoder beside the decoder \(t5\), wanted a decoder alone/;
    const out = ["--out", at("out")];
    await refused("a chat", alone, "chat", model);
    await refused("samples while it trains", alone, ...train, "--eval.sample_every", "2", ...out);
    await refused("a guard", alone, ...train, "--guard.text", at("keep.txt"), ...out);
    await refused("guard", alone, "guard", run, "--text", at("keep.txt"), ...out);
    const none = ["--adapter", "null"];
    await refused("pretrain", alone, "pretrain", at("run", "config.json"), ...none, ...out);
    const pair = /keep\.txt \(document 1\): found a text, wanted an instruction and its answer/;
    await refused("eval of a text", pair, "eval", model, "--text", at("keep.txt"));
    const gguf = /"model_type" is "t5", wanted one of/;
    await refused("export to gguf", gguf, "export", merged, "--format", "gguf", ...out);
    await refused("export to gguf-lora", gguf, "export", run, "--format", "gguf-lora", ...out);
    const mlx = /module "encoder\.block\.0\.layer\.0\.SelfAttention\.q": mlx-lm finds modules as/;
    await refused("export to mlx", mlx, "export", run, "--format", "mlx", ...out);
  } finally {
    Deno.removeSync(parent, { recursive: true });
  }
});
