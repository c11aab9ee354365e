/** What the model writes while it trains. */
import assert from "node:assert/strict";
import { ConfigError } from "../../src/errors.ts";
import { Generator } from "../../src/inference/generator.ts";
import { openModel } from "../../src/inference/open.ts";
import type { RunEvent } from "../../src/runs/events.ts";
import { engine } from "../harness.ts";
import { Toy } from "./toy.ts";

type Settings = Parameters<Toy["train"]>[1];

/** Runs, with the bytes on the device at each event. */
async function trained(toy: Toy, out: string, settings: Settings, kind?: "pretrain") {
  const { device } = await engine();
  const before = device.allocated;
  const events: (RunEvent & { bytes: number })[] = [];
  await toy.train(out, settings, {
    ...(kind && { kind }),
    on: (event) => events.push({ ...event, bytes: device.allocated - before }),
  });
  assert.equal(device.allocated, before, "all is freed");
  return events;
}

const samplesOf = (events: readonly RunEvent[]) =>
  events.flatMap((event) => event.kind === "sample" ? [event] : []);

const evaluation = { samples: 3, sample_every: 2, sample_tokens: 9 };

Deno.test("samples come before every so many updates and at the end, and change nothing", async () => {
  using toy = new Toy();
  const train = { steps: 5, lr: 0.05 };
  const plain = await trained(toy, "plain", { guard: false, train });
  const events = await trained(toy, "sampled", { guard: false, train, eval: evaluation });
  const samples = samplesOf(events);
  assert.deepEqual(samples.map(({ step }) => step), [0, 2, 4, 5]);
  const timeless = (out: string) =>
    toy.metrics(out).map(({ tokens_per_second: _, ...numbers }) => numbers);
  assert.deepEqual(timeless("sampled"), timeless("plain"));
  assert.deepEqual(toy.adapter("sampled"), toy.adapter("plain"));

  const [first, last] = [samples[0]!.samples, samples.at(-1)!.samples];
  assert.equal(first.length, 3);
  assert.deepEqual(first.map(({ prompt }) => prompt), last.map(({ prompt }) => prompt));
  assert.notDeepEqual(first, last);
  const { device } = await engine();
  for (const [adapter, wanted] of [[undefined, first], [toy.path("sampled"), last]] as const) {
    using open = openModel(device, toy.model, adapter);
    const { tokenizer } = open.model;
    using generator = await Generator.open(open.engine, open.model, { adapt: open.adapt });
    for (const { prompt, text } of wanted) {
      const ids = tokenizer.encode(prompt);
      if (tokenizer.decode(ids) !== prompt || ids.length !== 4) continue; // of special tokens
      const made = await Array.fromAsync(generator.generate(ids, { maxTokens: 9 }));
      assert.equal(text, tokenizer.decode(made));
    }
  }

  // Beside the store of a run that trains there are caches and a program, and no second weights.
  const bytesAt = (events: readonly (RunEvent & { bytes: number })[]) =>
    events.find(({ kind }) => kind === "update")!.bytes;
  const more = bytesAt(events) - bytesAt(plain);
  const start = events.find((event) => event.kind === "start")!;
  const planned = start.memory["to write samples"]!;
  assert.ok(more >= planned && more < planned + 8000, `${more} bytes, ${planned} planned`);
  assert.ok(start.memory["weights"]! > 50_000);
});

Deno.test("a model from nothing writes too, with the params that are trained", async () => {
  using toy = new Toy();
  const settings = { guard: false as const, train: { steps: 4, lr: 0.05 }, eval: evaluation };
  const events = await trained(toy, "out", settings, "pretrain");
  const samples = samplesOf(events);
  assert.deepEqual(samples.map(({ step }) => step), [0, 2, 4]);
  assert.notDeepEqual(samples[0]!.samples, samples[2]!.samples);
});

Deno.test("samples of no rows are refused", async () => {
  using toy = new Toy();
  const settings = { guard: false as const, eval: { samples: 0, sample_every: 2 } };
  await assert.rejects(toy.train("out", settings), (fault) => {
    assert.ok(fault instanceof ConfigError);
    return /eval\.sample_every: found 2 beside 0 samples, wanted some/.test(fault.message);
  });
});
