/** The real files of instruction data, chats, tasks and questions; skipped where they are absent. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import {
  countSupervised,
  type DataEntry,
  encode,
  loadExamples,
  readDocuments,
} from "../../src/data/mod.ts";
import { chatEncoder, sentencePieceTokenizer } from "./tokenize/tokenizers.ts";

const shared = new URL("../../../shared/data/", import.meta.url);
const hasShared = await Deno.stat(shared).then(() => true, () => false);
const tokenizer = chatEncoder(sentencePieceTokenizer(), "<s>", "</s>");
const SUPER_NATURAL = "tasks/super_natural_instructions/";

/** What is loaded, how many documents that gives, and the fields around it. */
const SOURCES: [path: string, documents: number, entry?: Partial<DataEntry>][] = [
  ["instruct/instruction-data.json", 1100],
  ["instruct/seed_tasks.jsonl", 175],
  ["chat/dummy_conversation.json", 500, { template: "vicuna" }],
  ["chat/dummy_conversation.json", 500, { template: "llama-2" }],
  ["eval/gsm8k_train.jsonl", 300],
  [`${SUPER_NATURAL}task002_quoref_answer_generation`, 80],
  [`${SUPER_NATURAL}task639_multi_woz_user_utterance_generation`, 160],
  [`${SUPER_NATURAL}task1290_xsum_summarization`, 80],
  [`${SUPER_NATURAL}task1590_diplomacy_text_generation`, 142],
  [`${SUPER_NATURAL}task1729_personachat_generate_next`, 200],
  ["tasks/instruction_induction/alpaca_train", 4800],
  ["tasks/instruction_induction/alpaca_test", 1200],
];

for (const [path, documents, entry = {}] of SOURCES) {
  Deno.test({
    name: `shared: ${path}${entry.template ? ` as ${entry.template}` : ""}`,
    ignore: !hasShared,
    fn: async () => {
      const source = { path: fileURLToPath(new URL(path, shared)), ...entry };
      const { examples, noted } = await loadExamples(source, tokenizer, { maxTokens: 1e6 });
      const tokens = examples.reduce((sum, { ids }) => sum + ids.length, 0);
      const learnt = examples.reduce((sum, example) => sum + countSupervised(example), 0);
      console.log(`${examples.length} documents, ${tokens} tokens, ${learnt} of them learnt`);
      assert.deepEqual([examples.length, noted.empty], [documents, 0]);
    },
  });
}

Deno.test({
  name: "shared: of Vicuna's chats, exactly the answers and their ends are learnt",
  ignore: !hasShared,
  fn: async () => {
    const path = fileURLToPath(new URL("chat/dummy_conversation.json", shared));
    const rows = JSON.parse(await Deno.readTextFile(path)) as {
      conversations: { from: string; value: string }[];
    }[];
    const chats = await Array.fromAsync(readDocuments({ path, template: "vicuna" }));
    chats.forEach((chat, i) => {
      const { labels } = encode(chat, tokenizer);
      const answers = rows[i]!.conversations.filter(({ from }) => from === "gpt");
      const wanted = answers.map(({ value }) => ` ${value}</s>`).join("");
      assert.equal(tokenizer.decode(labels.filter((label) => label >= 0)), wanted);
    });
  },
});

Deno.test({
  name: "shared: tasks keep their first output, and their prompts their two examples",
  ignore: !hasShared,
  fn: async () => {
    const folder = fileURLToPath(
      new URL(`${SUPER_NATURAL}task002_quoref_answer_generation`, shared),
    );
    const task = JSON.parse(await Deno.readTextFile(`${folder}/test.json`)) as {
      Instances: { output: string[] }[];
    };
    const documents = await Array.fromAsync(readDocuments({ path: `${folder}/test.json` }));
    documents.forEach((document, i) => {
      assert.ok(document.kind === "spans");
      const [prompt, answer] = document.spans;
      assert.equal(answer!.text, task.Instances[i]!.output[0]);
      assert.equal(prompt!.text.match(/ Positive Example \d -\nInput: /g)!.length, 2);
      assert.match(prompt!.text, /^Definition: .*\nNow complete the following.*\nOutput: $/s);
    });
  },
});
