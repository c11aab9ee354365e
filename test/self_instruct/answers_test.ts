/** A model answers what is there, in its own words. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { run } from "../../src/cli/self-instruct.ts";
import { readRowTexts } from "../../src/curate/mod.ts";
import { BatchGenerator } from "../../src/inference/batch.ts";
import { openModel } from "../../src/inference/open.ts";
import { capture } from "../cli/capture.ts";
import { engine } from "../harness.ts";
import { withTiny } from "../models/tiny.ts";
import { promptOf, withEndpoint } from "./endpoint.ts";

const write = (path: string, rows: readonly object[]) =>
  Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));

const rowsIn = (path: string) =>
  Deno.readTextFileSync(path).split("\n").slice(0, -1).map((line) => JSON.parse(line));

const QUESTIONS = [
  { instruction: "say a", input: "", output: "not read" },
  { instruction: "say b", input: "of this" },
  { instruction: "say nothing", input: "" },
  { instruction: "say it long", input: "" },
  { instruction: "echo", input: "" },
];

Deno.test("--answer-only keeps a model's answers as rows, and others with their reason", () =>
  withTiny({}, (folder) =>
    withEndpoint(async (url, asked) => {
      const [file, out] = [join(folder, "rows.jsonl"), join(folder, "out")];
      write(file, QUESTIONS);
      const args = ["tiny", "--endpoint", url, "--answer-only", file, "--out", out];
      const { stdout } = await capture(run, ...args, "--system", "be kind", "--temperature", "0.5");
      assert.equal(stdout, `2 rows kept, 3 rejected, in ${out}\n`);
      const { path, body } = asked.find((one) => promptOf(one).includes("say b"))!;
      assert.equal(path, "/v1/chat/completions");
      assert.deepEqual(body["messages"], [
        { role: "system", content: "be kind" },
        { role: "user", content: "say b\n\nof this" },
      ]);
      assert.equal(body["temperature"], 0.5);
      const provenance = (line: number) => ({
        provenance: { by: "answer-only", model: "tiny", of: `${file}:${line}` },
      });
      assert.deepEqual(rowsIn(join(out, "rows.jsonl")), [
        { instruction: "say a", input: "", output: "be kind / say a", ...provenance(1) },
        {
          ...{ instruction: "say b", input: "of this", output: "be kind / say b / of this" },
          ...provenance(2),
        },
      ]);
      const reasons = rowsIn(join(out, "rejected.jsonl")).map(({ of, reason }) => [of, reason]);
      assert.deepEqual(reasons, [
        [`${file}:3`, "an empty answer"],
        [`${file}:4`, "cut off: its tokens ran out"],
        [`${file}:5`, "the answer repeats the instruction"],
      ]);
      // They are rows to train on.
      const texts = await Array.fromAsync(readRowTexts({ path: join(out, "rows.jsonl") }));
      assert.deepEqual(texts.map(({ format, answer }) => [format, answer]), [
        ["alpaca", "be kind / say a"],
        ["alpaca", "be kind / say b / of this"],
      ]);
    }, (_, asked) => {
      const text = promptOf(asked).split(/\n+/).join(" / ");
      const said = text.includes("nothing") ? " " : text.includes("echo") ? "echo" : text;
      const finish_reason = text.includes("long") ? "length" : "stop";
      return Response.json({ choices: [{ message: { content: said }, finish_reason }] });
    })));

Deno.test("--answer-only lets a model at hand answer many chats beside each other", () =>
  withTiny({}, async (model) => {
    const [file, out] = [join(model, "chats.jsonl"), join(model, "out")];
    const chats = Array.from({ length: 3 }, (_, i) => ({
      messages: [{ role: "user", content: `say ${i}` }, { role: "assistant", content: "no" }],
    }));
    write(file, chats);
    const template = join(model, "chat.jinja");
    Deno.writeTextFileSync(template, "{% for m in messages %}{{ m.content }}\n{% endfor %}");
    const args = [model, "--answer-only", file, "--template", template, "--max-tokens", "4"];
    await capture(run, ...args, "--out", out, "--stop", "zzz", "--context", "64");
    const kept = rowsIn(join(out, "rows.jsonl"));
    const rejected = rowsIn(join(out, "rejected.jsonl"));
    assert.equal(kept.length + rejected.length, 3);
    for (const { messages } of kept) {
      assert.deepEqual(messages[0], { role: "user", content: messages[0].content });
      assert.equal(messages.length, 2);
    }
    assert.ok(rejected.every(({ reason, text }) => /cut off/.test(reason) && text !== ""));
    write(file, [...chats, { instruction: "say it" }]);
    await assert.rejects(
      capture(run, ...args, "--out", join(model, "mixed")),
      /chats\.jsonl:4: found an instruction behind a chat, wanted rows of one kind/,
    );
  }));

Deno.test("a presence penalty keeps a model from tokens that its answer has", () =>
  withTiny({}, async (folder) => {
    const { device } = await engine();
    using open = openModel(device, folder);
    using batch = await BatchGenerator.open(open.engine, open.model, { context: 64, slots: 2 });
    const prompts = [[1, 5, 6], [1, 9, 8, 7]];
    const how = { maxTokens: 24, stop: [] };
    const plain = await batch.generate(prompts, how);
    assert.ok(plain.some(({ ids }) => new Set(ids).size < ids.length));
    const varied = await batch.generate(prompts, { ...how, presencePenalty: 1e4 });
    for (const { ids } of varied) assert.equal(new Set(ids).size, 24);
    assert.deepEqual(await batch.generate(prompts, { ...how, presencePenalty: 0 }), plain);
  }));
