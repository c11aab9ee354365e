import assert from "node:assert/strict";
import { join } from "node:path";
import { entryOf, readTasks } from "../../../src/eval/tasks/read.ts";
import type { TaskEntry } from "../../../src/eval/tasks/entry.ts";
import { withFiles } from "../../data/toy.ts";
import { noSharedData, sharedData } from "../../io/helpers.ts";

const lines = (...rows: object[]) => rows.map((row) => JSON.stringify(row)).join("\n");

/** The task that a file with these contents is. */
async function taskOf(content: string, entry: Partial<TaskEntry> = {}, name = "rows.jsonl") {
  let found: Awaited<ReturnType<typeof readTasks>>[number] | undefined;
  await withFiles({ [name]: content }, async (folder) => {
    [found] = await readTasks([{ path: join(folder, name), ...entry }]);
  });
  const { name: title, phrasings, metrics, ...others } = found!;
  return {
    ...others,
    title,
    phrasings,
    metrics: metrics.map(({ name }) => name),
    questions: phrasings[0]!.questions,
  };
}

const refusal = async (content: string, entry: Partial<TaskEntry> = {}) => {
  let message = "";
  await assert.rejects(taskOf(content, entry), (error: Error) => {
    message = error.message.replace(/^.*\/(?=rows\.jsonl)/, "");
    return error.name === "FileError" || error.name === "ConfigError";
  });
  return message;
};

Deno.test("references are those that rows list, or their one answer", async () => {
  const row = { instruction: "q", input: "", output: "a" };
  const { questions, metrics, title } = await taskOf(lines(
    row,
    { ...row, references: ["b", "c"] },
    { ...row, other_rhymes: ["d"] },
    { ...row, answers: { text: ["e", "f"] } },
  ));
  assert.deepEqual(questions.map(({ references }) => references.join(" ")), [
    "a",
    "b c",
    "d",
    "e f",
  ]);
  assert.deepEqual(metrics, ["exact_match", "rougeL"]);
  assert.equal(title, "rows");
});

Deno.test("metrics follow from what rows are", async () => {
  const gsm = lines({ question: "1+1?", answer: "It is\n#### 2" });
  assert.deepEqual((await taskOf(gsm)).metrics, ["number"]);
  const choices = { instruction: "q", input: "", output: "no", options: ["yes", "no"] };
  const chosen = await taskOf(lines(choices));
  assert.deepEqual(chosen.metrics, ["accuracy"]);
  assert.deepEqual(chosen.questions[0]!.choices, { texts: ["yes", "no"], right: [1] });
  const bbh = JSON.stringify({ canary: "BIG-BENCH", examples: [{ input: "q", target: "(A)" }] });
  assert.deepEqual((await taskOf(bbh, {}, "x.json")).metrics, ["exact_match_bbh"]);
  const given = await taskOf(gsm, { metrics: ["contains"] });
  assert.deepEqual(given.metrics, ["contains"]);
});

Deno.test("a task of Super-NaturalInstructions has all outputs, and shots are its examples", async () => {
  const task = JSON.stringify({
    Definition: ["Do it."],
    "Positive Examples": [{ input: "p", output: "P" }, { input: "r", output: "R" }],
    Instances: [{ input: "i", output: ["I", "J"] }],
  });
  for (const [shots, shown] of [[0, 0], [1, 1], [undefined, 2]] as const) {
    const { questions: [first], metrics } = await taskOf(
      task,
      shots === undefined ? {} : { shots },
      "t.json",
    );
    assert.deepEqual(first!.references, ["I", "J"]);
    assert.deepEqual(metrics, ["exact_match", "rougeL_stem"]);
    const { content } = first!;
    assert.ok(content.kind === "instruction");
    assert.equal(content.instruction.split("Positive Example").length - 1, shown);
  }
});

Deno.test("every row is asked in the words of every prompt", async () => {
  const rows = lines({ text: "t1", label: 0 }, { text: "t2", label: 1 });
  const { phrasings } = await taskOf(rows, {
    prompts: [
      { jinja: "Is {{text}} so? ||| {{ ['no', 'yes'][label] }}" },
      { jinja: "{% if label %}{{text}}! ||| yes{% endif %}" },
    ],
  });
  const asked = phrasings.map(({ questions }) =>
    questions.map(({ row, content, references }) => {
      assert.ok(content.kind === "instruction");
      return `${row} ${content.instruction} ${references}`;
    })
  );
  assert.deepEqual(asked, [["0 Is t1 so? no", "1 Is t2 so? yes"], ["1 t2! yes"]]);
});

Deno.test("a sample is seeded and keeps its order; exemplars are never the question", async () => {
  const rows = lines(
    ...Array.from({ length: 20 }, (_, i) => ({ instruction: `q${i}`, input: "", output: `a${i}` })),
  );
  const asked = async (entry: Partial<TaskEntry>) =>
    (await taskOf(rows, entry)).questions.map(({ content }) => {
      assert.ok(content.kind === "instruction");
      return [content.instruction, ...content.exemplars?.map((e) => e.instruction) ?? []];
    });
  const some = await asked({ max_rows: 6, seed: 3 });
  assert.equal(some.length, 6);
  const numbers = some.map(([name]) => Number(name!.slice(1)));
  assert.deepEqual(numbers, numbers.toSorted((a, b) => a - b));
  assert.deepEqual(await asked({ max_rows: 6, seed: 3 }), some);
  assert.notDeepEqual(await asked({ max_rows: 6, seed: 4 }), some);
  const shot = await asked({ max_rows: 6, seed: 3, shots: 3 });
  assert.deepEqual(shot.map(([name]) => name), some.map(([name]) => name));
  for (const names of shot) assert.equal(new Set(names).size, 4);
});

Deno.test("rows without references, and choices that are none, are refused in a sentence", async () => {
  const row = { instruction: "q", input: "", output: "yes" };
  const table: [rows: string, entry: Partial<TaskEntry>, message: string][] = [
    [lines({ text: "a story" }), {}, "rows.jsonl:1: found a row of text, wanted a question"],
    [lines({ ...row, output: " " }), {}, "rows.jsonl:1: found an empty output, wanted a reference"],
    [lines(row, { ...row, references: [] }), {}, "rows.jsonl:2: found no reference"],
    [lines({ ...row, choices: ["yes", " "] }), {}, "rows.jsonl:1: found an empty choice"],
    [lines({ ...row, choices: ["yes", "no", "yes "] }), {}, 'found the choice "yes" twice'],
    [lines({ ...row, choices: ["yes"] }), {}, "found 1 choices, wanted two at least"],
    [lines(row), { choices: ["no", "never"] }, 'found the answer "yes", wanted one of the choices'],
    [lines(row), { metrics: ["accuracy"] }, "rows: found the metric accuracy and rows without"],
    [lines(row), { metrics: ["exact_mach"] }, 'Found the metric "exact_mach", wanted one of'],
  ];
  for (const [rows, entry, message] of table) {
    const found = await refusal(rows, entry);
    assert.ok(found.includes(message), `${found}\n${message}`);
    assert.doesNotMatch(found, /\n|\.$/);
  }
});

Deno.test("files of a folder are tasks, of which two may not have one name", () =>
  withFiles({
    "b.jsonl": lines({ instruction: "q", input: "", output: "a" }),
    "a.jsonl": lines({ instruction: "q", input: "", output: "a" }),
  }, async (folder) => {
    const tasks = await readTasks([entryOf(folder)]);
    assert.deepEqual(tasks.map(({ name }) => name), ["a", "b"]);
    const path = join(folder, "a.jsonl");
    await assert.rejects(
      readTasks([{ path }, { path }]),
      /two tasks of the name .*, wanted a name/,
    );
  }));

Deno.test({
  name: "real files of instruction-induction, Super-NaturalInstructions and PromptSource are read",
  ignore: noSharedData,
  fn: async () => {
    const induction = join(sharedData, "tasks/instruction_induction/raw/execute/rhymes.json");
    const [rhymes] = await readTasks([{ ...entryOf(induction), max_rows: 2 }]);
    assert.equal(rhymes!.phrasings.length, 8);
    assert.ok(rhymes!.phrasings[0]!.questions[0]!.references.length > 1);
    const folder = join(sharedData, "tasks/super_natural_instructions");
    const quoref = join(folder, "task002_quoref_answer_generation/test.json");
    const [task] = await readTasks([entryOf(quoref)]);
    assert.equal(task!.name, "task002_quoref_answer_generation");
    await withFiles({
      "sst.jsonl": lines({ sentence: "fine", label: 1, idx: 0 }),
    }, async (rows) => {
      const yaml = join(sharedData, "templates/promptsource/glue__sst2.yaml");
      const [sst] = await readTasks([entryOf(`${yaml}@${join(rows, "sst.jsonl")}`)]);
      assert.equal(sst!.phrasings.length, 5);
      for (const { questions: [first] } of sst!.phrasings) {
        assert.equal(first!.choices!.texts[first!.choices!.right[0]!], first!.references[0]);
      }
      assert.throws(() => entryOf(yaml), /found prompts without rows, wanted glue__sst2.yaml@ROWS/);
    });
  },
});
