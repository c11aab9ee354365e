/** Reading config.json: faults that name file and key. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { FileError } from "../../src/errors.ts";
import { Model } from "../../src/models/model.ts";
import { freshEngine, type TinyOptions, withTiny } from "./tiny.ts";

for (
  const [what, config, words] of [
    ["an unknown model_type", { model_type: "mamba" }, ['"model_type" is "mamba"', "llama"]],
    ["no word for it", { model_type: { toString: 0 } }, [
      '"model_type" is {"toString":0}',
      "llama",
    ]],
    ["words for a flag", { attention_bias: "yes" }, ['"attention_bias" is "yes"', "true or false"]],
    ["another activation", { hidden_act: "gelu" }, ['"hidden_act" is "gelu"', '"silu"']],
    ["heads of an odd size", { head_dim: 9 }, ['"head_dim" is 9', "multiple of 8"]],
    ["a missing size", { hidden_size: undefined }, ['"hidden_size" is undefined', "a number"]],
    ["half a layer", { num_hidden_layers: 1.5 }, ['"num_hidden_layers" is 1.5', "whole number"]],
    ["words for a number", { rms_norm_eps: "small" }, ['"rms_norm_eps" is "small"', "a number"]],
    ["an unknown scaling", { rope_scaling: { rope_type: "mrope" } }, ['"rope_type" is "mrope"']],
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
