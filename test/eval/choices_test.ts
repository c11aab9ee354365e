import assert from "node:assert/strict";
import { join } from "node:path";
import { type Example, rowTokenizer } from "../../src/data/mod.ts";
import { choiceLikelihoods, longestChoice } from "../../src/eval/choices.ts";
import { likeliest, metricOf } from "../../src/eval/metrics/mod.ts";
import type { ChoiceMetric } from "../../src/eval/metrics/mod.ts";
import { type EncodedChoice, encodeTask } from "../../src/eval/tasks/encode.ts";
import { readTasks } from "../../src/eval/tasks/read.ts";
import type { TaskEntry } from "../../src/eval/tasks/entry.ts";
import { openRanking } from "../../src/inference/tasks/rank.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import golden from "../golden/choices_stories260K.json" with { type: "json" };
import { noSharedData, sharedData } from "../io/helpers.ts";
import { freshEngine, tinyTensors, withTiny } from "../models/tiny.ts";
import { llamaLoss } from "../../src/reference/llama.ts";
import { withFiles } from "../data/toy.ts";

const METRICS = ["accuracy", "accuracy_unconditional"];

/** The choices of each question of a file of rows, as a model reads them. */
async function choicesIn(path: string, model: Model, entry: Partial<TaskEntry> = {}) {
  const [task] = await readTasks([{ path, template: "plain", metrics: METRICS, ...entry }]);
  const { context } = model.config;
  const { phrasings: [own] } = encodeTask(task!, rowTokenizer(model), { context });
  return own!.questions.map(({ encoded }) => encoded!);
}

/** By packed rows of so many tokens, or over caches. */
async function likelihoods(model: Model, T: number | "caches", questions: EncodedChoice[][]) {
  const engine = await freshEngine();
  if (T === "caches") {
    using ranking = await openRanking({ engine, model, adapt: undefined }, questions);
    const found = await ranking.rank(questions);
    engine.store.destroy();
    return found;
  }
  const program = await LossProgram.open(engine, model, { T });
  const found = await choiceLikelihoods(program, questions);
  program.compiled.destroy();
  engine.store.destroy();
  return found;
}

Deno.test("likelihoods of choices are those of the f64 model, however they are packed", () =>
  withTiny({}, async (folder, sizes) => {
    using model = new Model(folder);
    const rows = [
      { instruction: "is it so?", output: "yes", choices: ["yes", "no", "not at all"] },
      { instruction: "and this", output: "b", choices: ["a", "b"] },
    ];
    const path = join(folder, "rows.jsonl");
    Deno.writeTextFileSync(path, rows.map((row) => JSON.stringify(row)).join("\n"));
    const beginning = join(folder, "beginning.jsonl");
    const row = {
      instruction: "is it so?\nnot",
      input: "",
      output: "at all",
      choices: ["at all", "ab"],
    };
    Deno.writeTextFileSync(beginning, JSON.stringify(row));
    const questions = (await choicesIn(path, model)).map((choices) => [...choices]);
    questions.push([questions[1]![1]!, questions[1]![0]!, questions[1]![1]!]); // two are the same
    // Its prompt is the beginning of another's, and of the answer behind that.
    const [inner] = await choicesIn(beginning, model, { template: "verbatim" });
    questions.push([...inner!]);
    const tensors = tinyTensors(folder);
    const nats = (example: Example) => -llamaLoss([example], sizes, tensors);
    const longest = Math.ceil(longestChoice(questions) / 8) * 8;
    for (const T of [longest, 64, 168, "caches"] as const) {
      const found = await likelihoods(model, T, questions);
      for (const [q, choices] of questions.entries()) {
        for (const [i, { example, alone, text }] of choices.entries()) {
          const { sum, alone: sumAlone, tokens, bytes } = found[q]![i]!;
          assert.equal(tokens, text.length, "a letter is a token, and the end is no part of it");
          assert.equal(bytes, text.length);
          assert.ok(
            Math.abs(sum - nats(example)) < 2e-5,
            `${T} ${text}: ${sum}, not ${nats(example)}`,
          );
          assert.ok(Math.abs(sumAlone! - nats(alone!)) < 2e-5);
        }
      }
      const [first, second, third] = found[2]!;
      assert.equal(first!.sum, third!.sum, "equal choices are exactly as likely");
      const isFirst = first!.sum > second!.sum;
      assert.equal(likeliest(metricOf("accuracy") as ChoiceMetric, found[2]!), isFirst ? 0 : 1);
    }
  }));

Deno.test({
  name: "likelihoods of choices are those of transformers on stories260K",
  ignore: noSharedData,
  fn: () =>
    withFiles({
      "rows.jsonl": golden.map(({ prompt, choices }) =>
        JSON.stringify({ instruction: prompt, input: "", output: choices[0], choices })
      ).join("\n"),
    }, async (folder) => {
      using model = new Model(join(sharedData, "models/stories260K"));
      const questions = await choicesIn(join(folder, "rows.jsonl"), model);
      for (const [q, { promptIds, ids }] of golden.entries()) {
        const expected = ids.map((answer) => [...promptIds, ...answer]);
        assert.deepEqual(questions[q]!.map(({ example }) => [...example.ids]), expected);
      }
      const far = (a: number, b: number) => Math.abs(a - b) > 1e-4;
      for (const T of [64, 512, "caches"] as const) {
        const found = await likelihoods(
          model,
          T,
          questions.map((q) => [...q]),
        );
        const wrong = golden.flatMap(({ sums, alone }, q) =>
          found[q]!.filter((one, i) => far(one.sum, sums[i]!) || far(one.alone!, alone[i]!))
        );
        assert.deepEqual(wrong, []);
      }
    }),
});
