import assert from "node:assert/strict";
import { type Example, inspectExamples, runsOf } from "../../src/data/mod.ts";

const BOS = 0;
const EOS = 1;

/** An example of which the tokens from `learned` on are supervised. */
function example(ids: number[], learned: number): Example {
  const labels = Int32Array.from(ids, (id, i) => i < learned ? -100 : id);
  return { ids: Uint32Array.from(ids), labels, origin: "test" };
}

const good = example([BOS, 5, 6, 7, EOS], 3);

Deno.test("inspectExamples() counts tokens and lengths", () => {
  const long = example([BOS, ...Array(97).fill(9), 8, EOS], 50);
  const { examples, tokens, supervised, lengths, faults } = inspectExamples(
    [good, example([BOS, 2, EOS], 1), long],
    { bos: BOS, eos: EOS },
  );
  assert.deepEqual([examples, tokens, supervised], [3, 108, 2 + 2 + 50]);
  assert.deepEqual(lengths, { p50: 5, p90: 100, p99: 100, longest: 100 });
  assert.deepEqual(faults, { doubleBos: 0, neverEnds: 0, unsupervised: 0, duplicates: 0 });
});

Deno.test("inspectExamples() finds what spoils training", () => {
  const faultsOf = (bad: Example, eos: number | null = EOS) =>
    inspectExamples([good, bad], { bos: BOS, eos }).faults;
  assert.equal(faultsOf(example([BOS, BOS, 5, EOS], 2)).doubleBos, 1);
  assert.equal(faultsOf(example([BOS, 5, 6], 1)).neverEnds, 1);
  assert.equal(faultsOf(example([BOS, 5, EOS, 6], 3)).neverEnds, 1, "an end that is not learned");
  assert.equal(faultsOf(example([BOS, 5, 6], 1), null).neverEnds, 0, "a tokenizer without EOS");
  assert.equal(faultsOf(example([BOS, 5], 2)).unsupervised, 1);
  assert.equal(faultsOf(example([BOS, 5, 6, 7, EOS], 4)).duplicates, 1);
  assert.throws(() => inspectExamples([], { bos: BOS, eos: EOS }), RangeError);
});

Deno.test("runsOf() cuts an example where its mask changes", () => {
  const turns = { ...good, labels: Int32Array.of(-100, 5, 6, -100, EOS) };
  assert.deepEqual(runsOf(turns), [
    { supervised: false, from: 0, to: 1 },
    { supervised: true, from: 1, to: 3 },
    { supervised: false, from: 3, to: 4 },
    { supervised: true, from: 4, to: 5 },
  ]);
});
