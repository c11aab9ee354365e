/** Learning classes against transformers and PEFT: scores, loss and gradients, and whole runs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter } from "../../src/adapters/adapter.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { Model } from "../../src/models/model.ts";
import { ScoreProgram } from "../../src/models/score_program.ts";
import { scoring } from "../../src/objectives/scores.ts";
import { accuracyOf, classify, macroF1 } from "../../src/objectives/scores/classify.ts";
import { queueExamples } from "../../src/objectives/scores/scorer.ts";
import { train } from "../../src/train/run.ts";
import { readScoreGolden, scoreGradients, withSaved } from "../golden/score_head.ts";
import { assertClose, engine } from "../harness.ts";
import { freshEngine } from "../models/tiny.ts";
import { Toy, type ToySettings } from "../train/toy.ts";
import { assertUpdate, loadGolden, updateOf, withGolden } from "./golden_run.ts";

const { classes: golden } = readScoreGolden();
const { labels } = golden;
/** The rows take two micro-batches. */
const T = 48;
const format = "classified";

Deno.test("classify: an adapter that PEFT has saved gives the scores of transformers", () =>
  withGolden(golden.rows, async (folder, rows) => {
    const own = await freshEngine();
    using model = new Model(folder, { scores: labels.length });
    const adapter = Adapter.of(own, model, readPeft(join(folder, "adapter")));
    const planned = ScoreProgram.plan(own, model, { T, adapt: adapter.adapt, train: true });
    own.store.addParams(planned.graph.values.filter(({ kind }) => kind === "param"));
    adapter.load(own.store, 0);
    const program = await planned.open();
    const examples = await loadGolden(model, rows, { answers: "labelled", labels, T, format });
    assert.deepEqual(examples.map(({ label }) => label), [1, 0, 2, 1]);
    const found = await (await queueExamples(program, examples)).result;
    for (const [i, scores] of golden.scores.entries()) {
      assertClose(found[i]!.scores[0]!, scores, 1e-5, `row ${i}`);
    }
    own.store.destroy();
  }, withSaved(golden.adapter, "classifier")));

Deno.test("classify: loss and gradients are those of transformers and PEFT", () =>
  withGolden(golden.rows, async (folder, rows) => {
    const update = await updateOf(scoring({ kind: "classify", labels }), folder, {
      ...{ rows, T, format },
    });
    const gradients = scoreGradients("classes");
    assertUpdate(update, { wanted: { loss: golden.loss }, gradients });
  }, withSaved(golden.adapter, "classifier")));

Deno.test("accuracyOf() and macroF1() are those of scikit-learn, worked by hand", () => {
  const [wanted, found] = [[0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1]];
  assert.equal(accuracyOf(wanted, found), 1 / 3);
  assert.ok(Math.abs(macroF1(wanted, found) - 0.26666666666666666) < 1e-12); // its documentation's
  assert.equal(macroF1([1, 1], [1, 1]), 1);
  assert.equal(macroF1([1, 1], [0, 0]), 0);
});

Deno.test("classify: the loss of one row, by hand", () => {
  const { gradient } = classify({ kind: "classify", labels: ["a", "b"] });
  const example = { ids: Uint32Array.of(1), labels: Int32Array.of(-100), label: 0, origin: "o" };
  const { loss, dscores } = gradient([{ example, scores: [[0, Math.log(3)]] }]);
  assert.ok(Math.abs(loss - Math.log(4)) < 1e-12);
  assertClose(dscores[0]![0]!, [-0.75, 0.75], 1e-12, "scores");
});

const NAMES = ["short", "long"];

/** Texts whose class is how long they are. */
function writeTexts(toy: Toy, count = 24): string {
  const path = toy.path("texts.jsonl");
  const lines = Array.from({ length: count }, (_, i) => {
    const text = i % 2 === 0 ? `ann ${i}` : `a long word, so tom saw ann ${i}`;
    return JSON.stringify({ text, label: NAMES[i % 2] });
  });
  Deno.writeTextFileSync(path, lines.join("\n"));
  return path;
}

const telling = (path: string, settings: ToySettings = {}) =>
  ({
    data: [{ path, format }],
    objective: { kind: "classify", labels: NAMES },
    ...settings,
  }) as ToySettings;

Deno.test("classify: a run learns classes, says so of eval.data, and saves PEFT's SEQ_CLS", async () => {
  using toy = new Toy();
  const path = writeTexts(toy);
  const settings = telling(path, {
    train: { steps: 16, eval_every: 8 },
    eval: { data: [{ path, format }] },
  } as ToySettings);
  const { measured, first, last } = await toy.train("out", settings);
  assert.ok(Math.abs(first!.loss - Math.log(2)) < 0.2, `a fresh head: ${first!.loss}`);
  assert.ok(last!.loss < 0.1 && last!["accuracy"] === 1 && last!["f1"] === 1);
  assert.ok(measured["eval_loss"]! < 0.1 && measured["eval_accuracy"] === 1);
  assert.equal(measured["eval_f1"], 1);
  const folder = toy.path("out/adapter");
  const config = JSON.parse(Deno.readTextFileSync(join(folder, "adapter_config.json")));
  assert.equal(config.task_type, "SEQ_CLS");
  assert.deepEqual(config.modules_to_save, ["score"]);
  const { whole } = readPeft(folder);
  assert.deepEqual(whole!.map(({ name, shape }) => [name, ...shape]), [["score.weight", 2, 32]]);
});

Deno.test("classify: a run that is stopped, and one from its adapter, beside the guard", async () => {
  using toy = new Toy();
  const path = writeTexts(toy);
  const guard = { text: [toy.text], share: 0.5, every: 3, budget: "ppl:50%" };
  const settings = telling(
    path,
    { guard, train: { steps: 6, checkpoint_every: 2 } } as ToySettings,
  );
  const whole = await toy.train("whole", settings);
  let updates = 0;
  await toy.train("stopped", settings, { stopWanted: () => ++updates === 3 });
  await toy.train("stopped", settings, { resume: true });
  assert.deepEqual(toy.adapter("stopped"), toy.adapter("whole"));
  assert.equal(whole.forgetting!.task!.unit, "nats a row");
  const on = telling(path, { adapter: { from: toy.path("whole/adapter") } } as ToySettings);
  const { first } = await toy.train("on", { ...on, train: { steps: 1 } } as ToySettings);
  assert.ok(first!.loss < 0.69, `goes on where the other ended: ${first!.loss}`);
});

Deno.test("classify: what does not fit is refused by name", async () => {
  using toy = new Toy();
  const path = writeTexts(toy);
  const refused = async (settings: ToySettings, message: RegExp) => {
    const { device } = await engine();
    await assert.rejects(
      async () => await train(parseConfig({ values: toy.values("out", settings) }), { device }),
      message,
    );
  };
  const label = (label: unknown) => {
    const odd = toy.path("odd.jsonl");
    Deno.writeTextFileSync(odd, JSON.stringify({ text: "a b", label }));
    return telling(odd);
  };
  await refused(label("other"), /odd\.jsonl:1: found the label "other", wanted one of short, long/);
  await refused(label(2), /odd\.jsonl:1: found the label 2, wanted .* or a number from 0 to 1/);
  await refused(label(null), /odd\.jsonl:1: found nothing in label, wanted the name or the number/);
  await refused(
    telling(path, { data: [{ path }] } as ToySettings),
    /texts\.jsonl:1: found a row of one answer, wanted rows of a class \(data\.format classified\)/,
  );
  await refused(
    telling(path, { objective: { kind: "kto" } }),
    /texts\.jsonl:1: found the label "short", wanted true or false, or objective\.kind classify/,
  );
  await refused(
    telling(path, { adapter: { dropout: 0.1 } } as ToySettings),
    /adapter\.dropout: found one beside objective\.kind classify/,
  );
  await refused(
    telling(path, { adapter: { targets: ["q_proj", "lm_head"] } } as ToySettings),
    /adapter: found lm_head\.lora_A\.weight beside objective\.kind classify/,
  );
  await refused(
    telling(path, { objective: { kind: "classify", labels: ["a", "a"] } } as ToySettings),
    /objective\.labels: .*names that differ/,
  );
});
