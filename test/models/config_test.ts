/** Reading config.json: frequencies, and faults that name file and key. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { FileError } from "../../src/errors.ts";
import { ConfigReader } from "../../src/models/config.ts";
import { Model } from "../../src/models/model.ts";
import { angleTable, readFrequencies } from "../../src/models/rope.ts";
import { freshEngine, type TinyOptions, withTiny } from "./tiny.ts";

/** Frequencies of Llama 3.1: base 500,000, heads of 64, 8,192 tokens stretched 32 times. */
const LLAMA3 = {
  rope_type: "llama3",
  factor: 32,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
};
/** From the formulas of transformers, in f64. */
const LLAMA3_FREQUENCIES: Readonly<Record<number, number>> = {
  14: 0.0032114460,
  15: 0.00129054793,
  16: 0.000429556797,
  17: 9.70828780e-5,
  20: 8.57025549e-6,
  31: 9.41830673e-8,
};

Deno.test("llama3 scaling gives the frequencies of transformers, in either spelling", () => {
  for (
    const fields of [
      { rope_theta: 5e5, rope_scaling: LLAMA3 },
      { rope_parameters: { ...LLAMA3, rope_theta: 5e5 } },
    ]
  ) {
    const found = readFrequencies(new ConfigReader("config.json", fields), 64);
    assert.equal(found.length, 32);
    for (const [i, expected] of Object.entries(LLAMA3_FREQUENCIES)) {
      const error = Math.abs(found[Number(i)]! / expected - 1);
      assert.ok(error < 1e-8, `${i}: ${found[Number(i)]}, wanted ${expected}`);
    }
  }
});

Deno.test("linear scaling divides all frequencies, and no scaling keeps them", () => {
  const read = (fields: Record<string, unknown>) =>
    readFrequencies(new ConfigReader("config.json", fields), 4);
  assert.deepEqual([...read({ rope_theta: 100, rope_scaling: null })], [1, 0.1]);
  const linear = { type: "linear", factor: 4 };
  assert.deepEqual([...read({ rope_theta: 100, rope_scaling: linear })], [0.25, 0.025]);
  const table = angleTable(read({ rope_theta: 100 }), 3);
  const row = [Math.cos(2), Math.cos(0.2), Math.sin(2), Math.sin(0.2)];
  assert.deepEqual([...table.subarray(8)], row.map(Math.fround));
});

for (
  const [what, config, words] of [
    ["an unknown model_type", { model_type: "mamba" }, ['"model_type" is "mamba"', "llama"]],
    ["words for a flag", { attention_bias: "yes" }, ['"attention_bias" is "yes"', "true or false"]],
    ["another activation", { hidden_act: "gelu" }, ['"hidden_act" is "gelu"', '"silu"']],
    ["heads of an odd size", { head_dim: 9 }, ['"head_dim" is 9', "multiple of 8"]],
    ["a missing size", { hidden_size: undefined }, ['"hidden_size" is undefined', "a number"]],
    ["half a layer", { num_hidden_layers: 1.5 }, ['"num_hidden_layers" is 1.5', "whole number"]],
    ["words for a number", { rms_norm_eps: "small" }, ['"rms_norm_eps" is "small"', "a number"]],
    ["an unknown scaling", { rope_scaling: { rope_type: "yarn" } }, ['"rope_type" is "yarn"']],
    ["a scaling without its factor", { rope_scaling: { type: "linear" } }, ['"factor" is']],
  ] as [string, Record<string, unknown>, string[]][]
) {
  Deno.test(`a config with ${what} is refused with file and key`, () =>
    withTiny({ config }, (folder) => {
      assertFault(() => new Model(folder), [join(folder, "config.json"), ...words]);
      return Promise.resolve();
    }));
}

for (
  const [what, options, words] of [
    ["too few layers", { config: { num_hidden_layers: 3 } }, ['"model.layers.2.', "tensor"]],
    ["a head that is not there", { config: { tie_word_embeddings: false } }, ['"lm_head.weight"']],
    ["another vocabulary", { config: { vocab_size: 60 } }, ["[61,32]", "wanted [60,32]"]],
    ["weights of 64 bits", { dtype: "F64" }, ["is stored as F64", "BF16"]],
  ] as [string, TinyOptions, string[]][]
) {
  Deno.test(`a checkpoint with ${what} is refused with folder and tensor`, async () => {
    const engine = await freshEngine();
    await withTiny(options, (folder) => {
      using model = new Model(folder);
      assertFault(() => model.lossGraph(engine, { T: 8 }), [folder, ...words]);
      return Promise.resolve();
    });
  });
}

function assertFault(action: () => unknown, words: readonly string[]): void {
  assert.throws(action, (fault: Error) => {
    assert.ok(fault instanceof FileError, `wanted a FileError, found ${fault.stack}`);
    for (const word of words) assert.ok(fault.message.includes(word), `${word}: ${fault.message}`);
    assert.doesNotMatch(fault.message, /\.$|\n/);
    return true;
  });
}
