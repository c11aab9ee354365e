import assert from "node:assert/strict";
import { difficulties } from "../../src/eval/difficulty.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { freshEngine, tinyExamples, tinyTensors, withTiny } from "../models/tiny.ts";
import { llamaLoss } from "../../src/reference/llama.ts";

Deno.test("difficulties() divides the answer's loss in its place by its loss alone", () =>
  withTiny({}, async (folder, sizes) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    const examples = tinyExamples(sizes.vocab, [19, 10, 5]);
    const program = await LossProgram.open(engine, model, { T: 40 });
    const tensors = tinyTensors(folder);
    const meanOf = (ids: number[], from: number) => {
      const labels = ids.map((id, i) => i < from ? -100 : id);
      return llamaLoss([{ ids, labels }], sizes, tensors) / (ids.length - from);
    };
    const expected = (bos: number[], from: number, only: number) =>
      examples.map(({ ids }) => meanOf([...ids], from) / meanOf([...bos, ...ids.slice(4)], only));
    const near = (found: (number | null)[], wanted: number[]) =>
      wanted.forEach((ifd, i) =>
        assert.ok(Math.abs(found[i]! / ifd - 1) < 1e-5, `${found} ${wanted}`)
      );
    near(await difficulties(program, examples, 1), expected([1], 4, 1));
    const without = await difficulties(program, examples.slice(0, 2), null);
    near(without, expected([], 5, 1).slice(0, 2));
    assert.deepEqual(
      (await difficulties(program, examples, null))[2],
      null,
      "one supervised token, and nothing to predict it from",
    );
    program.compiled.destroy();
    engine.store.destroy();
  }));
