/** A config with huge sizes is refused at once: no size is allocated before a tensor confirms it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { FileError } from "../../src/errors.ts";
import { plan } from "../../src/graph/plan.ts";
import { Model } from "../../src/models/model.ts";
import { readGolden, writeGolden } from "../golden/golden.ts";
import { freshEngine } from "./tiny.ts";

const HUGE = [1e9, 2 ** 31, 1e12, Number.MAX_SAFE_INTEGER, 1e308];

/** Sizes that tensors have, as T5 calls them. */
const T5_SIZES = [
  "d_model",
  "d_ff",
  "d_kv",
  "num_layers",
  "num_decoder_layers",
  "num_heads",
  "relative_attention_num_buckets",
  "vocab_size",
];

/** As the others do; the rest may be anything without a byte being allocated for it. */
const SIZES = [
  "hidden_size",
  "intermediate_size",
  "num_hidden_layers",
  "num_attention_heads",
  "num_key_value_heads",
  "head_dim",
  "vocab_size",
];

/** Lists of one entry a layer stand aside, so that nothing is compared with their length. */
const NO_LISTS = { layer_types: null, no_rope_layers: null };

for (const name of ["llama", "qwen2", "smollm3", "gemma3_text", "phi3", "t5"]) {
  const sizes = name === "t5" ? T5_SIZES : SIZES;
  Deno.test(`${name} refuses huge sizes before it allocates them`, async () => {
    const engine = await freshEngine();
    const golden = readGolden(name);
    const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
    try {
      const folder = join(parent, "model");
      writeGolden(folder, golden);
      const numbers = Object.keys(golden.config)
        .filter((key) => typeof golden.config[key] === "number");
      for (const key of new Set([...sizes, ...numbers, "sliding_window"])) {
        for (const value of HUGE) {
          const config = { ...golden.config, ...NO_LISTS, [key]: value };
          Deno.writeTextFileSync(join(folder, "config.json"), JSON.stringify(config));
          const refusal = opening(() => {
            using model = new Model(folder);
            plan(model.lossGraph(engine, { T: 8, train: true, full: false }).graph);
          });
          if (sizes.includes(key)) assert.ok(refusal, `${key} = ${value}`);
        }
      }
    } finally {
      Deno.removeSync(parent, { recursive: true });
    }
  });
}

Deno.test("numbers that f32 cannot compute with are refused by key", () => {
  const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    const golden = readGolden("llama");
    writeGolden(folder, golden);
    const values = { rope_theta: [-1, 0, 1e300], rms_norm_eps: [-5, 0, 1e-300, 2] };
    for (const [key, bad] of Object.entries(values)) {
      for (const value of bad) {
        const config = { ...golden.config, rope_parameters: undefined, [key]: value };
        Deno.writeTextFileSync(join(folder, "config.json"), JSON.stringify(config));
        const refusal = opening(() => new Model(folder)[Symbol.dispose]());
        assert.match(refusal?.message ?? "", new RegExp(`"${key}" is .*, wanted a number`));
      }
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

/** What `open` was refused with; any other fault is thrown. */
function opening(open: () => void): FileError | undefined {
  try {
    open();
    return undefined;
  } catch (fault) {
    if (fault instanceof FileError) return fault;
    throw fault;
  }
}
