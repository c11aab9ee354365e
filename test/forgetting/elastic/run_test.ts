/** Whole runs with elastic weight consolidation on a tiny model. */
import assert from "node:assert/strict";
import { ConfigError } from "../../../src/errors.ts";
import { readPeft } from "../../../src/adapters/peft/folder.ts";
import { parseConfig } from "../../../src/config/mod.ts";
import { numbersIn, stories, Toy, type ToySettings } from "../../train/toy.ts";

const held = (toy: Toy, weight: number, guard: Record<string, unknown> = {}): ToySettings => ({
  guard: { text: [toy.text], loss: "ewc", weight, budget: "kl:0.05", every: 5, ...guard },
  train: { steps: 20, lr: 0.02 },
});

/** The size of the whole change of the weights, as trained. */
function changeOf(toy: Toy, out: string): number {
  let squares = 0;
  for (
    const { a, b, rank, inFeatures, outFeatures } of readPeft(toy.path(out, "adapter")).modules
  ) {
    for (let row = 0; row < outFeatures; row++) {
      for (let column = 0; column < inFeatures; column++) {
        let x = 0;
        for (let r = 0; r < rank; r++) x += b[row * rank + r]! * a[r * inFeatures + column]!;
        squares += x * x;
      }
    }
  }
  return Math.sqrt(squares);
}

Deno.test("a larger weight holds the model nearer to its base", async () => {
  using toy = new Toy();
  const said: string[] = [];
  const run = async (weight: number) => {
    const out = `weight ${weight}`;
    const { forgetting } = await toy.train(out, held(toy, weight), {
      say: (line) => said.push(line),
    });
    return { last: toy.metrics(out).at(-1)!, report: forgetting!, change: changeOf(toy, out) };
  };
  const [free, some, much] = [await run(0), await run(3), await run(1e6)];
  const shift = ({ report }: typeof free) => report.history.at(-1)!.shifts[0]!.mean;
  assert.ok(shift(free) > 0.5, `the task moves what is not held: ${shift(free)}`);
  assert.ok(shift(some) < 0.5 * shift(free), `${shift(some)} nats`);
  assert.ok(shift(much) < 1e-4 * shift(free), `${shift(much)} nats`);
  assert.ok(Math.abs(much.last["guard_loss"]! / shift(much) - 1) < 0.5, "as was foreseen");
  assert.ok(much.change < some.change && some.change < free.change);
  assert.ok(free.last.loss < some.last.loss && some.last.loss < much.last.loss, "not for nothing");

  assert.equal(free.last["guard_loss"], undefined);
  assert.equal(some.last["lambda"], 3);
  assert.ok(some.last["guard_loss"]! > much.last["guard_loss"]!);
  assert.equal(free.report.cost!.guard_tokens, 0);
  assert.ok(some.report.cost!.guard_tokens > 0);
  const count = (pattern: RegExp) => said.filter((line) => pattern.test(line)).length;
  assert.equal(count(/^memory {6}.*, Fisher information 0\.1 MiB, optimizer 0\.3 MiB\)$/), 2);
  assert.equal(count(/^Fisher information: 20 documents of \d+ tokens$/), 2);
});

Deno.test("a weight of 0, or next to it, leaves training as it is without a guard", async () => {
  using toy = new Toy();
  const train = { steps: 12, checkpoint_every: 12, lr: 0.02 };
  await toy.train("off", { guard: false, train });
  const params = (out: string) =>
    numbersIn(toy.path(out, "checkpoints", "step-00000012.safetensors"), "params");
  for (const weight of [0, 1e-30]) { // without a penalty, and with one that is lost in rounding
    const out = `weight ${weight}`;
    await toy.train(out, { ...held(toy, weight), train });
    assert.deepEqual(params(out), params("off"), out);
  }
});

Deno.test("a run that is stopped and resumed ends with the same bytes", async () => {
  using toy = new Toy();
  const settings = { ...held(toy, 3), train: { steps: 12, checkpoint_every: 4, lr: 0.02 } };
  await toy.train("whole", settings);
  let asked = 0;
  await toy.train("stopped", settings, { stopWanted: () => ++asked === 6 });
  await toy.train("stopped", settings, { resume: true });
  assert.deepEqual(toy.adapter("stopped"), toy.adapter("whole"));
  const fields = (out: string) =>
    toy.metrics(out).map(({ tokens_per_second: _, ...metrics }) => metrics);
  assert.deepEqual(fields("stopped"), fields("whole"));
});

Deno.test("several domains have one penalty, the sum of theirs", async () => {
  using toy = new Toy();
  const other = toy.path("other.txt");
  Deno.writeTextFileSync(other, stories(100).slice(50).join("\n<|endoftext|>\n"));
  const guard = { text: [toy.text, other], budget: "ppl[text]:5%,kl[other]:0.05" };
  await toy.train("run", held(toy, 3, guard));
  const line = toy.metrics("run").at(-1)!;
  assert.ok(line["guard_loss"]! > 0);
  assert.equal(line["lambda"], 3);
  assert.equal(line["guard_loss.text"], undefined);
  assert.equal(typeof line["forgetting.other"], "number");
});

Deno.test("elastic weight consolidation has no controller: it wants a number", () => {
  const withWeight = (weight: object) => () =>
    parseConfig({
      values: { model: "base", data: [{ path: "x" }], guard: { loss: "ewc", ...weight } },
    });
  const wanted = "wanted a number of at least 0, for the loss ewc has no controller";
  assert.throws(withWeight({}), new ConfigError(`guard.weight: missing, ${wanted}`));
  assert.throws(
    withWeight({ weight: "tokens" }),
    new ConfigError(`guard.weight: found "tokens", ${wanted}`),
  );
  const { guard } = withWeight({ weight: 30 })().config;
  assert.deepEqual(guard && [guard.loss, guard.weight, guard.fisher_documents], ["ewc", 30, 256]);
});
