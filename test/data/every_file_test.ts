/** Every file of real data beside the checkout is read by something, and gives what it holds. */

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { readJsonObject } from "../../src/io/files.ts";
import { type DataEntry, loadExamples } from "../../src/data/mod.ts";
import { readFlan } from "../../src/rows/prompts/patterns.ts";
import { readPromptSource } from "../../src/rows/prompts/promptsource.ts";
import { toyChatEncoder } from "./toy.ts";

const shared = fileURLToPath(new URL("../../../shared/data/", import.meta.url));
const hasShared = await Deno.stat(shared).then(() => true, () => false);
const INDUCTION = "tasks/instruction_induction/";
const SUPER_NATURAL = "tasks/super_natural_instructions/";

/** How many examples the file of an entry gives; each of them has something to learn. */
async function rows(path: string, entry: Partial<DataEntry> = {}): Promise<number> {
  const source = { path: shared + path, ...entry };
  const { examples, skipped, noted } = await loadExamples(source, toyChatEncoder, {
    maxTokens: 1e6,
  });
  assert.deepEqual([skipped, noted.empty], [0, 0], path);
  return examples.length;
}

/** The first that fits a file's path reads it: to examples, templates, tasks, ... */
const READERS: [pattern: RegExp, read: (path: string) => number | Promise<number>][] = [
  [/^chat\//, (path) => rows(path, { template: "vicuna" })],
  [/\/annotations\//, (path) => {
    const pairs = path.replace("annotations", "raw/execute");
    return rows(pairs, { prompts: { instructions: shared + path } });
  }],
  [/\/promptsource\//, (path) => readPromptSource({ promptsource: shared + path }).length],
  [/flan_templates/, (path) => {
    const flan = shared + path;
    const lists = Object.keys(readJsonObject(flan)).map((task) => readFlan({ flan, task }));
    return lists.flat().length;
  }],
  [/flan_clusters/, (path) => Object.keys(readJsonObject(shared + path)).length],
  [/./, (path) => rows(path)],
];

const COUNTS: Record<string, number> = {
  "instruct/instruction-data.json": 1100,
  "instruct/seed_tasks.jsonl": 175,
  "chat/dummy_conversation.json": 500,
  "eval/gsm8k_train.jsonl": 300,
  "templates/flan_templates.json": 610,
  "templates/flan_clusters.json": 17,
  "templates/promptsource/ag_news.yaml": 7,
  "templates/promptsource/common_gen.yaml": 9,
  "templates/promptsource/glue__sst2.yaml": 5,
  [`${SUPER_NATURAL}task002_quoref_answer_generation/train.json`]: 60,
  [`${SUPER_NATURAL}task002_quoref_answer_generation/test.json`]: 20,
  [`${SUPER_NATURAL}task1290_xsum_summarization/train.json`]: 60,
  [`${SUPER_NATURAL}task1290_xsum_summarization/test.json`]: 20,
  [`${SUPER_NATURAL}task1590_diplomacy_text_generation/train.json`]: 126,
  [`${SUPER_NATURAL}task1590_diplomacy_text_generation/test.json`]: 16,
  [`${SUPER_NATURAL}task1729_personachat_generate_next/train.json`]: 150,
  [`${SUPER_NATURAL}task1729_personachat_generate_next/test.json`]: 50,
  [`${SUPER_NATURAL}task639_multi_woz_user_utterance_generation/train.json`]: 142,
  [`${SUPER_NATURAL}task639_multi_woz_user_utterance_generation/test.json`]: 18,
  ...Object.fromEntries(
    [
      ...["active_to_passive", "antonyms", "first_word_letter", "larger_animal", "letters_list"],
      ...["num_to_verbal", "rhymes", "sentiment", "singular_to_plural", "sum", "taxonomy_animal"],
      "translation_en-fr",
    ].flatMap((task) => [
      [`${INDUCTION}alpaca_train/${task}.jsonl`, 400],
      [`${INDUCTION}alpaca_test/${task}.jsonl`, 100],
      [`${INDUCTION}raw/induce/${task}.json`, 400],
      [`${INDUCTION}raw/execute/${task}.json`, 100],
      [`${INDUCTION}annotations/${task}.json`, 100],
    ]),
  ),
};

function filesUnder(folder: string): string[] {
  return [...Deno.readDirSync(shared + folder)].flatMap(({ name, isDirectory }) =>
    isDirectory ? filesUnder(`${folder}/${name}`) : [`${folder}/${name}`]
  );
}

Deno.test({
  name: "shared: every file of instruct, chat, tasks, templates and eval, with its count",
  ignore: !hasShared,
  fn: async () => {
    const paths = ["instruct", "chat", "tasks", "templates", "eval"].flatMap(filesUnder);
    const found: Record<string, number> = {};
    for (const path of paths) {
      found[path] = await READERS.find(([pattern]) => pattern.test(path))![1](path);
    }
    assert.deepEqual(found, COUNTS);
    const examples = Object.values(found).reduce((sum, count) => sum + count, 0);
    console.log(`${paths.length} files, ${examples} rows, templates and groups`);
  },
});
