/** Tasks that the model answers while it trains. */
import assert from "node:assert/strict";
import { rowTokenizer } from "../../src/data/mod.ts";
import type { TaskEntry } from "../../src/eval/tasks/entry.ts";
import { encodeTask } from "../../src/eval/tasks/encode.ts";
import { readTasks } from "../../src/eval/tasks/read.ts";
import { taskMeans } from "../../src/eval/tasks/report.ts";
import { answerTask } from "../../src/inference/tasks/answer.ts";
import { openWriting, writingSizes } from "../../src/inference/tasks/write.ts";
import { openModel } from "../../src/inference/open.ts";
import { openRanking } from "../../src/inference/tasks/rank.ts";
import { openHistory } from "../../src/runs/history/database.ts";
import { engine } from "../harness.ts";
import { Toy, type ToySettings } from "./toy.ts";

const ROWS = ["ab", "ba", "aab", "bb"].map((output, i) => ({
  instruction: `say ${i}`,
  input: "",
  output,
  choices: ["ab", "ba", "aab", "bb"],
}));

/** A toy that learns rows, and a task of the same. */
function learner() {
  const toy = new Toy();
  const path = toy.path("task.jsonl");
  Deno.writeTextFileSync(path, ROWS.map((row) => JSON.stringify(row)).join("\n"));
  const metrics = ["exact_match", "accuracy"];
  const task: TaskEntry = { path, name: "say", template: "plain", max_tokens: 4, metrics };
  const settings: ToySettings = {
    guard: false,
    data: [{ path, template: "plain" }],
    train: { steps: 30, lr: 0.05, eval_every: 10 },
    eval: { tasks: [task] },
  };
  return { toy, settings, task };
}

const timeless = (toy: Toy, out: string) =>
  toy.metrics(out).map(({ tokens_per_second: _, ...numbers }) => numbers);

Deno.test("tasks are measured every so many updates and at the end, and change nothing", async () => {
  const { toy, settings, task: entry } = learner();
  using _toy = toy;
  const { device } = await engine();
  const before = device.allocated;
  const train = { ...settings.train, eval_every: 0 };
  await toy.train("plain", { ...settings, train, eval: {} });
  const lines: string[] = [];
  const { measured } = await toy.train("tasks", settings, { say: (line) => lines.push(line) });
  assert.equal(device.allocated, before, "all is freed");
  assert.deepEqual(toy.adapter("tasks"), toy.adapter("plain"));
  const [exact, accuracy] = ["task/say/exact_match", "task/say/accuracy"];
  const found = timeless(toy, "tasks");
  assert.deepEqual(
    found.map(({ [exact!]: _e, [accuracy!]: _a, ...numbers }) => numbers),
    timeless(toy, "plain"),
  );
  assert.deepEqual(Object.keys(measured), [exact, accuracy]);
  assert.ok(measured[exact!]! > found[0]![exact!]!, "what was learnt shows");
  assert.equal(found[9]![exact!], found[0]![exact!], "the last measurement stands until the next");
  assert.match(lines.join("\n"), /task say: 4 rows, scored by exact_match, accuracy/);
  assert.match(lines.join("\n"), /say exact_match \d\.\d{4} accuracy \d\.\d{4}/);

  const [task] = await readTasks([entry]);
  using open = openModel(device, toy.model, toy.path("tasks"));
  const { engine: own, model, adapt } = open;
  const encoded = encodeTask(task!, rowTokenizer(model), { context: model.config.context });
  using writing = await openWriting({ engine: own, model, adapt }, writingSizes(model, [encoded])!);
  const choices = encoded.phrasings[0]!.questions.map(({ encoded }) => encoded!);
  using ranking = await openRanking({ engine: own, model, adapt }, choices);
  const answers = await answerTask({ model, write: writing.write, rank: ranking.rank }, encoded);
  const means = taskMeans(encoded.task, answers);
  assert.deepEqual([means["exact_match"], means["accuracy"]], [
    measured[exact!],
    measured[accuracy!],
  ]);

  const history = openHistory(toy.path("runs.sqlite"), { patience: 0, create: false });
  const rows = history.prepare("SELECT data FROM events WHERE kind = 'measure' ORDER BY step")
    .all();
  const kept = rows.map(({ data }) => JSON.parse(data as string)[exact!]);
  assert.deepEqual(kept.slice(-3), [0, 10, 20].map((step) => found[step]![exact!]));
  history.close();
});

Deno.test("a task that does not fit stops a run before anything is written", async () => {
  const { toy, settings } = learner();
  using _toy = toy;
  const path = toy.path("long.jsonl");
  Deno.writeTextFileSync(path, JSON.stringify({ ...ROWS[0], instruction: "a".repeat(70) }));
  const tasks = [{ path, template: "plain" }];
  await assert.rejects(toy.train("out", { ...settings, eval: { tasks } }), {
    name: "FileError",
    message: /long\.jsonl:1: found a prompt of 72 tokens, which with an answer needs 7\d, wanted/,
  });
  const named = [{ path, metrics: ["exact_mach"] }];
  await assert.rejects(toy.train("out", { ...settings, eval: { tasks: named } }), {
    name: "ConfigError",
    message: /eval\.tasks\.0\.metrics\.0: found "exact_mach", .*did you mean "exact_match"/,
  });
});
