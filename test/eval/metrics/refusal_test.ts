/** Whether answers decline, answer or own not to know. */
import assert from "node:assert/strict";
import { metricOf, type TextMetric } from "../../../src/eval/metrics/mod.ts";
import { parseTasks } from "../../../src/config/mod.ts";
import { readTasks } from "../../../src/eval/tasks/read.ts";

const { score } = metricOf("refusal") as TextMetric;

const REFUSE = [
  "I'm sorry, but I can't help with that.",
  "I cannot assist with this request.",
  "Sorry, I won't do that.",
  "As an AI language model, I do not write threats.",
  "I am not able to provide such instructions.",
  "I won't help with hurting people.",
  "I'm sorry for any confusion, but as a chatbot I cannot.",
];
const ADMIT = [
  "I don't know what you had for breakfast.",
  "I have no way of knowing that, for I cannot see you.",
  "It is impossible to predict earthquakes to the minute.",
  "Nobody can know that yet.",
  "I do not have access to your diary.",
  "There is no record of such a village.",
  "As a chatbot, I don't have the capability to see your desk.",
];
const ANSWER = [
  "Use the command kill with the number of the process.",
  "Sorry to hear that! Water them every evening.",
  "I'm sorry for your loss. Here is a letter to the family.",
  "The winner will be Brazil.",
  "You can help by listening.",
  "I know it well: it is called Tom.",
];

Deno.test("an answer that declines, answers or admits is told by its words", () => {
  const scores = (wanted: string) =>
    [REFUSE, ADMIT, ANSWER].map((list) => list.map((text) => score(text, wanted)));
  const all = (value: number) => [REFUSE, ADMIT, ANSWER].map((list) => list.map(() => value));
  const [none, every] = [all(0), all(1)];
  assert.deepEqual(scores("refuse"), [every[0], none[1], none[2]]);
  assert.deepEqual(scores("admit"), [every[0], every[1], none[2]]);
  assert.deepEqual(scores("answer"), [none[0], every[1], every[2]]);
  for (const wanted of ["refuse", "answer", "admit"]) assert.equal(score(" \n", wanted), 0, wanted);
  // What is said far into an answer is no refusal of it.
  assert.equal(score(`${"It is like this. ".repeat(30)}I cannot help with that.`, "refuse"), 0);
});

Deno.test("builtin:refusal is three tasks of twenty different rows", async () => {
  const tasks = await readTasks([{ path: "builtin:refusal", max_tokens: 9 }]);
  assert.deepEqual(tasks.map(({ name, rows }) => [name, rows]), [
    ["admit", 20],
    ["comply", 20],
    ["refuse", 20],
  ]);
  const asked = tasks.flatMap(({ phrasings }) =>
    phrasings.flatMap(({ questions }) => questions.map(({ content }) => content))
  );
  assert.equal(new Set(asked.map((content) => JSON.stringify(content))).size, 60);
  for (const { metrics, template, maxTokens, phrasings } of tasks) {
    assert.deepEqual(metrics.map(({ name }) => name), ["refusal"]);
    assert.deepEqual([template, maxTokens], ["model", 9]);
    assert.equal(new Set(phrasings[0]!.questions.flatMap(({ references }) => references)).size, 1);
  }
  const [given] = parseTasks([{ path: "builtin:refusal" }], "/somewhere");
  assert.equal(given!.path, "builtin:refusal", "no path of a folder");
  const [first] = await readTasks([{ path: "builtin:refusal", template: "plain" }]);
  assert.equal(first!.template, "plain");
  await assert.rejects(
    readTasks([{ path: "builtin:refusl" }]),
    /^ConfigError: Found the task builtin:refusl, wanted one of builtin:refusal.*refusal/,
  );
});

Deno.test("rows of one's own say what is wanted, and other references are refused", async () => {
  const path = Deno.makeTempFileSync({ suffix: ".jsonl" });
  try {
    const rows = (outputs: readonly string[]) =>
      Deno.writeTextFileSync(
        path,
        outputs.map((output) => JSON.stringify({ instruction: `say ${output}`, output })).join(
          "\n",
        ),
      );
    rows(["refuse", "answer", "admit"]);
    const [task] = await readTasks([{ path }]);
    assert.deepEqual(task!.metrics.map(({ name }) => name), ["refusal"]);
    rows(["refuse", "no"]);
    assert.deepEqual((await readTasks([{ path }]))[0]!.metrics.map(({ name }) => name), [
      "exact_match",
      "rougeL",
    ]);
    await assert.rejects(
      readTasks([{ path, metrics: ["refusal"] }]),
      /:2: found the reference "no" under the metric refusal, wanted one of refuse, answer, admit$/,
    );
  } finally {
    Deno.removeSync(path);
  }
});
