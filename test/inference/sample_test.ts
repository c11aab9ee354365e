import assert from "node:assert/strict";
import { sample, type SampleOptions } from "../../src/inference/sample.ts";

const LOGITS = Float32Array.from([0.25, 0.5, 0.1, 0.15], Math.log);

/** How often each token is drawn, with u spread evenly. */
function shares(options: Partial<SampleOptions>, logits = LOGITS): number[] {
  const draws = 12_000;
  const counts = new Array<number>(logits.length).fill(0);
  for (let i = 0; i < draws; i++) counts[sample(logits, options, (i + 0.5) / draws)]!++;
  return counts.map((count) => Math.round(1000 * count / draws) / 1000);
}

Deno.test("without a temperature the first of the highest is taken", () => {
  assert.equal(sample(Float32Array.of(1, 3, 3, 2), {}, 0.99), 1);
  assert.deepEqual(shares({ topK: 3, topP: 0.1 }), [0, 1, 0, 0]);
});

Deno.test("temperature 1 draws by the probabilities, 0.5 by their squares", () => {
  assert.deepEqual(shares({ temperature: 1 }), [0.25, 0.5, 0.1, 0.15]);
  const squares = [0.0625, 0.25, 0.01, 0.0225];
  const expected = squares.map((square) => Math.round(1000 * square / 0.345) / 1000);
  assert.deepEqual(shares({ temperature: 0.5 }), expected);
});

Deno.test("top-k keeps the k likeliest and all that tie with the last of them", () => {
  assert.deepEqual(shares({ temperature: 1, topK: 2 }), [0.333, 0.667, 0, 0]);
  assert.deepEqual(shares({ temperature: 1, topK: 9 }), [0.25, 0.5, 0.1, 0.15]);
  assert.deepEqual(shares({ temperature: 1, topK: 2 }, Float32Array.of(5, 0, 5, 5)), [
    ...[0.333, 0, 0.333, 0.333],
  ]);
});

Deno.test("top-p keeps the fewest that reach the sum, one at least", () => {
  assert.deepEqual(shares({ temperature: 1, topP: 0.01 }), [0, 1, 0, 0]);
  assert.deepEqual(shares({ temperature: 1, topP: 0.49 }), [0, 1, 0, 0]);
  assert.deepEqual(shares({ temperature: 1, topP: 0.51 }), [0.333, 0.667, 0, 0]);
  assert.deepEqual(shares({ temperature: 1, topP: 0.76 }), [0.278, 0.556, 0, 0.167]);
});

Deno.test("top-p counts within what temperature and top-k have left", () => {
  assert.deepEqual(shares({ temperature: 1, topK: 2, topP: 0.6 }), [0, 1, 0, 0]);
  assert.deepEqual(shares({ temperature: 0.5, topP: 0.7 }), [0, 1, 0, 0]);
});

Deno.test("a token that was left out is never drawn, however large u is", () => {
  assert.equal(sample(LOGITS, { temperature: 1, topK: 2 }, 1 - 2 ** -32), 1);
  assert.equal(sample(LOGITS, { temperature: 1, topK: 2 }, 0), 0);
});

Deno.test("options out of range and scores that are no numbers are refused", () => {
  const refuses = (options: Partial<SampleOptions>, words: RegExp, logits = LOGITS) =>
    assert.throws(() => sample(logits, options, 0.5), (fault: Error) => {
      return fault instanceof RangeError && words.test(fault.message);
    });
  refuses({ temperature: -1 }, /temperature of -1/);
  refuses({ temperature: NaN }, /temperature of NaN/);
  refuses({ topK: 1.5 }, /top-k of 1\.5/);
  refuses({ topP: 0 }, /top-p of 0/);
  refuses({ topP: 1.1 }, /top-p of 1\.1/);
  refuses({}, /no finite score/, Float32Array.of(NaN, NaN));
  refuses({}, /no finite score/, Float32Array.of(0, Infinity));
});
