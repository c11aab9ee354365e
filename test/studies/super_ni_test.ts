/** Super-NaturalInstructions: examples that fit, what is planned, and what is found by category. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadExamples, rowTokenizer } from "../../src/data/mod.ts";
import { Model } from "../../src/models/model.ts";
import { concludeSuperNi } from "../../src/studies/super_ni/conclude.ts";
import { filesOf, superNiSchema } from "../../src/studies/super_ni/spec.ts";
import { superNi } from "../../src/studies/super_ni/study.ts";
import type { Tried } from "../../src/studies/trials/trial.ts";
import { withTiny } from "../models/tiny.ts";

/** A task of numbers. */
const task = (category: string, count = 3) => ({
  Categories: [category],
  Definition: ["say it"],
  "Positive Examples": [{ input: "1", output: "one" }, { input: "2", output: "two" }],
  "Negative Examples": [],
  Instances: Array.from({ length: count }, (_, i) => ({ input: `${i}`, output: [`n${i}`] })),
});

Deno.test("a prompt that is too long loses its last examples, not its definition", () =>
  withTiny({ vocab: 64 }, async (folder) => {
    const path = join(folder, "task.json");
    Deno.writeTextFileSync(path, JSON.stringify(task("Word Analogy", 1)));
    using model = new Model(folder);
    const tokenizer = rowTokenizer(model);
    const prompt = async (maxTokens: number) => {
      const { examples, skipped } = await loadExamples({ path }, tokenizer, { maxTokens })
        .catch(() => ({ examples: [], skipped: 1 }));
      const [first] = examples;
      return {
        text: first && model.tokenizer.decode([...first.ids]),
        length: first?.ids.length,
        skipped,
      };
    };
    const whole = await prompt(1000);
    const count = ({ text }: { text: string | undefined }) => text?.match(/ositive/g)?.length ?? 0;
    assert.equal(count(whole), 2);
    const one = await prompt(whole.length! - 1);
    assert.equal(count(one), 1);
    const none = await prompt(one.length! - 1);
    assert.equal(count(none), 0);
    assert.ok(none.text!.includes("say it"));
    assert.equal((await prompt(none.length! - 1)).skipped, 1);
  }));

/** Two tasks to train on and two that are asked. */
function specIn(folder: string) {
  for (
    const [name, of] of [["a", "Word Analogy"], ["b", "Title Generation"], [
      "c",
      "Title Generation",
    ]]
  ) {
    Deno.writeTextFileSync(join(folder, `${name}.json`), JSON.stringify(task(of!)));
  }
  return superNiSchema.parse({
    run: { model: "m", train: { steps: 1 } },
    split: { train: ["c.json"], test: ["a.json", "b.json"] },
    instances: { train: 2 },
    seeds: [1, 2],
  });
}

function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  return use(folder).finally(() => Deno.removeSync(folder, { recursive: true }));
}

Deno.test("super-ni plans the base and a run a seed for each number of examples", () =>
  inFolder(async (folder) => {
    const spec = specIn(folder);
    const place = { folder, out: join(folder, "out") };
    const names = (await superNi.plan(spec, place)).map(({ name }) => name);
    assert.deepEqual(names, [
      ...["base 0 examples", "tuned 0 examples seed 1", "tuned 0 examples seed 2"],
      ...["base 2 examples", "tuned 2 examples seed 1", "tuned 2 examples seed 2"],
    ]);
    const sampled = [...Deno.readDirSync(join(folder, "out/data"))].map(({ name }) => name);
    assert.equal(sampled.length, 2, "a sample a seed");
    const { Instances } = JSON.parse(Deno.readTextFileSync(join(folder, "out/data", sampled[0]!)));
    assert.equal(Instances.length, 2);
    const split = { tasks: ".", train: "train.txt", test: "test.txt" };
    Deno.writeTextFileSync(join(folder, "train.txt"), "c\n");
    Deno.writeTextFileSync(join(folder, "test.txt"), "b\na\n\n");
    const listed = filesOf({ ...spec, split }, place);
    assert.deepEqual(listed.test.map(({ name, category }) => [name, category]), [
      ["b", "Title Generation"],
      ["a", "Word Analogy"],
    ]);
    Deno.writeTextFileSync(join(folder, "test.txt"), "a\na\n");
    assert.throws(() => filesOf({ ...spec, split }, place), /found a twice/);
  }));

Deno.test("super-ni tells of categories by rows that were asked, means over seeds first", () =>
  inFolder((folder) => {
    const spec = specIn(folder);
    const tried = (scores: Record<string, number[]>): Tried => ({
      loss: 1,
      tasks: Object.fromEntries(
        Object.entries(scores).map(([name, of]) => [name, {
          left_out: 0,
          answers: of.map((rougeL_stem, row) => ({
            ...{ row, phrasing: "", output: "", reference: "" },
            scores: { rougeL_stem, exact_match: Math.floor(rougeL_stem) },
          })),
        }]),
      ),
    });
    const [base, one, two] = [
      tried({ a: [0, 0, 0], b: [0.2, 0.2, 0.2] }),
      tried({ a: [1, 1, 0], b: [0.4, 0.4, 0.4] }),
      tried({ a: [1, 0, 0], b: [0.6, 0.6, 0.6] }),
    ];
    const empty = tried({ a: [], b: [] });
    const results = new Map([
      ...[["base 0 examples", base], ["tuned 0 examples seed 1", one]] as const,
      ...[["tuned 0 examples seed 2", two], ["base 2 examples", empty]] as const,
      ...[1, 2].map((seed) => [`tuned 2 examples seed ${seed}`, empty] as const),
    ]);
    const { numbers, tables } = concludeSuperNi(
      spec,
      results,
      filesOf(spec, { folder, out: "" }).test,
    );
    const { rows } = numbers as unknown as { rows: Record<string, unknown>[] };
    const find = (category: string, examples: number) =>
      rows.find((row) =>
        row["category"] === category && row["examples"] === examples &&
        row["metric"] === "rougeL_stem"
      )! as {
        rows: number;
        tuned: { mean: number } | null;
        difference: { mean: number; low: number };
      };
    assert.equal(find("Word Analogy", 0).tuned!.mean, 0.5);
    assert.ok(Math.abs(find("all", 0).difference.mean - (0.5 + 0.3) / 2) < 1e-12);
    assert.ok(Math.abs(find("Title Generation", 0).difference.low - 0.3) < 1e-12, "all rows alike");
    assert.deepEqual([find("all", 2).rows, find("all", 2).tuned], [0, null]);
    const [rouge, exact] = tables;
    assert.deepEqual(rouge!.rows.map(([name]) => name).filter((name) => name!.endsWith("*")), [
      "Title Generation *",
      "Title Generation *",
    ]);
    assert.ok(exact!.rows.some(([name]) => name === "Word Analogy *"));
    return Promise.resolve();
  }));
