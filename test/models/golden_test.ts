/** A real Llama against reference values computed in f64. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Example } from "../../src/data/mod.ts";
import { perplexity } from "../../src/eval/perplexity.ts";
import { Generator } from "../../src/inference/generator.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { noSharedData, sharedData } from "../io/helpers.ts";
import { freshEngine } from "./tiny.ts";

interface Golden {
  loss: { text: string; input_ids: number[]; mean_nll: number; n_targets: number }[];
  loss_all: { mean_nll_per_token: number; n_targets: number };
  logits: { prompt: string; input_ids: number[]; last_position_logits: number[] }[];
  greedy: { prompt: string; input_ids: number[]; output_ids: number[]; text: string }[];
}

for (const name of ["stories260K", "stories260K-bf16"]) {
  const open = () => {
    const path = join(sharedData, `golden/${name}.json`);
    const golden: Golden = JSON.parse(Deno.readTextFileSync(path));
    return { golden, model: new Model(join(sharedData, "models", name)) };
  };

  Deno.test({
    name: `${name}: the loss of real text equals golden`,
    ignore: noSharedData,
    fn: async () => {
      const { golden, model } = open();
      using _ = model;
      const engine = await freshEngine();
      const program = await LossProgram.open(engine, model, { T: 512 });
      const examples = golden.loss.map(({ text, input_ids }, i): Example => {
        assert.deepEqual([1, ...model.tokenizer.encode(text)].slice(0, 512), input_ids);
        const labels = Int32Array.from(input_ids);
        labels[0] = -100;
        return { ids: Uint32Array.from(input_ids), labels, origin: `text ${i}` };
      });
      const { nll, tokens, documents } = await perplexity(program, examples);
      assert.equal(tokens, golden.loss_all.n_targets);
      assertWithin(nll, golden.loss_all.mean_nll_per_token, 1e-4);
      for (const [i, document] of documents.entries()) {
        const { mean_nll, n_targets } = golden.loss[i]!;
        assert.equal(document.tokens, n_targets);
        assertWithin(document.nats / document.tokens, mean_nll, 1e-4);
      }
      program.compiled.destroy();
      engine.store.destroy();
    },
  });

  Deno.test({
    name: `${name}: last logits and greedy text equal golden`,
    ignore: noSharedData,
    fn: async () => {
      const { golden, model } = open();
      using _ = model;
      const engine = await freshEngine();
      using generator = await Generator.open(engine, model);
      for (const { input_ids, last_position_logits } of golden.logits) {
        const scores = (await Array.fromAsync(generator.scores(input_ids))).at(-1)!;
        assert.equal(scores.length, last_position_logits.length);
        for (const [id, expected] of last_position_logits.entries()) {
          assertWithin(scores[id]!, expected, 1e-3);
        }
      }
      for (const { input_ids, output_ids, text } of golden.greedy) {
        assert.equal(output_ids.length, 100);
        const ids = await Array.fromAsync(generator.generate(input_ids, { maxTokens: 100 }));
        assert.deepEqual(ids, output_ids);
        assert.equal(model.tokenizer.decode([...input_ids, ...ids]), text);
      }
      engine.store.destroy();
    },
  });
}

function assertWithin(found: number, expected: number, bound: number): void {
  assert.ok(Math.abs(found - expected) <= bound, `found ${found}, wanted ${expected}`);
}
