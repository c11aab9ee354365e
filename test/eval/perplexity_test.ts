import assert from "node:assert/strict";
import { perplexity } from "../../src/eval/perplexity.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { freshEngine, tinyExamples, tinyTensors, withTiny } from "../models/tiny.ts";
import { llamaLoss } from "../../src/reference/llama.ts";

Deno.test("every document's nats equal the f64 model, however documents are packed", () =>
  withTiny({}, async (folder, sizes) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const examples = tinyExamples(sizes.vocab, [19, 10, 24, 5, 7, 16]);
    const tensors = tinyTensors(folder);
    const expected = examples.map((example) => llamaLoss([example], sizes, tensors));
    for (const T of [24, 56, 160]) {
      const program = await LossProgram.open(engine, model, { T });
      const found = await perplexity(program, examples);
      for (const [i, { nats, tokens }] of found.documents.entries()) {
        assert.equal(tokens, examples[i]!.ids.length - 4);
        assert.ok(Math.abs(nats / expected[i]! - 1) < 3e-6, `${T}, ${i}: ${nats}`);
      }
      assert.equal(found.tokens, 81 - 4 * 6);
      const nll = expected.reduce((a, b) => a + b) / found.tokens;
      assert.ok(Math.abs(found.nll / nll - 1) < 3e-6);
      assert.equal(found.perplexity, Math.exp(found.nll));
      program.compiled.destroy();
    }
    engine.store.destroy();
  }));

Deno.test("documents that are too long, or without a token to predict, are refused", () =>
  withTiny({}, async (folder, sizes) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const program = await LossProgram.open(engine, model, { T: 16 });
    await assert.rejects(perplexity(program, tinyExamples(sizes.vocab, [17])), RangeError);
    await assert.rejects(perplexity(program, tinyExamples(sizes.vocab, [3])), {
      name: "RangeError",
      message: "No document has a token to predict",
    });
    program.compiled.destroy();
    engine.store.destroy();
  }));
