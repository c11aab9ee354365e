/** Adapters of a vocabulary that was resized: PEFT writes the tables of tokens whole beside the factors. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter } from "../../src/adapters/adapter.ts";
import { continued } from "../../src/adapters/continued.ts";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { readPeft, type WholeTensor, writePeft } from "../../src/adapters/peft/folder.ts";
import { resizedBy } from "../../src/adapters/resized.ts";
import { exportGguf } from "../../src/export/gguf_model.ts";
import { Generator } from "../../src/inference/generator.ts";
import { openModel } from "../../src/inference/open.ts";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { Model } from "../../src/models/model.ts";
import { noise } from "../harness.ts";
import { freshEngine, tokenizer, withTiny, writeTinyAdapter } from "../models/tiny.ts";

const [ROWS, OLD, HIDDEN] = [70, 61, 32];
const EMBEDDING = "model.embed_tokens.weight";
const HEAD = "lm_head.weight";

interface Kind {
  readonly tied: boolean;
  /** Which tables the adapter has; the head of a tied pair is the embedding again. */
  readonly tables: readonly string[];
  /** Whether its config names them as modules to save. */
  readonly isSaved?: boolean;
  readonly rows?: number;
}

const KINDS: Record<string, Kind> = {
  "both tables of a tied base": { tied: true, tables: [EMBEDDING, HEAD] },
  "the embedding of a tied base": { tied: true, tables: [EMBEDDING] },
  "both tables of an untied base": { tied: false, tables: [EMBEDDING, HEAD] },
  "tables that are modules to save": { tied: false, tables: [EMBEDDING, HEAD], isSaved: true },
  "fewer rows than the base": { tied: true, tables: [EMBEDDING, HEAD], rows: 58 },
  "as many rows as the base": { tied: true, tables: [EMBEDDING, HEAD], rows: OLD },
};

/** The base's rows and new ones behind them. */
function tableOf(folder: string, name: string, rows: number): WholeTensor {
  using checkpoint = openCheckpoint(folder);
  const stored = checkpoint.tensors.has(name) ? name : EMBEDDING;
  const numbers = new Float32Array(rows * HIDDEN);
  numbers.set(noise(numbers.length, 5));
  numbers.set(toFloat32(checkpoint.read(stored), "F32").subarray(0, numbers.length));
  return { name, shape: [rows, HIDDEN], numbers };
}

/** Writes an adapter with tables into a folder with the tokenizer of the new vocabulary. */
function writeResized(base: string, { tables, isSaved, rows = ROWS }: Kind): string {
  const folder = join(base, "..", "adapter");
  writeTinyAdapter(folder, base);
  const read = readPeft(folder);
  const own = tables.map((name) => tableOf(base, name, rows));
  const config = { ...read.config, modules_to_save: isSaved ? ["embed_tokens", "lm_head"] : null };
  writePeft(folder, { ...read, config, ...(isSaved ? { whole: own } : { tables: own }) });
  const json = tokenizer() as { added_tokens: object[] };
  json.added_tokens.push({ id: 60, content: "<|new|>", special: true });
  Deno.writeTextFileSync(join(folder, "tokenizer.json"), JSON.stringify(json));
  return folder;
}

/** What is written after a few tokens. */
async function written(folder: string, adapter?: string) {
  const { device } = await freshEngine();
  using open = openModel(device, folder, adapter);
  using generator = await Generator.open(open.engine, open.model, {
    context: 24,
    adapt: open.adapt,
  });
  const ids = await Array.fromAsync(generator.generate([1, 7, 9], { maxTokens: 8 }));
  const { config: { vocabSize }, tokenizer: { specialTokens, addsBos } } = open.model;
  return { ids, vocabSize, specialTokens, addsBos };
}

for (const [name, kind] of Object.entries(KINDS)) {
  Deno.test(`an adapter of a resized vocabulary is applied and merged: ${name}`, () =>
    withTiny({ tied: kind.tied }, async (base) => {
      const { rows = ROWS } = kind;
      const adapter = writeResized(base, kind);
      assert.equal(readPeft(adapter).tables?.length, kind.isSaved ? 0 : kind.tables.length);
      const beside = await written(base, adapter);
      assert.equal(beside.vocabSize, rows);
      assert.ok(beside.specialTokens.includes("<|new|>") && beside.addsBos);
      const out = join(base, "..", "merged");
      mergeAdapter(base, adapter, out);
      assert.deepEqual(await written(out), beside);
      using merged = openCheckpoint(out);
      assert.equal(merged.config["vocab_size"], rows);
      assert.equal(merged.config["tie_word_embeddings"], kind.tied);
      assert.equal(merged.tensors.has(HEAD), !kind.tied, "no second copy of a tied table");
      const { shape, numbers } = tableOf(base, EMBEDDING, rows);
      assert.deepEqual(toFloat32(merged.read(EMBEDDING), "F32"), numbers);
      assert.deepEqual(merged.get(EMBEDDING).shape, shape);
    }));
}

Deno.test("an adapter of a resized vocabulary is written again with its tables", () =>
  withTiny({}, (base) => {
    const read = readPeft(writeResized(base, KINDS["both tables of a tied base"]!));
    const again = join(base, "..", "again");
    writePeft(again, read);
    assert.deepEqual(readPeft(again).tables, read.tables);
    return Promise.resolve();
  }));

Deno.test("an adapter of a resized vocabulary is refused by its rows where base and adapter must agree", () =>
  withTiny({}, async (base) => {
    const folder = writeResized(base, KINDS["both tables of a tied base"]!);
    const read = readPeft(folder);
    const engine = await freshEngine();
    using model = new Model(base);
    const wanted = /resized vocabulary: its tables have 70 rows, those of .* 61; merge it and/;
    const settings = { from: folder, rank: 3, alpha: 6, targets: read.targetModules };
    assert.throws(
      () => continued(engine, model, read, settings as unknown as Parameters<typeof continued>[3]),
      wanted,
    );
    assert.throws(() => exportGguf(base, join(base, "..", "x.gguf"), { adapter: read }), wanted);
    assert.ok(Adapter.of(engine, model, { ...read, tables: [] }));
    const odd = read.tables!.map((table, i) => i === 0 ? table : tableOf(base, table.name, 66));
    assert.throws(
      () => resizedBy(model.checkpoint, { ...read, tables: odd }),
      /of its resized vocabulary it has a lm_head.weight of \[66,32\], wanted \[70,32\]/,
    );
  }));
