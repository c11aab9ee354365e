import assert from "node:assert/strict";
import { join } from "node:path";
import { entryOf, readTasks } from "../../../src/eval/tasks/read.ts";
import type { TextMetric } from "../../../src/eval/metrics/mod.ts";
import { withFiles } from "../../data/toy.ts";

const ROWS = [
  { question: "2+2?", options: ["3", "4"], label: 1, note: "it's" },
  { question: "1+1?", options: ["2", "5"], label: 0, note: "x" },
].map((row) => JSON.stringify(row)).join("\n");

const CHOICE = `
task: sums
dataset_path: json
dataset_kwargs:
  data_files:
    test: rows.jsonl
test_split: test
output_type: multiple_choice
description: "Sums.\\n\\n"
doc_to_text: "Q: {{question}}\\nA:"
doc_to_target: label
doc_to_choice: "{{options}}"
metric_list:
  - metric: acc
  - metric: acc_norm
`;
const WRITTEN = `
include: base.yaml
output_type: generate_until
doc_to_text: question
doc_to_target: "{{options[label]}}"
generation_kwargs:
  until: ["Q:", "</s>"]
  max_gen_toks: 9
metric_list:
  - metric: exact_match
    ignore_case: true
    regexes_to_ignore: [","]
filter_list:
  - name: strict
    filter:
      - function: regex
        regex_pattern: "#### (\\\\-?[0-9\\\\.\\\\,]+)"
      - function: take_first
  - name: flexible
    filter:
      - function: regex
        group_select: -1
        regex_pattern: "(-?[$0-9.,]{2,})|(-?[0-9]+)"
`;
const BASE = "dataset_path: json\ndataset_kwargs: { data_files: rows.jsonl }\n";

const withTask = (
  yaml: string,
  use: (path: string) => Promise<void>,
  files: Record<string, string> = {},
) =>
  withFiles(
    { "t.yaml": yaml, "rows.jsonl": ROWS, "base.yaml": BASE, ...files },
    (folder) => use(join(folder, "t.yaml")),
  );

Deno.test("multiple_choice: prompts, choices and metrics of the harness", () =>
  withTask(CHOICE, async (path) => {
    const [task] = await readTasks([entryOf(path)]);
    assert.equal(task!.name, "t");
    assert.deepEqual(task!.metrics.map(({ name }) => name), ["accuracy", "accuracy_per_byte"]);
    const [first] = task!.phrasings[0]!.questions;
    assert.deepEqual(first!.choices, { texts: ["3", "4"], right: [1] });
    assert.equal(first!.lead, " ");
    assert.equal(first!.template, "verbatim");
    assert.ok(first!.content.kind === "instruction");
    assert.equal(first!.content.instruction, "Sums.\n\nQ: 2+2?\nA:");
    const [shot] = await readTasks([{ ...entryOf(path), shots: 1 }]);
    const { content } = shot!.phrasings[0]!.questions[0]!;
    assert.ok(content.kind === "instruction");
    assert.equal(content.instruction, "Sums.\n\nQ: 1+1?\nA: 2\n\nQ: 2+2?\nA:");
  }));

Deno.test("generate_until: what ends it, its metrics behind filters, and files it includes", () =>
  withTask(WRITTEN, async (path) => {
    const [task] = await readTasks([entryOf(path)]);
    assert.deepEqual([task!.stop, task!.maxTokens], [["Q:", "</s>"], 9]);
    assert.deepEqual(task!.phrasings[0]!.questions.map(({ references }) => references[0]), [
      "4",
      "2",
    ]);
    const score = (filter: string, output: string) =>
      (task!.metrics.find(({ name }) => name === `exact_match_${filter}`) as TextMetric)
        .score(output, "1000");
    assert.equal(score("strict", "so\n#### 1,000"), 1);
    assert.equal(score("strict", "1000"), 0);
    assert.equal(score("flexible", "5 and then 1,000"), 1);
    assert.equal(score("flexible", "1000 and then 5"), 0);
  }));

Deno.test("rows can be named beside the YAML, and lists be written as Python writes them", () =>
  withTask(
    CHOICE.replace('"{{options}}"', `"{{[note, 'no\\\\'']}}"`).replace("rows.jsonl", "gone.jsonl"),
    async (path) => {
      const rows = join(path, "../other.jsonl");
      const [task] = await readTasks([entryOf(`${path}@${rows}`)]);
      const { choices } = task!.phrasings[0]!.questions[0]!;
      assert.deepEqual(choices, { texts: ["it's", "no'"], right: [0] });
    },
    { "other.jsonl": JSON.stringify({ question: "q", note: "it's", label: 0 }) },
  ));

Deno.test("what is no data alone, or not known, is refused by name", async () => {
  const table: [yaml: string, message: string][] = [
    [`${CHOICE}process_docs: !function utils.process\n`, "process_docs: !function utils.process"],
    [CHOICE.replace("{{options}}", "{{options"), "found doc_to_choice that cannot be read"],
    [CHOICE.replace("multiple_choice", "loglikelihood"), 'found output_type "loglikelihood"'],
    [CHOICE.replace("metric: acc\n", "metric: bleu\n"), 'found the metric "bleu" in metric_list'],
    [
      `${CHOICE}doc_to_tex: x\n`,
      'found the field doc_to_tex, wanted one of .*did you mean "doc_to_',
    ],
    [CHOICE.replace("    test: rows.jsonl", "    train: rows.jsonl"), 'found dataset_path "json"'],
    [WRITTEN.replace("take_first", "majority_vote"), 'found the filter "majority_vote"'],
    [
      `${WRITTEN}repeats: 1\n`.replace("until:", "do_sample: true\n  until:"),
      "wanted greedy answers",
    ],
    [CHOICE.replace("doc_to_target: label", "doc_to_target: '{{7}}'"), 'found the answer "7"'],
    ["task: [x", "found malformed YAML"],
  ];
  for (const [yaml, message] of table) {
    await withTask(yaml, async (path) => {
      await assert.rejects(async () => await readTasks([entryOf(path)]), (error: Error) => {
        assert.match(error.message, new RegExp(message.replace(/[{}()]/g, "\\$&")));
        return error.name === "ConfigError" || error.name === "FileError";
      });
    });
  }
});
