import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Batch,
  countSupervised,
  proportionalShares,
  type Source,
  Stream,
} from "../../../src/data/mod.ts";
import { random } from "../../../src/random.ts";
import { exampleOf } from "../toy.ts";

const T = 512;
const SOURCES: readonly Source[] = [
  { count: 400, weight: 5 },
  { count: 150, weight: 3 },
  { count: 30, weight: 2 },
];
/** Examples of each source: the second's are long, the third's short. */
const examples = SOURCES.flatMap(({ count }, source) =>
  Array.from({ length: count }, (_, i) => {
    const longest = [120, 500, 40][source]!;
    return exampleOf(4 + Math.floor(random(source, i) * (longest - 4)), i);
  })
);

function streamOf(options: Partial<ConstructorParameters<typeof Stream>[1]> = {}): Stream {
  return new Stream(examples, { T, seed: 3, shuffle: true, sources: SOURCES, ...options });
}

/** Supervised tokens of each source. */
function tokensOf(batches: readonly Batch[]): number[] {
  const tokens = [0, 0, 0];
  for (const { example } of batches.flatMap(({ documents }) => documents)) {
    const source = example < 400 ? 0 : example < 550 ? 1 : 2;
    tokens[source]! += countSupervised(examples[example]!);
  }
  return tokens;
}

async function micros(stream: Stream, from: number, to: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (let i = from; i < to; i++) batches.push(await stream.micro(i));
  return batches;
}

/** The micro-batches of one epoch. */
const epochOf = async (stream: Stream, epoch: number) =>
  await micros(stream, await stream.micros(epoch), await stream.micros(epoch + 1));

Deno.test("mixture: the shares of the supervised tokens are those asked for, in every epoch", async () => {
  for (const options of [{}, { shuffle: false }]) {
    const stream = streamOf(options);
    for (const epoch of [0, 1, 2]) {
      const batches = await epochOf(stream, epoch);
      const tokens = tokensOf(batches);
      const total = tokens.reduce((a, b) => a + b);
      const whole = examples.reduce((sum, example) => sum + countSupervised(example), 0);
      assert.ok(total >= whole && total < whole + T, `${total} of ${whole} tokens`);
      tokens.forEach((count, i) => {
        const off = Math.abs(count / total - [0.5, 0.3, 0.2][i]!);
        assert.ok(off < 0.005, `source ${i} has ${count} of ${total} in epoch ${epoch}`);
      });
    }
  }
});

Deno.test("mixture: 50 000 tokens from anywhere keep the shares too", async () => {
  let worst = 0;
  for (const start of [0, 7, 40, 111, 300]) {
    const stream = streamOf();
    const batches: Batch[] = [];
    for (let supervised = 0, i = start; supervised < 50_000; i++) {
      batches.push(await stream.micro(i));
      supervised += batches.at(-1)!.supervised;
    }
    const tokens = tokensOf(batches);
    const total = tokens.reduce((a, b) => a + b);
    const off = tokens.map((count, i) => Math.abs(count / total - [0.5, 0.3, 0.2][i]!));
    worst = Math.max(worst, ...off);
  }
  console.log(`at most ${(100 * worst).toFixed(2)} % off`);
  assert.ok(worst < 0.005);
});

Deno.test("mixture: any micro-batch is reached directly, as after a resume", async () => {
  const inOrder = await micros(streamOf(), 0, 300);
  const stream = streamOf();
  await fc.assert(
    fc.asyncProperty(fc.nat(299), async (index) => {
      assert.deepEqual(await stream.micro(index), inOrder[index]);
      assert.deepEqual(await streamOf().micro(index), inOrder[index]);
    }),
    { numRuns: 10 },
  );
  assert.notDeepEqual(await micros(streamOf({ seed: 4 }), 0, 20), inOrder.slice(0, 20));
});

Deno.test("mixture: a source gives all its examples before one comes again", async () => {
  const stream = streamOf();
  const seen = (await micros(stream, 0, await stream.micros(3)))
    .flatMap(({ documents }) => documents.map(({ example }) => example));
  let first = 0;
  for (const { count } of SOURCES) {
    const times = Array.from(
      { length: count },
      (_, i) => seen.filter((example) => example === first + i).length,
    );
    assert.ok(Math.max(...times) - Math.min(...times) <= 1, `${Math.min(...times)} times`);
    first += count;
  }
});

Deno.test("mixture: shares in proportion to rows, as seqio's mixing_rate_num_examples has them", () => {
  const close = (found: number[], wanted: number[]) =>
    found.forEach((share, i) => assert.ok(Math.abs(share - wanted[i]!) < 5e-5, `${found}`));
  const sizes = [500, 3000, 30_000];
  close(proportionalShares(sizes, { maximum: 3000 }), [0.0769, 0.4615, 0.4615]);
  close(proportionalShares(sizes, { maximum: 3000, temperature: 2 }), [0.1695, 0.4152, 0.4152]);
  close(proportionalShares(sizes, {}), [0.0149, 0.0896, 0.8955]);
  close(proportionalShares(sizes, { temperature: 1e9 }), [1 / 3, 1 / 3, 1 / 3]);
});

Deno.test("mixture: each epoch ends with its realised shares, in supervised tokens", async () => {
  const counts = SOURCES.map(({ count }) => count);
  const shares = proportionalShares(counts, { maximum: 200, temperature: 2 });
  const told: [epoch: number, tokens: readonly number[]][] = [];
  const stream = streamOf({
    sources: counts.map((count, i) => ({ count, weight: shares[i]! })),
    onEpochEnd: (...epoch) => told.push(epoch),
  });
  await stream.micro(0);
  await stream.micro(await stream.micros(1) - 2);
  assert.equal(told.length, 0);
  const epochs = [await epochOf(stream, 0), await epochOf(stream, 1)];
  assert.deepEqual(told, epochs.map((batches, epoch) => [epoch, tokensOf(batches)]));
  for (const [, tokens] of told) {
    const total = tokens.reduce((a, b) => a + b);
    tokens.forEach((count, i) => assert.ok(Math.abs(count / total - shares[i]!) < 0.005));
  }
  assert.equal(told.length, 2);
  const fresh = streamOf({ onEpochEnd: () => assert.fail("not at its end") });
  await fresh.micro(await stream.micros(1) + 1);
});

Deno.test("mixture: sources that do not fit are refused", () => {
  const two = (weight: number, count = 180) => [{ count: 400, weight: 1 }, { count, weight }];
  assert.throws(() => streamOf({ sources: two(0) }), /180 examples of weight 0, wanted both/);
  assert.throws(() => streamOf({ sources: two(1, 0) }), /0 examples of weight 1/);
  assert.throws(() => streamOf({ sources: two(1, 100) }), /500 examples, wanted the 580/);
});
