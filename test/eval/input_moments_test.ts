/** Sums of products of what modules read, against the f64 norm and against themselves in pieces. */
import assert from "node:assert/strict";
import { type Counted, inputMoments, type MomentsOptions } from "../../src/eval/input_moments.ts";
import { ConfigError } from "../../src/errors.ts";
import type { Engine } from "../../src/graph/compile.ts";
import { Model } from "../../src/models/model.ts";
import { narrow } from "../harness.ts";
import { freshEngine, tinyExamples, tinyTensors, withTiny } from "../models/tiny.ts";

const QKV = ["q", "k", "v"].map((part) => `model.layers.0.self_attn.${part}_proj`);
const DOWN = "model.layers.1.mlp.down_proj";
const LENGTHS = [19, 10, 24, 5];

const momentsOf = (
  engine: Engine,
  model: Model,
  options: MomentsOptions,
  vocab: number,
) => Array.fromAsync(inputMoments(engine, model, tinyExamples(vocab, LENGTHS), options));

for (const counted of ["predicted", "documents"] as const satisfies Counted[]) {
  Deno.test(`moments of what the first layer reads are those of the f64 norm: ${counted}`, () =>
    withTiny({}, async (folder, { vocab, hidden, eps }) => {
      const engine = await freshEngine();
      using model = new Model(folder);
      const [found, ...others] = await momentsOf(engine, model, { modules: QKV, counted }, vocab);
      engine.store.destroy();
      assert.deepEqual(others, []);
      assert.deepEqual(found!.modules, QKV, "they read the same");

      const tensors = tinyTensors(folder);
      const table = tensors.get("model.embed_tokens.weight")!;
      const norm = tensors.get("model.layers.0.input_layernorm.weight")!;
      const products = new Float64Array(hidden ** 2);
      const sums = new Float64Array(hidden);
      let samples = 0;
      for (const { ids, labels } of tinyExamples(vocab, LENGTHS)) {
        const read = [...ids].map((id) => {
          const row = table.subarray(id * hidden, (id + 1) * hidden);
          const mean = row.reduce((sum, x) => sum + x * x, 0) / hidden;
          return row.map((x, c) => x * norm[c]! / Math.sqrt(mean + eps));
        });
        const peak = Math.abs(Math.max(...read.map((row) => Math.max(...row))));
        const isAll = counted === "documents";
        const rows = isAll
          ? read.map((row) => row.map((x) => x / peak))
          : read.filter((_, t) => labels[t]! >= 0);
        samples += isAll ? 1 : rows.length;
        for (const row of rows) {
          for (let i = 0; i < hidden ** 2; i++) {
            products[i]! += row[Math.floor(i / hidden)]! * row[i % hidden]!;
          }
          for (let c = 0; c < hidden; c++) sums[c]! += row[c]!;
        }
      }
      assert.equal(found!.samples, samples);
      assertNear(found!.products, products);
      assertNear(found!.sums, sums);
    }));
}

Deno.test("moments that do not fit at once or into one binding are the same in pieces", () =>
  withTiny({ inner: 160 }, async (folder, { vocab, inner }) => {
    const wide = await freshEngine();
    using model = new Model(folder);
    const options = { modules: [...QKV, DOWN], counted: "documents" } as const;
    const whole = await momentsOf(wide, model, options, vocab);
    const pieces = await momentsOf(wide, model, { ...options, atOnce: 1 }, vocab);
    const cut = await momentsOf(narrow(wide, 70_000), model, options, vocab); // 102,400 are wanted
    wide.store.destroy();
    assert.deepEqual(whole.map(({ modules }) => modules), [QKV, [DOWN]]);
    assert.equal(whole[1]!.sums.length, inner);
    for (const other of [pieces, cut]) {
      for (const [i, { modules, products }] of whole.entries()) {
        assert.deepEqual(other[i]!.modules, modules);
        assertNear(other[i]!.products, products);
      }
    }
  }));

Deno.test("a module that is no linear layer of the forward is refused", () =>
  withTiny({ tied: false }, async (folder, { vocab }) => {
    const engine = await freshEngine();
    using model = new Model(folder);
    await assert.rejects(
      momentsOf(engine, model, { modules: [DOWN, "lm_head"], counted: "predicted" }, vocab),
      (fault: Error) =>
        fault instanceof ConfigError && /found lm_head among the targets/.test(fault.message),
    );
    engine.store.destroy();
  }));

function assertNear(found: ArrayLike<number>, wanted: ArrayLike<number>): void {
  assert.equal(found.length, wanted.length);
  const largest = Math.max(...Array.from(wanted, Math.abs));
  for (let i = 0; i < wanted.length; i++) {
    assert.ok(Math.abs(found[i]! - wanted[i]!) < 1e-5 * largest, `${i}: ${found[i]}, ${wanted[i]}`);
  }
}
