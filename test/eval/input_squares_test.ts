import assert from "node:assert/strict";
import { inputSquares } from "../../src/eval/input_squares.ts";
import { Model } from "../../src/models/model.ts";
import { freshEngine, tinyExamples, tinyTensors, withTiny } from "../models/tiny.ts";

Deno.test("squares of what the first layer reads are those of the f64 norm, padding left out", () =>
  withTiny({}, async (folder, { vocab, hidden, inner, layers, eps }) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const examples = tinyExamples(vocab, [19, 10, 24, 5]);
    const { modules, tokens } = await inputSquares(engine, model, examples);
    engine.store.destroy();
    assert.equal(tokens, 19 + 10 + 24 + 5);
    assert.equal(modules.size, 7 * layers);

    const tensors = tinyTensors(folder);
    const table = tensors.get("model.embed_tokens.weight")!;
    const norm = tensors.get("model.layers.0.input_layernorm.weight")!;
    const wanted = new Float64Array(hidden);
    for (const id of examples.flatMap(({ ids }) => [...ids])) {
      const row = table.subarray(id * hidden, (id + 1) * hidden);
      const mean = row.reduce((sum, x) => sum + x * x, 0) / hidden;
      for (const c of wanted.keys()) wanted[c]! += (row[c]! * norm[c]!) ** 2 / (mean + eps);
    }
    for (const part of ["q", "k", "v"]) {
      const found = modules.get(`model.layers.0.self_attn.${part}_proj`)!;
      assert.equal(found.length, hidden);
      for (const [c, x] of wanted.entries()) {
        assert.ok(Math.abs(found[c]! / x - 1) < 1e-5, `${part} ${c}`);
      }
    }
    assert.equal(modules.get("model.layers.1.mlp.down_proj")!.length, inner);
  }));
