/** Keys of a source of rows, which show in what its rows become. */
import type { Keys } from "./keys.ts";

/** A key of an entry, and what it is set to beside the others of it. */
export interface DataCase {
  readonly to: unknown;
  readonly beside?: Keys;
}

const rows = (count: number, row: (i: number) => object) =>
  Array.from({ length: count }, (_, i) => JSON.stringify(row(i))).join("\n");
const promptSource = (name: string, isOwn: boolean, jinja: string) =>
  [
    `  ${name}: !Template`,
    `    answer_choices: null`,
    `    id: ${name}`,
    `    jinja: "${jinja}"`,
    `    metadata: !TemplateMetadata`,
    `      original_task: ${isOwn}`,
    `    name: ${name}`,
    `    reference: ""`,
  ].join("\n");

/** The files that the cases name. */
export const FILES = {
  "ask.jsonl": rows(8, (i) => ({ instruction: `Say ${i}`, input: "to me", output: `It is ${i}` })),
  "other.jsonl": rows(3, (i) => ({ instruction: `Tell ${i}`, output: `No ${i}` })),
  "both.jsonl": rows(2, (i) => ({ instruction: "Ask", output: "Say", text: `Text ${i}` })),
  "text.txt": "A story.",
  "empty.jsonl": rows(3, (i) => ({ instruction: `Say ${i}`, output: i === 1 ? "" : "It is" })),
  "why.jsonl": rows(4, (i) => ({
    ...{ question: `What is ${i}?`, answer: `Since ${i}\n#### ${i}`, way: `I know ${i}` },
  })),
  "pairs.jsonl": rows(
    2,
    (i) => ({ ...{ question: "Q", answer: "A" }, input: "in", output: `${i}` }),
  ),
  "ranked.jsonl": rows(2, (i) => ({ prompt: `Say ${i}`, answers: ["a", "b", "c"] })),
  "typed.jsonl": rows(2, (i) => ({ instruction: "Say </s> now", output: `It is ${i}` })),
  "chat.jsonl": rows(2, (i) => ({
    messages: ["Hi", `Hello ${i}`, "Bye", "Bye you"].map((content, turn) => ({
      role: turn % 2 === 0 ? "user" : "assistant",
      content,
    })),
  })),
  "task.json": JSON.stringify({
    Definition: ["Answer."],
    "Positive Examples": ["a", "b", "c"].map((input) => ({
      input,
      output: input,
      explanation: "",
    })),
    "Negative Examples": [],
    Instances: [{ id: "1", input: "d", output: ["d"] }],
  }),
  "other.jinja": "{% for m in messages %}<{{ m.role }}>{{ m.content }}</s>{% endfor %}",
  "day.jinja": "{{ strftime_now('%d') }}{% for m in messages %}{{ m.content }}</s>{% endfor %}",
  "own.jinja": "{% for m in messages %}[{{ m.role }}]{{ m.content }}</s>{% endfor %}",
  "one.yaml": `dataset: d\ntemplates:\n${promptSource("a", true, "A {{input}} ||| {{output}}")}\n` +
    promptSource("b", false, "B {{input}} ||| {{output}}"),
  "two.yaml": `dataset: d\ntemplates:\n${promptSource("c", true, "C {{input}} ||| {{output}}")}`,
  "flan.json": JSON.stringify({
    one: [["One {instruction}", "{output}"]],
    two: [["Two {instruction}", "{output}"]],
  }),
  "flan2.json": JSON.stringify({ one: [["Another {instruction}", "{output}"]] }),
  "words.json": JSON.stringify({ annotations: ["Do it", "Please do it"] }),
  "words2.json": JSON.stringify({ annotations: ["Just do it"] }),
};

const SOURCE = { prompts: { promptsource: "one.yaml" } };
const FLAN = { prompts: { flan: "flan.json", task: "one" } };
const WRITTEN = {
  template: { prompt: "Q {instruction} A", promptInput: "Q {instruction} {input} A" },
};
const SHOTS = { few_shot: { share: 1, shots: 3 } };
const WAY = { path: "why.jsonl", chain_of_thought: { share: 1 } };
const PATTERN = { input: "Go {question}", target: "{chain_of_thought} so {answer}" };
const BACK = { path: "ask.jsonl", inversion: { share: 1 } };
const BACK_PATTERN = { input: "Ask for {answer}", target: "{question}" };
const SPLIT = { split: { part: "a", shares: { a: 0.5, b: 0.5 }, seed: 0 } };

export const dataKeys: Readonly<Record<string, DataCase>> = {
  path: { to: "other.jsonl" },
  format: { to: "text", beside: { path: "both.jsonl" } },
  prompts: { to: [{ input: "Please {instruction}", target: "{output}" }] },
  "prompts.promptsource": { to: "two.yaml", beside: SOURCE },
  "prompts.names": { to: ["b"], beside: SOURCE },
  "prompts.original_task": { to: true, beside: SOURCE },
  "prompts.flan": { to: "flan2.json", beside: FLAN },
  "prompts.task": { to: "two", beside: FLAN },
  "prompts.instructions": {
    to: "words2.json",
    beside: { prompts: { instructions: "words.json" } },
  },
  template: { to: "plain" },
  "template.prompt": { to: "Ask {instruction}", beside: { ...WRITTEN, path: "other.jsonl" } },
  "template.promptInput": { to: "Ask {instruction} {input}", beside: WRITTEN },
  "template.file": {
    to: "own.jinja",
    beside: { path: "chat.jsonl", template: { file: "other.jinja" } },
  },
  date: {
    to: "2026-02-03",
    beside: { path: "chat.jsonl", template: { file: "day.jinja" }, date: "2026-01-02" },
  },
  few_shot: { to: SHOTS.few_shot },
  "few_shot.share": { to: 0.2, beside: SHOTS },
  "few_shot.shots": { to: 1, beside: SHOTS },
  "few_shot.least": { to: 1, beside: SHOTS },
  chain_of_thought: { to: { share: 1 }, beside: { path: "why.jsonl" } },
  "chain_of_thought.share": { to: 0.3, beside: WAY },
  "chain_of_thought.field": { to: "way", beside: WAY },
  "chain_of_thought.patterns": { to: [PATTERN], beside: WAY },
  "chain_of_thought.patterns.input": {
    to: "Now {question}",
    beside: { path: "why.jsonl", chain_of_thought: { share: 1, patterns: [PATTERN] } },
  },
  "chain_of_thought.patterns.target": {
    to: "{answer} as {chain_of_thought}",
    beside: { path: "why.jsonl", chain_of_thought: { share: 1, patterns: [PATTERN] } },
  },
  inversion: { to: { share: 1 } },
  "inversion.share": { to: 0.3, beside: BACK },
  "inversion.patterns": { to: [BACK_PATTERN], beside: BACK },
  "inversion.patterns.input": {
    to: "What gives {answer}",
    beside: { inversion: { share: 1, patterns: [BACK_PATTERN] } },
  },
  "inversion.patterns.target": {
    to: "It was {question}",
    beside: { inversion: { share: 1, patterns: [BACK_PATTERN] } },
  },
  columns: { to: { instruction: "output", output: "instruction" } },
  seed: { to: 3, beside: { few_shot: { share: 0.5, shots: 2 } } },
  train_on: { to: "last", beside: { path: "chat.jsonl", template: "vicuna" } },
  on_empty: { to: "drop", beside: { path: "empty.jsonl" } },
  pairs: { to: "best-worst", beside: { path: "ranked.jsonl" } },
  positive_examples: { to: 1, beside: { path: "task.json" } },
  eos: { to: true, beside: { path: "text.txt" } },
  max_row_mib: { to: 1, beside: { max_row_mib: 0.00001 } }, // which refuses rows of 11 bytes
  special_tokens: { to: true, beside: { path: "typed.jsonl" } },
  split: { to: SPLIT.split },
  "split.part": { to: "b", beside: SPLIT },
  "split.shares": { to: { a: 0.2, b: 0.8 }, beside: SPLIT },
  "split.seed": { to: 3, beside: SPLIT },
};

const LM_EVAL = {
  "lm.yaml": [
    "task: lm",
    "dataset_path: json",
    "output_type: generate_until",
    'doc_to_text: "{{instruction}}"',
    'doc_to_target: "{{output}}"',
  ].join("\n"),
};
Object.assign(FILES, LM_EVAL);

/** Keys of a task that is answered, which show in its questions. */
export const taskKeys: Readonly<Record<string, DataCase>> = {
  path: { to: "other.jsonl" },
  name: { to: "mine" },
  format: { to: "input-output", beside: { path: "pairs.jsonl" } },
  columns: { to: { instruction: "output", output: "instruction" } },
  rows: { to: "other.jsonl", beside: { path: "lm.yaml", rows: "ask.jsonl" } },
  ...Object.fromEntries(
    Object.entries(dataKeys).filter(([key]) => /^(prompts|template)/.test(key)),
  ),
  "template.file": { to: "own.jinja", beside: { template: { file: "other.jinja" } } },
  metrics: { to: ["contains"] },
  choices: { to: [...Array(8).keys()].map((i) => `It is ${i}`) },
  shots: { to: 1 },
  max_rows: { to: 2 },
  max_tokens: { to: 5 },
  stop: { to: ["."] },
  seed: { to: 3, beside: { max_rows: 3 } },
};
