import assert from "node:assert/strict";
import fc from "fast-check";
import { type Batch, Stream, type StreamOptions } from "../../src/data/mod.ts";
import { random } from "../../src/random.ts";
import { exampleOf } from "./toy.ts";

const T = 256;

function examplesOf(count: number, seed: number, longest = T) {
  return Array.from(
    { length: count },
    (_, i) => exampleOf(2 + Math.floor(random(seed, i) ** 2 * (longest - 1)), i),
  );
}

function streamOf(options: Partial<StreamOptions> = {}, count = 300) {
  return new Stream(examplesOf(count, 1), { T, seed: 5, shuffle: true, ...options });
}

function microsOf(stream: Stream, from: number, to: number): Batch[] {
  return Array.from({ length: to - from }, (_, i) => stream.micro(from + i));
}

function examplesIn(batches: Batch[]): number[] {
  return batches.flatMap(({ documents }) => documents.map(({ example }) => example));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

Deno.test("stream: an epoch holds every example once, each epoch in another order", () => {
  const stream = streamOf();
  const epochs = [0, 1, 2].map((epoch) =>
    microsOf(stream, stream.micros(epoch), stream.micros(epoch + 1))
  );
  for (const epoch of epochs) {
    const seen = examplesIn(epoch).sort((a, b) => a - b);
    assert.deepEqual(seen, stream.examples.map((_, i) => i));
  }
  const groups = epochs.map((epoch) =>
    new Set(epoch.map((micro) => examplesIn([micro]).sort().join(" ")))
  );
  const repeated = groups[0]!.intersection(groups[1]!);
  assert.ok(repeated.size < groups[0]!.size / 4, `${repeated.size} micro-batches again`);
});

Deno.test("stream: any micro-batch is reached directly, in any order", () => {
  const options = { retention: examplesOf(40, 2, 100), retentionShare: 0.2 };
  const inOrder = microsOf(streamOf(options), 0, 300);
  const stream = streamOf(options);
  fc.assert(
    fc.property(fc.nat(299), (index) => {
      assert.deepEqual(stream.micro(index), inOrder[index]);
      assert.deepEqual(streamOf(options).micro(index), inOrder[index]);
    }),
    { numRuns: 30 },
  );
});

Deno.test("stream: the seed decides the order", () => {
  const order = (seed: number) => examplesIn(microsOf(streamOf({ seed }), 0, 10));
  assert.deepEqual(order(1), order(1));
  assert.notDeepEqual(order(1), order(2));
});

Deno.test("stream: without shuffle, examples keep their order in every epoch", () => {
  const stream = streamOf({ shuffle: false });
  const micros = microsOf(stream, 0, stream.micros(2));
  const order = stream.examples.map((_, i) => i);
  assert.deepEqual(examplesIn(micros), [...order, ...order]);
});

Deno.test("stream: long examples come no earlier than short ones", () => {
  const stream = streamOf();
  const epochs = 20;
  let offset = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const micros = microsOf(stream, stream.micros(epoch), stream.micros(epoch + 1));
    const long = micros.map(({ documents }) => documents.some(({ length }) => length > 0.85 * T));
    const places = long.flatMap((isLong, i) => isLong ? [(i + 0.5) / micros.length - 0.5] : []);
    offset += sum(places) / places.length / epochs;
  }
  assert.ok(Math.abs(offset) < 0.05, `${offset} of an epoch`);
});

Deno.test("stream: micro-batches are nearly full", () => {
  const stream = streamOf({}, 2000);
  const micros = microsOf(stream, 0, stream.micros(1));
  const filled = sum(micros.map(({ used }) => used)) / (micros.length * T);
  console.log(`filled ${(100 * filled).toFixed(1)} %`);
  assert.ok(filled > 1 / 1.25);
});

Deno.test("stream: supervised tokens of an epoch are those of its examples", () => {
  const stream = streamOf();
  const labels = stream.examples.map((example) => example.labels.filter((x) => x !== -100).length);
  const micros = microsOf(stream, 0, stream.micros(1));
  assert.equal(sum(micros.map(({ supervised }) => supervised)), sum(labels));
});

Deno.test("stream: retention keeps to its share in every epoch, drawn in turn", () => {
  for (const [retentionShare, shuffle] of [[0.05, true], [0.25, true], [0.5, false], [0.9, true]]) {
    const retention = examplesOf(50, 3, T / 8);
    const stream = streamOf({ retention, retentionShare, shuffle } as Partial<StreamOptions>);
    let owed = 0;
    for (let epoch = 0; epoch < 3; epoch++) {
      for (const micro of microsOf(stream, stream.micros(epoch), stream.micros(epoch + 1))) {
        owed += (retentionShare as number) * micro.used - stream.retentionTokens(micro);
      }
      assert.ok(Math.abs(owed) <= T, `${owed} tokens owed after epoch ${epoch}`);
    }
    const seen = examplesIn(microsOf(stream, 0, stream.micros(3)));
    const counts = stream.examples.map((_, i) => seen.filter((example) => example === i).length);
    assert.ok(counts.slice(0, 300).every((count) => count === 3));
    assert.ok(Math.max(...counts.slice(300)) - Math.min(...counts.slice(300)) <= 1);
  }
});

Deno.test("stream: full micro-batches of short documents each have their share of retention", () => {
  const options = { T, seed: 5, shuffle: true, retentionShare: 0.25 };
  const retention = examplesOf(50, 3, T / 16);
  const stream = new Stream(examplesOf(300, 1, T / 4), { ...options, retention });
  const full = microsOf(stream, 0, stream.micros(3)).filter(({ used }) => used > 0.95 * T);
  assert.ok(full.length > 0.9 * stream.micros(3));
  for (const micro of full) {
    // Drawing stops within half a document of what is due, in this micro-batch and the one before.
    const tokensOff = Math.abs(stream.retentionTokens(micro) - 0.25 * micro.used);
    assert.ok(tokensOff <= T / 16 + 0.05 * T, `${tokensOff} tokens`);
  }
});

Deno.test("stream: retention longer than its room still takes its share", () => {
  const retention = [exampleOf(T), exampleOf(T - 1)];
  const stream = streamOf({ retention, retentionShare: 0.1 });
  assert.ok(Math.abs(shareOf(stream, microsOf(stream, 0, 200)) - 0.1) < 0.02);
});

Deno.test("stream: two short documents and retention, as in the smallest run", () => {
  const task = [exampleOf(60), exampleOf(70)];
  const retention = examplesOf(10, 4, 40);
  const stream = new Stream(task, { T, seed: 0, shuffle: false, retention, retentionShare: 0.25 });
  const micros = microsOf(stream, 0, 40);
  assert.ok(Math.abs(shareOf(stream, micros) - 0.25) < 0.02);
  assert.equal(stream.micros(40), 40);
});

function shareOf(stream: Stream, micros: Batch[]): number {
  return sum(micros.map((batch) => stream.retentionTokens(batch))) /
    sum(micros.map(({ used }) => used));
}

Deno.test("stream: options out of range are refused", () => {
  assert.throws(() => streamOf({}, 0), /no examples to train on/);
  assert.throws(() => streamOf({ T: 100 }), /T = 100, wanted a multiple of 8/);
  assert.throws(() => streamOf({ retentionShare: 0.95 }), /share of 0.95, wanted 0 to 0.9/);
  assert.throws(() => streamOf({ retentionShare: 0.5 }), /no retention text/);
  assert.throws(() => streamOf({ retention: [exampleOf(T + 1, 7)] }), /toy:7: found 257 tokens/);
});
