import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rowTokenizer } from "../../src/data/mod.ts";
import { encodeTask } from "../../src/eval/tasks/encode.ts";
import type { TaskEntry } from "../../src/eval/tasks/entry.ts";
import { readTasks } from "../../src/eval/tasks/read.ts";
import { answerTask, isMangled } from "../../src/inference/tasks/answer.ts";
import { openRanking } from "../../src/inference/tasks/rank.ts";
import { openWriting, writingSizes } from "../../src/inference/tasks/write.ts";
import { Model } from "../../src/models/model.ts";
import { freshEngine, withTiny } from "../models/tiny.ts";
import { followed } from "../../src/progress.ts";

const BASE = fileURLToPath(new URL("../../configs/quickstart/base/", import.meta.url));

const ROWS = Array.from({ length: 5 }, (_, i) => ({
  instruction: "say it again please".slice(i),
  input: "",
  output: "ab",
  choices: ["ab", "c"],
}));

async function taskOf(
  model: Model,
  folder: string,
  entry: Partial<TaskEntry>,
  rows: object[] = ROWS,
) {
  const path = join(folder, "rows.jsonl");
  Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
  const [task] = await readTasks([{ path, template: "plain", max_tokens: 9, ...entry }]);
  return encodeTask(task!, rowTokenizer(model), { context: model.config.context });
}

Deno.test("answers beside each other are those of each row alone, and stop where a text is", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const engine = await freshEngine();
    const answerer = { engine, model, adapt: undefined };
    const metrics = ["exact_match", "accuracy"];
    const task = await taskOf(model, folder, { metrics });
    const sizes = writingSizes(model, [task])!;
    const [longest] = task.phrasings[0]!.questions;
    assert.deepEqual(sizes, { context: longest!.prompt.length + 9, slots: 5 });
    const choices = task.phrasings[0]!.questions.map(({ encoded }) => encoded!);
    using ranking = await openRanking(answerer, choices);
    const { rank } = ranking;
    using together = await openWriting(answerer, sizes);
    using alone = await openWriting(answerer, { ...sizes, slots: 1 });
    const told = new Map<string, number>();
    const answers = await followed(
      ({ what, done }) => told.set(what, done),
      () => answerTask({ model, write: together.write, rank }, task),
    );
    assert.equal(told.get("answers"), 5);
    for (const [i, { question, output, scores, likelihoods }] of answers.entries()) {
      const own = { ...task, phrasings: [{ name: "", questions: [question] }] };
      const [single] = await answerTask({ model, write: alone.write, rank }, own);
      assert.equal(output, single!.output, `row ${i}`);
      assert.deepEqual(Object.keys(scores), metrics);
      const [first, second] = likelihoods!;
      assert.equal(scores["accuracy"], first!.sum >= second!.sum ? 1 : 0);
    }
    const whole = answers[0]!.output!;
    const stop = whole.slice(3, 5);
    const stopped = await taskOf(model, folder, { metrics: ["exact_match"], stop: [stop] });
    const [cut] = await answerTask({ model, write: together.write }, stopped);
    assert.equal(cut!.output, whole.slice(0, whole.indexOf(stop)));
    assert.equal(cut!.ended, true);
    engine.store.destroy();
  }));

Deno.test("a prompt whose text the tokenizer loses shows", () =>
  withTiny({}, async (folder) => {
    using model = new Model(folder);
    const rows = [ROWS[0]!, { ...ROWS[0]!, input: "Привет" }];
    const task = await taskOf(model, folder, { metrics: ["exact_match"] }, rows);
    const { questions } = task.phrasings[0]!;
    assert.deepEqual(questions.map((question) => isMangled(model, question)), [false, true]);
  }));

Deno.test("the quickstart's base answers its own tasks beside each other as alone", async () => {
  using model = new Model(BASE);
  const engine = await freshEngine();
  const answerer = { engine, model, adapt: undefined };
  const folder = Deno.makeTempDirSync();
  const task = await taskOf(model, folder, { metrics: ["contains"], max_tokens: 12 }, [
    { instruction: "What does Tom like?", input: "", output: "x" },
    { instruction: "Tell me of the red ball in the garden.", input: "It is big.", output: "x" },
    { instruction: "Why", input: "", output: "x" },
  ]);
  const sizes = writingSizes(model, [task])!;
  using together = await openWriting(answerer, sizes);
  using alone = await openWriting(answerer, { ...sizes, slots: 1 });
  const answers = await answerTask({ model, write: together.write }, task);
  const singles = await answerTask({ model, write: alone.write }, task);
  assert.deepEqual(answers.map(({ output }) => output), singles.map(({ output }) => output));
  Deno.removeSync(folder, { recursive: true });
  engine.store.destroy();
});
