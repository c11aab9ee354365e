import assert from "node:assert/strict";
import { join } from "node:path";
import type { RowTokenizer } from "../../../src/data/mod.ts";
import { encodeTask } from "../../../src/eval/tasks/encode.ts";
import type { TaskEntry } from "../../../src/eval/tasks/entry.ts";
import { readTasks } from "../../../src/eval/tasks/read.ts";
import { decode, decodeSupervised, toyChatEncoder, toyEncoder, withFiles } from "../../data/toy.ts";

const ROW = { instruction: "say", input: "it", output: "yes", choices: ["yes", "no"] };

/** The questions of the first prompt of a file with these rows. */
async function questionsOf(
  rows: readonly object[],
  entry: Partial<TaskEntry>,
  { tokenizer = toyEncoder, context = 200 }: { tokenizer?: RowTokenizer; context?: number } = {},
) {
  const found: ReturnType<typeof encodeTask>[] = [];
  await withFiles(
    { "rows.jsonl": rows.map((row) => JSON.stringify(row)).join("\n") },
    async (folder) => {
      const [task] = await readTasks([{ path: join(folder, "rows.jsonl"), ...entry }]);
      found.push(encodeTask(task!, tokenizer, { context }));
    },
  );
  return found[0]!.phrasings[0]!.questions;
}

Deno.test("a prompt is what stands before the answer in training, whatever the answer", async () => {
  const [first] = await questionsOf([ROW], { template: "plain", metrics: ["exact_match"] });
  assert.equal(decode(first!.prompt), "<s>say\nit\n");
  assert.deepEqual(first!.ends, [toyEncoder.eos]);
  assert.equal(first!.encoded, null);
});

Deno.test("choices stand behind the prompt, and alone behind BOS, without an end", async () => {
  const [first] = await questionsOf([ROW], {
    template: "plain",
    metrics: ["accuracy_unconditional"],
  });
  const [, second] = first!.encoded!;
  assert.equal(second!.text, "no");
  assert.equal(decode(second!.example.ids), "<s>say\nit\nno");
  assert.equal(decodeSupervised(second!.example), "no");
  assert.equal(decode(second!.alone!.ids), "<s>no");
  assert.equal(decodeSupervised(second!.alone!), "no");
});

Deno.test("under a chat template the answer ends with its end token", async () => {
  await withFiles({
    "turns.jinja": "{% for m in messages %}{{ m.role[0] }}: {{ m.content }}</s>{% endfor %}" +
      "{% if add_generation_prompt %}a: {% endif %}",
  }, async (folder) => {
    const [first] = await questionsOf(
      [ROW],
      { template: { file: join(folder, "turns.jinja") }, metrics: ["accuracy"] },
      { tokenizer: toyChatEncoder },
    );
    // A model answers " no" to "a:", as it learns to.
    assert.equal(decode(first!.prompt), "<s>u: say\n\nit</s>a:");
    assert.equal(decode(first!.encoded![1]!.example.ids), "<s>u: say\n\nit</s>a: no");
  });
});

Deno.test("exemplars are left out where the context ends; a longer row is refused", async () => {
  const rows = [1, 2, 3].map((i) => ({ ...ROW, instruction: `say ${i}` }));
  const entry = { template: "plain", shots: 2, metrics: ["exact_match"] };
  const lengths = async (context: number) =>
    (await questionsOf(rows, entry, { context })).map(({ prompt }) => prompt.length);
  assert.deepEqual(await lengths(200), [40, 40, 40]);
  assert.deepEqual(await lengths(41), [40, 40, 40]);
  assert.deepEqual(await lengths(40), [25, 25, 25]);
  await assert.rejects(lengths(10), {
    name: "FileError",
    message: /rows\.jsonl:1: found a prompt of 10 tokens, which with an answer needs 11, wanted at/,
  });
  const ranked = questionsOf([ROW], { template: "plain", metrics: ["accuracy"] }, { context: 9 });
  await assert.rejects(ranked, /found a prompt of 8 tokens, which with an answer needs 11/);
});
