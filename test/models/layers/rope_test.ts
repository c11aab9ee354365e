/** Frequencies against those of transformers, and the tables that kernels read. */
import assert from "node:assert/strict";
import { ConfigReader } from "../../../src/models/config.ts";
import { familyOf } from "../../../src/models/mod.ts";
import { angleTable, type Frequencies, readFrequencies } from "../../../src/models/layers/rope.ts";
import vectors from "../../golden/vectors/rope.json" with { type: "json" };

/** f32 in transformers, f64 here. */
const RELATIVE = 1e-6;

interface Recorded {
  readonly config: Readonly<Record<string, unknown>>;
  readonly pairs: readonly number[];
  readonly long: readonly number[];
  readonly factor: number;
}

for (const [name, golden] of Object.entries<Recorded>(vectors)) {
  Deno.test(`the frequencies of "${name}" are those of transformers`, () => {
    const found = frequenciesOf(golden);
    assertPairs(found.pairs, golden.pairs);
    assertPairs(found.long?.pairs ?? found.pairs, golden.long);
    assert.ok(Math.abs(found.factor / golden.factor - 1) < RELATIVE, `factor ${found.factor}`);
  });
}

function frequenciesOf({ config }: Recorded): Frequencies {
  const sizes = {
    ...{ vocab_size: 8, intermediate_size: 8, num_hidden_layers: 1, use_sliding_window: false },
    ...config,
  };
  const family = familyOf(config["model_type"], "config.json");
  const parsed = family.parse(new ConfigReader("config.json", sizes));
  return (parsed as typeof parsed & { frequencies: Frequencies }).frequencies;
}

function assertPairs(found: Float64Array, wanted: readonly number[]): void {
  assert.equal(found.length, wanted.length);
  for (const [i, expected] of wanted.entries()) {
    const error = Math.abs(found[i]! / expected - 1);
    assert.ok(error < RELATIVE, `pair ${i}: found ${found[i]}, wanted ${expected}`);
  }
}

Deno.test("angleTable() has cosines, then sines, of each position, times the factor", () => {
  const { pairs } = readFrequencies(new ConfigReader("config.json", { rope_theta: 100 }), 4);
  assert.deepEqual([...pairs], [1, 0.1]);
  const row = [Math.cos(2), Math.cos(0.2), Math.sin(2), Math.sin(0.2)];
  for (const factor of [1, 1.25]) {
    const table = angleTable({ pairs, factor }, 3);
    assert.deepEqual([...table.subarray(8)], row.map((x) => Math.fround(factor * x)));
  }
});
