/** Checkpoints that were saved from the model without its head. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openCheckpoint, writeCheckpoint } from "../../src/io/checkpoint.ts";
import { Model } from "../../src/models/model.ts";
import { type TinyOptions, withTiny } from "./tiny.ts";

/** Writes the tensors of a tiny model anew as its backbone would be saved. */
function backboneOf(folder: string): string {
  using checkpoint = openCheckpoint(folder);
  const tensors = [...checkpoint.tensors.values()]
    .filter(({ name }) => name !== "lm_head.weight")
    .map((tensor) => ({
      ...tensor,
      name: tensor.name.replace(/^model\./, ""),
      data: checkpoint.read(tensor.name),
    }));
  const bare = join(folder, "..", "bare");
  writeCheckpoint(bare, { config: checkpoint.config, tensors, copyFrom: folder });
  return bare;
}

const opened = (options: TinyOptions, check: (whole: Model, bare: Model) => void) =>
  withTiny(options, (folder) => {
    using whole = new Model(folder);
    using bare = new Model(backboneOf(folder));
    check(whole, bare);
    return Promise.resolve();
  });

const GELU = { hidden_act: "gelu_pytorch_tanh" };

for (const type of ["llama", "mistral", "qwen2", "qwen3", "gemma", "olmo2"]) {
  Deno.test(`a ${type} without \`model.\` in its names has the same tensors`, () =>
    opened({ config: { model_type: type, ...(type === "gemma" && GELU) } }, (whole, bare) => {
      const names = [...whole.checkpoint.tensors.keys()];
      assert.ok(names.every((name) => name.startsWith("model.")));
      for (const name of [...names, "lm_head.weight"]) {
        assert.deepEqual(bare.tensors.reader(name)(), whole.tensors.reader(name)(), name);
      }
    }));
}

Deno.test("a backbone whose head is not tied is refused for its head", () =>
  opened({ tied: false }, (_, bare) => {
    assert.throws(() => bare.tensors.get("lm_head.weight"), /Cannot find tensor "lm_head\.weight"/);
  }));
