import assert from "node:assert/strict";
import { join } from "node:path";
import { exportGguf } from "../../src/export/gguf_model.ts";
import { FILE_TYPES } from "../../src/export/gguf/file_types.ts";
import {
  encodeMatrix,
  fitting,
  type FormatName,
  formatOfTables,
  FORMATS,
} from "../../src/formats/mod.ts";
import { perplexity } from "../../src/eval/perplexity.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model, type ModelOptions } from "../../src/models/model.ts";
import { byteTokenizer } from "../export/tokenizers.ts";
import { llamaLoss, type Tensors } from "../../src/reference/llama.ts";
import { TOLD_APART } from "../formats/told_apart.ts";
import { freshEngine, tinyExamples, tinyTensors, withTiny } from "./tiny.ts";

/** Nats of each document, and the types of the weights in blocks. */
async function measure(place: string, vocab: number, options: ModelOptions = {}) {
  const engine = await freshEngine();
  using model = new Model(place, options);
  const { graph } = model.lossGraph(engine, { T: 40 });
  const blocks = graph.values.filter(({ kind, layout }) =>
    kind === "weight" && layout === "blocks"
  );
  const program = await LossProgram.open(engine, model, { T: 40 });
  const { documents } = await perplexity(program, tinyExamples(vocab));
  program.compiled.destroy();
  engine.store.destroy();
  const types = new Map(blocks.map(({ name, type }) => [name, type]));
  const widths = new Map(blocks.map(({ name, shape }) => [name, shape[1]!]));
  return { nats: documents.map(({ nats }) => nats), types, widths };
}

/** The numbers that the formats of the matrices leave of them. */
function rounded(
  tensors: Tensors,
  { types, widths }: Pick<Awaited<ReturnType<typeof measure>>, "types" | "widths">,
): Tensors {
  return new Map([...tensors].map(([name, numbers]) => {
    const type = types.get(name) ?? "f32";
    const format = FORMATS[type as FormatName];
    const bytes = encodeMatrix(format, Float32Array.from(numbers), widths.get(name) ?? 1);
    return [name, Float64Array.from(format.decode(bytes))];
  }));
}

/** Rows of one group or two, but for those of 48. */
const sizesOf = (format: FormatName) => {
  const { group } = FORMATS[format];
  return group === 32 ? {} : { hidden: group, heads: 8, groups: 2 };
};

/** Whether all matrices of a file may have the format. */
const isKind = (format: FormatName) => Object.hasOwn(FILE_TYPES, FORMATS[format].stored);

for (const quantize of [...TOLD_APART, "nf4_double"] as const) {
  Deno.test(`a base rounded to ${quantize} as it is loaded equals the f64 model of those numbers`, () =>
    withTiny({ ...sizesOf(quantize), tied: quantize !== "q4_0" }, async (folder, sizes) => {
      const { nats, types, widths } = await measure(folder, sizes.vocab, { quantize });
      // Rows of 48 are no whole groups: what they are stored as is kept.
      assert.equal(types.get("model.layers.0.mlp.down_proj.weight"), "f32");
      // Tables keep eight bits, as in llama.cpp's files.
      assert.equal(types.get("model.embed_tokens.weight"), formatOfTables(quantize));
      assert.equal(types.get("model.layers.1.self_attn.q_proj.weight"), quantize);
      // Rows of 64 are whole groups of what llama.cpp takes in place of super-blocks of 256.
      const narrow = fitting(quantize, sizes.heads * sizes.headDim);
      assert.equal(types.get("model.layers.1.self_attn.o_proj.weight"), narrow);
      const tensors = rounded(tinyTensors(folder), { types, widths });
      for (const [i, example] of tinyExamples(sizes.vocab).entries()) {
        const wanted = llamaLoss([example], sizes, tensors);
        assert.ok(Math.abs(nats[i]! / wanted - 1) < 5e-6, `${nats[i]}, wanted ${wanted}`);
      }
    }));

  if (!isKind(quantize)) continue;
  Deno.test(`a GGUF file of ${quantize} is the base rounded to it, bit for bit`, () =>
    withTiny({ dtype: "F16" }, async (folder, sizes) => {
      Deno.writeTextFileSync(join(folder, "tokenizer.json"), JSON.stringify(byteTokenizer(61)));
      const path = join(folder, "model.gguf");
      exportGguf(folder, path, { type: FORMATS[quantize].stored });
      const wanted = await measure(folder, sizes.vocab, { quantize });
      const found = await measure(path, sizes.vocab);
      assert.deepEqual(found, wanted);
      assert.equal(found.types.get("model.layers.0.mlp.down_proj.weight"), "f16");
    }));
}

Deno.test("a base of which nothing can be rounded is refused", () =>
  withTiny({ hidden: 24, heads: 3, groups: 3 }, (folder) => {
    assert.throws(() => new Model(folder, { quantize: "q8_0" }), {
      name: "ConfigError",
      message: /to q8_0: none of its matrices .* rows of a multiple of 32/,
    });
    return Promise.resolve();
  }));
