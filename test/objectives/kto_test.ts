/** Learning from labelled answers against TRL: losses, rewards and gradients, and whole runs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import { parseConfig } from "../../src/config/mod.ts";
import { batch, type Example } from "../../src/data/mod.ts";
import { Model } from "../../src/models/model.ts";
import type { KtoConfig } from "../../src/objectives/settings.ts";
import { unpaired } from "../../src/objectives/unpaired.ts";
import {
  divergenceOf,
  UNPAIRED_LOSSES,
  unpairedLosses,
} from "../../src/objectives/unpaired/losses.ts";
import { mismatched } from "../../src/objectives/unpaired/mismatched.ts";
import { train } from "../../src/train/run.ts";
import { tensorsIn } from "../golden/golden.ts";
import { assertClose, engine } from "../harness.ts";
import { Toy, type ToySettings } from "../train/toy.ts";
import { assertUpdate, loadGolden, updateOf, withGolden } from "./golden_run.ts";

/** The rows take two micro-batches. */
const T = 48;

interface Case {
  readonly settings: KtoConfig;
  readonly loss: number;
  readonly kl: number;
  readonly "rewards/chosen": number;
  readonly "rewards/rejected": number;
  readonly "rewards/margins": number;
}

interface Golden {
  readonly rows: readonly { readonly label: boolean }[];
  readonly mismatched: readonly (readonly number[])[];
  readonly cases: Readonly<Record<string, Case>>;
  readonly updates: {
    readonly lr: number;
    readonly weight_decay: number;
    readonly losses: readonly number[];
    readonly kl: readonly number[];
  };
}

const golden: Golden = JSON.parse(
  Deno.readTextFileSync(new URL("../golden/kto.json", import.meta.url)),
);

Deno.test("kto: the answers that are swapped are TRL's, and rows keep their labels", () =>
  withGolden(golden.rows, async (folder, rows) => {
    using model = new Model(folder);
    const examples = await loadGolden(model, rows, { answers: "labelled", T });
    assert.deepEqual(
      examples.map(({ label }) => label === 1),
      golden.rows.map(({ label }) => label),
    );
    assert.deepEqual(mismatched(examples, T).map(({ ids }) => [...ids]), golden.mismatched);
    const { documents } = batch(examples, 96);
    assert.deepEqual(documents.map(({ label }) => label), examples.map(({ label }) => label));
  }));

const tensors = tensorsIn("kto");
for (const [name, found] of Object.entries(golden.cases)) {
  const { settings, loss, kl } = found;
  Deno.test(`kto: loss, rewards and gradients of ${name} are TRL's`, () =>
    withGolden(golden.rows, async (folder, rows) => {
      const wanted = {
        ...{ loss, rewards_chosen: found["rewards/chosen"] },
        ...{ rewards_rejected: found["rewards/rejected"], reward_margin: found["rewards/margins"] },
        ...(settings.loss === "kto" && { kl }),
      };
      const gradients = new Map(
        tensors.filter(([tensor]) => tensor.startsWith(`${name}/`))
          .map(([tensor, { numbers }]) => [tensor.slice(name.length + 1), numbers]),
      );
      const update = await updateOf(unpaired(settings), folder, { rows, T });
      assertUpdate(update, { wanted, gradients });
    }));
}

Deno.test("kto: a whole run has the losses and divergences of TRL's updates", () =>
  withGolden(golden.rows, async (folder, rows) => {
    const { lr, weight_decay, losses, kl } = golden.updates;
    const data = [{ path: rows }];
    const parsed = parseConfig({
      values: {
        model: folder,
        data,
        adapter: { from: join(folder, "adapter") },
        objective: { kind: "kto" },
        train: {
          ...{ schedule: "constant", warmup: 0, clip: 0, shuffle: false, steps: losses.length - 1 },
          ...{ lr, weight_decay, tokens_per_batch: 2 * T, micro_batch_tokens: T },
        },
        eval: { data },
        out: join(folder, "run"),
      },
    });
    const { device } = await engine();
    const { measured } = await train(parsed, { device });
    const metrics = Deno.readTextFileSync(join(folder, "run/metrics.jsonl")).trimEnd().split("\n")
      .map((line) => JSON.parse(line));
    const found = [...metrics.map(({ loss }) => loss), measured["eval_loss"]!];
    assertClose(found, losses, 1e-5, "loss");
    assertClose(metrics.map((line) => line.kl), kl.slice(0, -1), 1e-5, "kl");
    assert.ok(measured["eval_reward_margin"]! > metrics[0].reward_margin);
  }));

Deno.test("kto: derivatives are those of central differences (property)", () => {
  const ratio = fc.double({ min: -8, max: 8, noNaN: true });
  const beta = fc.double({ min: 0.05, max: 2, noNaN: true });
  const divergence = fc.double({ min: 0, max: 5, noNaN: true });
  for (const name of UNPAIRED_LOSSES) {
    const { gradient } = unpairedLosses[name];
    fc.assert(fc.property(ratio, fc.boolean(), divergence, beta, (r, isWanted, z, beta) => {
      const at = (ratio: number) => gradient(ratio, isWanted, z, beta);
      const h = 1e-5;
      const slope = (at(r + h).loss - at(r - h).loss) / (2 * h);
      assert.ok(Math.abs(slope - at(r).danswer) < 1e-6, name);
      assert.equal(Math.sign(at(r).danswer), isWanted ? -1 : 1, name);
    }));
  }
});

Deno.test("divergenceOf(): a mean of log-ratios, never below 0", () => {
  const of = (...ratios: number[]) =>
    divergenceOf(ratios.map((ratio) => ({ tuned: ratio - 3, reference: -3, tokens: 2 })));
  assert.equal(of(1, 2), 1.5);
  assert.equal(of(1, -2), 0);
  assert.equal(of(), 0);
});

const exampleOf = (prompt: number, answer: number): Example => ({
  ids: Uint32Array.from({ length: prompt + answer }, (_, i) => i < prompt ? prompt : answer),
  labels: Int32Array.from({ length: prompt + answer }, (_, i) => i < prompt ? -100 : answer),
  origin: `${prompt} and ${answer}`,
  label: 1,
});

Deno.test("mismatched(): an answer that is too long for its new prompt is cut", () => {
  const [first, second] = mismatched([exampleOf(6, 1), exampleOf(2, 5)], 8);
  assert.deepEqual([...first!.ids], [6, 6, 6, 6, 6, 6, 5, 5]);
  assert.deepEqual([...first!.labels].slice(5), [-100, 5, 5]);
  assert.deepEqual([...second!.ids], [2, 2, 1]);
  assert.deepEqual(mismatched([exampleOf(6, 1)], 8), [], "nothing to swap with");
});

const WORDS = ["red", "blue", "a long word", "no", "yes.", "tom saw ann", "x"];

/** Rows whose longer answers are wanted. */
function writeLabelled(toy: Toy, count = 16): string {
  const path = toy.path("labelled.jsonl");
  const lines = Array.from({ length: count }, (_, i) => {
    const completion = WORDS[i % 7]!;
    return JSON.stringify({ prompt: `say ${i}: `, completion, label: completion.length > 4 });
  });
  Deno.writeTextFileSync(path, lines.join("\n"));
  return path;
}

const judging = (path: string, settings: ToySettings = {}) => ({
  data: [{ path }],
  objective: { kind: "kto" },
  ...settings,
});

Deno.test("kto: a run learns what is wanted, and begins at a half", async () => {
  using toy = new Toy();
  const path = writeLabelled(toy);
  for (const loss of UNPAIRED_LOSSES) {
    const settings = judging(path, {
      objective: { kind: "kto", loss },
      train: { steps: 12 },
      eval: { data: [{ path }] },
    });
    const { measured, first, last } = await toy.train(loss, settings);
    assert.ok(Math.abs(first!.loss - 0.5) < 1e-6, "an adapter that is nothing yet");
    assert.equal("kl" in first!, loss === "kto");
    assert.ok(last!.loss < 0.45 && last!["reward_margin"]! > 0.3, JSON.stringify(last));
    assert.ok(measured["eval_loss"]! < 0.45);
  }
});

Deno.test("kto: a run that is stopped ends with the same bytes, guarded or not", async (t) => {
  using toy = new Toy();
  const path = writeLabelled(toy);
  const guarded = { text: [toy.text], share: 0.5, every: 3, budget: "ppl:5%" };
  for (const [name, guard] of Object.entries({ alone: false, guarded })) {
    await t.step(name, async () => {
      const settings = judging(
        path,
        { guard, train: { steps: 6, checkpoint_every: 2 } } as ToySettings,
      );
      const whole = await toy.train(name, settings);
      let updates = 0;
      await toy.train(`${name} stopped`, settings, { stopWanted: () => ++updates === 3 });
      await toy.train(`${name} stopped`, settings, { resume: true });
      assert.deepEqual(toy.adapter(`${name} stopped`), toy.adapter(name));
      if (guard) assert.equal(whole.forgetting!.task!.unit, "a labelled answer");
    });
  }
});

Deno.test("kto: what does not fit is refused by name", async () => {
  using toy = new Toy();
  const path = writeLabelled(toy);
  const refused = async (settings: ToySettings, message: RegExp) => {
    const { device } = await engine();
    await assert.rejects(
      async () => await train(parseConfig({ values: toy.values("out", settings) }), { device }),
      message,
    );
  };
  await refused(
    { data: [{ path }] },
    /labelled\.jsonl:1: found a row of a labelled answer .*wanted rows of one answer.*kind kto/,
  );
  await refused(
    judging(path, { data: [{ path, format: "prompt-completion" }] } as ToySettings),
    /labelled\.jsonl:1: found a row of one answer, wanted rows of labelled ones/,
  );
  await refused(
    judging(path, { data: [{ path, few_shot: { share: 1, shots: 1 } }] } as ToySettings),
    /labelled\.jsonl:1: found labelled answers, wanted instructions for few_shot/,
  );
  await refused(
    judging(path, { adapter: { dropout: 0.1 } } as ToySettings),
    /adapter\.dropout: found one beside objective\.kind kto/,
  );
  await refused(
    judging(path, { objective: { kind: "kto", desirable_weight: 0 } }),
    /objective\.desirable_weight: found 0, wanted a number above 0/,
  );
  const odd = toy.path("odd.jsonl");
  Deno.writeTextFileSync(odd, JSON.stringify({ prompt: "p", completion: "c", label: 1 }));
  await refused(
    judging(odd),
    /odd\.jsonl:1: found 1 in label, wanted true or false, or data\.format prompt-completion/,
  );
});
