import assert from "node:assert/strict";
import fc from "fast-check";
import { type Batch, countSupervised, Stream, type StreamOptions } from "../../../src/data/mod.ts";
import { hash, random } from "../../../src/random.ts";
import { exampleOf } from "../toy.ts";

const T = 256;
/** Shuffled, in order, and the same of a mixture: made when a whole epoch was packed at once. */
const GOLDEN = [2689586477, 2553030462, 589262864, 3228129682];

function examplesOf(count: number, seed: number, longest = T) {
  return Array.from(
    { length: count },
    (_, i) => exampleOf(2 + Math.floor(random(seed, i) ** 2 * (longest - 1)), i),
  );
}

function streamOf(options: Partial<StreamOptions> = {}, count = 300) {
  return new Stream(examplesOf(count, 1), { T, seed: 5, shuffle: true, ...options });
}

async function microsOf(stream: Stream, from: number, to: number): Promise<Batch[]> {
  const micros: Batch[] = [];
  for (let i = from; i < to; i++) micros.push(await stream.micro(i));
  return micros;
}

/** The micro-batches of one epoch. */
const epochOf = async (stream: Stream, epoch: number) =>
  await microsOf(stream, await stream.micros(epoch), await stream.micros(epoch + 1));

function examplesIn(batches: Batch[]): number[] {
  return batches.flatMap(({ documents }) => documents.map(({ example }) => example));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

Deno.test("stream: an epoch holds every example once, each epoch in another order", async () => {
  const stream = streamOf();
  const epochs = [];
  for (const epoch of [0, 1, 2]) epochs.push(await epochOf(stream, epoch));
  for (const epoch of epochs) {
    const seen = examplesIn(epoch).sort((a, b) => a - b);
    assert.deepEqual(seen, [...Array(300).keys()]);
  }
  const groups = epochs.map((epoch) =>
    new Set(epoch.map((micro) => examplesIn([micro]).sort().join(" ")))
  );
  const repeated = groups[0]!.intersection(groups[1]!);
  assert.ok(repeated.size < groups[0]!.size / 4, `${repeated.size} micro-batches again`);
});

Deno.test("stream: any micro-batch is reached directly, in any order", async () => {
  const inOrder = await microsOf(streamOf(), 0, 300);
  const stream = streamOf();
  await fc.assert(
    fc.asyncProperty(fc.nat(299), async (index) => {
      assert.deepEqual(await stream.micro(index), inOrder[index]);
      assert.deepEqual(await streamOf().micro(index), inOrder[index]);
    }),
    { numRuns: 30 },
  );
});

Deno.test("stream: the order of a seed stays what it was, so that old runs resume", async () => {
  const sources = [{ count: 90, weight: 2 }, { count: 210, weight: 1 }];
  const orders: number[] = [];
  for (const options of [{}, { shuffle: false }, { sources }, { sources, shuffle: false }]) {
    const stream = streamOf(options);
    const micros = await microsOf(stream, 0, await stream.micros(3));
    orders.push(hash(0, micros.flatMap((micro) => [-1, ...examplesIn([micro])])));
  }
  assert.deepEqual(orders, GOLDEN);
});

Deno.test("stream: the next micro-batch looks at a window of examples, not at all of an epoch", async () => {
  const examples = examplesOf(20_000, 1);
  let looks = 0;
  const counted = {
    length: examples.length,
    at: (i: number) => {
      looks++;
      return examples[i];
    },
  };
  const stream = new Stream(counted, { T, seed: 5, shuffle: true });
  let most = 0;
  for (let i = 0; i < 200; i++) {
    looks = 0;
    await stream.micro(i);
    most = Math.max(most, looks);
  }
  console.log(`at most ${most} of ${examples.length}`);
  assert.ok(most < examples.length / 10);
});

Deno.test("stream: the seed decides the order", async () => {
  const order = async (seed: number) => examplesIn(await microsOf(streamOf({ seed }), 0, 10));
  assert.deepEqual(await order(1), await order(1));
  assert.notDeepEqual(await order(1), await order(2));
});

Deno.test("stream: without shuffle, examples keep their order in every epoch", async () => {
  const stream = streamOf({ shuffle: false });
  const micros = await microsOf(stream, 0, await stream.micros(2));
  const order = [...Array(300).keys()];
  assert.deepEqual(examplesIn(micros), [...order, ...order]);
});

Deno.test("stream: long examples come no earlier than short ones", async () => {
  const stream = streamOf();
  const epochs = 20;
  let offset = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const micros = await epochOf(stream, epoch);
    const long = micros.map(({ documents }) => documents.some(({ length }) => length > 0.85 * T));
    const places = long.flatMap((isLong, i) => isLong ? [(i + 0.5) / micros.length - 0.5] : []);
    offset += sum(places) / places.length / epochs;
  }
  assert.ok(Math.abs(offset) < 0.05, `${offset} of an epoch`);
});

Deno.test("stream: micro-batches are nearly full", async () => {
  const stream = streamOf({}, 2000);
  const micros = await epochOf(stream, 0);
  const filled = sum(micros.map(({ used }) => used)) / (micros.length * T);
  console.log(`filled ${(100 * filled).toFixed(1)} %`);
  assert.ok(filled > 1 / 1.25);
});

Deno.test("stream: supervised tokens of an epoch are those of its examples", async () => {
  const stream = streamOf();
  const labels = examplesOf(300, 1).map(countSupervised);
  const micros = await epochOf(stream, 0);
  assert.equal(sum(micros.map(({ supervised }) => supervised)), sum(labels));
});

Deno.test("stream: options out of range are refused", async () => {
  assert.throws(() => streamOf({}, 0), /no examples to train on/);
  assert.throws(() => streamOf({ T: 100 }), /T = 100, wanted a multiple of 8/);
  const long = [exampleOf(T + 1, 7)];
  await assert.rejects(
    new Stream(long, { T, seed: 5, shuffle: true }).micro(0),
    /toy:7: found 257 tokens/,
  );
});
