/** What a token counts: the mean is over the tokens of the whole update, task and guard apart. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { UNSUPERVISED } from "../../src/data/mod.ts";
import { type Example, Stream } from "../../src/data/mod.ts";
import { tokenWeights } from "../../src/objectives/sft.ts";
import { distance, numbersIn, Toy, type ToySettings } from "./toy.ts";

const PLAIN = { steps: 1, warmup: 0, clip: 0, shuffle: false, schedule: "constant" };

/** One update; what AdamW keeps of the gradient with beta1 = 0 is the gradient. */
async function update(toy: Toy, out: string, { train, ...rest }: ToySettings) {
  await toy.train(out, {
    ...rest,
    train: { ...PLAIN, beta1: 0, checkpoint_every: 1, ...train },
  });
  const [metrics] = toy.metrics(out);
  const checkpoint = join(toy.path(out, "checkpoints"), "step-00000001.safetensors");
  return { metrics: metrics!, gradient: numbersIn(checkpoint, "m") };
}

Deno.test("the loss is the mean over the tokens of the update, not of micro-batches", async () => {
  using toy = new Toy();
  const short = { length: 30, supervised: 6 };
  const long = { length: 60, supervised: 54 };
  toy.writeRows("both.jsonl", [short, long]);
  const [a, b] = Deno.readTextFileSync(toy.path("both.jsonl")).split("\n");
  for (const [name, row] of [["a", a], ["b", b]]) {
    Deno.writeTextFileSync(toy.path(`${name}.jsonl`), row!);
  }
  const on = (name: string, T: number, tokens: number) =>
    update(toy, `${name}-${tokens}-${T}`, {
      data: [{ path: toy.path(`${name}.jsonl`), format: "tokens" }],
      train: { micro_batch_tokens: T, tokens_per_batch: tokens },
    });
  const two = await on("both", 64, 128);
  const one = await on("both", 128, 128);
  assert.equal(two.metrics.supervised, 60);
  // A tenth and nine tenths, as in the accumulation bug's example: 0.1 * 2 + 0.9 * 1 = 1.10.
  const [tenth, rest] = [await on("a", 64, 64), await on("b", 64, 64)];
  const byTokens = 0.1 * tenth.metrics.loss + 0.9 * rest.metrics.loss;
  const byMicroBatches = 0.5 * tenth.metrics.loss + 0.5 * rest.metrics.loss;
  assert.ok(Math.abs(byTokens - byMicroBatches) > 1e-3 * byTokens, "the two means are apart");
  assert.ok(Math.abs(two.metrics.loss - byTokens) < 1e-5 * byTokens, "mean over tokens");
  assert.ok(Math.abs(two.metrics.loss - one.metrics.loss) < 1e-5 * byTokens, "in one or two");
  const apart = distance(two.gradient, one.gradient);
  assert.ok(apart < 1e-4, `gradients are ${apart} apart`);
});

Deno.test("the guard adds its own mean, times its weight", async () => {
  using toy = new Toy();
  const run = (weight: number) =>
    update(toy, `weight ${weight}`, {
      guard: { text: [toy.text], loss: "ce", weight, ...(weight > 0 && { share: 1 }) },
    });
  const [none, one, three] = [await run(0), await run(1), await run(3)];
  assert.equal(none.metrics["guard_loss"], undefined, "nothing is known of what has no weight");
  assert.ok(one.metrics["guard_loss"]! > 1);
  for (const field of ["loss", "guard_loss"]) {
    const [x, y] = [one.metrics[field]!, three.metrics[field]!];
    assert.ok(Math.abs(x - y) < 1e-5 * x, `${field}: ${x} and ${y}`);
  }
  assert.ok(Math.abs(none.metrics.loss - one.metrics.loss) < 1e-6 * one.metrics.loss);
  const added = (of: typeof one) => of.gradient.map((x, i) => x - none.gradient[i]!);
  const thrice = added(one).map((x) => 3 * x);
  assert.ok(distance(none.gradient, one.gradient) > 0.1, "retention text has a gradient");
  const apart = distance(added(three), thrice);
  assert.ok(apart < 1e-4, `gradients are ${apart} apart`);
});

Deno.test("weight tokens counts a guard token as much as a task token", async () => {
  using toy = new Toy();
  const run = (weight: number | "tokens") =>
    update(toy, `weight ${weight}`, { guard: { text: [toy.text], loss: "ce", share: 1, weight } });
  const { metrics } = await run("tokens");
  assert.ok(metrics["lambda"]! > 0.5 && metrics["lambda"] !== 1);
  const fixed = await run(metrics["lambda"]!);
  assert.equal(metrics.grad_norm, fixed.metrics.grad_norm);
});

/** A document whose last `supervised` tokens are supervised. */
function document(length: number, supervised: number): Example {
  const ids = new Uint32Array(length).fill(5);
  const labels = Int32Array.from(ids, (id, i) => i < length - supervised ? UNSUPERVISED : id);
  return { ids, labels, origin: `${length}` };
}

Deno.test("tokenWeights() of the 2024 accumulation bug's example give 1.10, not 1.50", async () => {
  const stream = new Stream([document(24, 10), document(96, 90)], {
    T: 104,
    seed: 1,
    shuffle: false,
  });
  const weights = tokenWeights([await stream.micro(0), await stream.micro(1)]);
  assert.deepEqual(weights.map(({ length }) => length), [10, 90]);
  const sum = (values: Float32Array) => values.reduce((total, x) => total + x, 0);
  const loss = 2 * sum(weights[0]!) + 1 * sum(weights[1]!);
  assert.ok(Math.abs(loss - 1.1) < 1e-6, `found ${loss}`);
});
