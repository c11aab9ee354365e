/** Every key of the configuration that is set has its effect, or is refused. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { keysOf, table } from "../../src/config/keys.ts";
import { type DataConfig, parseConfig, parseTasks } from "../../src/config/mod.ts";
import { encodeTask } from "../../src/eval/tasks/encode.ts";
import { readTasks } from "../../src/eval/tasks/read.ts";
import { loadExamples } from "../../src/data/mod.ts";
import { toyChatEncoder, withFiles } from "../data/toy.ts";
import { dataKeys, FILES, taskKeys } from "./data_keys.ts";
import { type Keys, withKeys } from "./keys.ts";
import { RunWorld, type Traces } from "./run_world.ts";
import { guardKeys, runKeys } from "./run_keys.ts";

const TOKENIZER = { ...toyChatEncoder, specialTokens: ["<s>", "</s>"] };

/** Where the rows that are only measured could be weighed, there is nothing to weigh them by. */
const REFUSED = ["eval.data.weight"];

Deno.test("every key of the table is shown to have its effect", () => {
  const shown = new Set([
    ...Object.keys(runKeys),
    ...Object.keys(guardKeys),
    ...Object.keys(dataKeys).flatMap((key) => [`data.${key}`, `eval.data.${key}`]),
    ...Object.keys(taskKeys).map((key) => `eval.tasks.${key}`),
    ...REFUSED,
  ]);
  const keys = new Set([...keysOf(table)].map(([key]) => key));
  assert.deepEqual([...keys.difference(shown)], [], "keys that no case covers");
  assert.deepEqual([...shown.difference(keys)], [], "cases of no key");
});

Deno.test("a key of a source of rows changes what its rows become", async (t) => {
  await withFiles(FILES, async (folder) => {
    for (const [key, { to, beside = {} }] of Object.entries(dataKeys)) {
      for (const section of ["data", "eval.data"] as const) {
        await t.step(`${section}.${key}`, async () => {
          const base = withKeys({ path: "ask.jsonl" }, beside);
          const entry = key.includes("patterns.")
            ? inPattern(base, key, to)
            : withKeys(base, { [key]: to });
          const [before, after] = [
            await rowsOf(folder, section, base),
            await rowsOf(folder, section, entry),
          ];
          assert.ok(Array.isArray(after), String(after));
          assert.notDeepEqual(after, before);
        });
      }
    }
  });
});

/** `chain_of_thought.patterns.input` is that of the first pattern. */
function inPattern(base: object, key: string, to: unknown) {
  return withKeys(base, { [key.replace("patterns.", "patterns.0.")]: to });
}

/** The examples of an entry in that section, or what is said of them. */
async function rowsOf(folder: string, section: "data" | "eval.data", entry: object) {
  const others = section === "data" ? {} : { data: [{ path: join(folder, "ask.jsonl") }] };
  const values = withKeys({ model: "base", ...others }, { [section]: [entry] });
  const { config } = parseConfig({ values, folder });
  const [source] = section === "data" ? config.data : config.eval.data;
  return await examplesOf(source!);
}

async function examplesOf(entry: DataConfig) {
  try {
    const { examples } = await loadExamples(entry, TOKENIZER, {
      maxTokens: 10_000,
      answers: "any",
    });
    return examples.map(({ ids, labels }) => [[...ids], [...labels]]);
  } catch (fault) {
    return (fault as Error).message;
  }
}

Deno.test("a key of a task changes what is asked", async (t) => {
  await withFiles(FILES, async (folder) => {
    for (const [key, { to, beside = {} }] of Object.entries(taskKeys)) {
      await t.step(key, async () => {
        const base = withKeys({ path: "ask.jsonl" }, beside);
        const asked = async (entry: object) => {
          const tasks = parseTasks([entry], folder);
          const [task] = await readTasks(tasks);
          return JSON.stringify(encodeTask(task!, toyChatEncoder, { context: 10_000 }));
        };
        assert.notEqual(await asked(withKeys(base, { [key]: to })), await asked(base));
      });
    }
  });
});

Deno.test("any other key changes a run", async (t) => {
  using world = new RunWorld();
  const runs = new Map<string, Promise<Traces>>();
  const run = (keys: Keys) =>
    runs.getOrInsertComputed(JSON.stringify(Object.entries(keys)), () => world.run(keys));
  for (const [key, shown] of Object.entries({ ...runKeys, ...guardKeys })) {
    const { to, beside = {}, in: where = "adapter" } = shown;
    await t.step(key, async () => {
      const before = await run(beside);
      const after = await run({ ...beside, [key === "data.weight" ? "data.1.weight" : key]: to });
      if (where !== "fault") assert.equal(after.fault, undefined);
      assert.notDeepEqual(after[where], before[where]);
    });
  }
});
