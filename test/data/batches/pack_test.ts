import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { batch, type Example, loadExamples, pack, packInOrder } from "../../../src/data/mod.ts";
import { exampleOf, toyEncoder } from "../toy.ts";

const T = 64;
const lengths = fc.array(fc.integer({ min: 1, max: T }), { maxLength: 200 });
const instructionData = new URL(
  "../../../../shared/data/instruct/instruction-data.json",
  import.meta.url,
);
const hasShared = await Deno.stat(instructionData).then(() => true, () => false);

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

Deno.test("pack: every document once, no row over T, never two rows that would fit one", () => {
  fc.assert(fc.property(lengths, (lengths) => {
    const rows = pack(lengths, T);
    assert.deepEqual(rows.flat().sort((a, b) => a - b), lengths.map((_, i) => i));
    const used = rows.map((row) => sum(row.map((i) => lengths[i]!))).sort((a, b) => a - b);
    assert.ok(used.every((tokens) => tokens <= T));
    if (used.length > 1) assert.ok(used[0]! + used[1]! > T);
    assert.deepEqual(pack(lengths, T), rows);
  }));
});

Deno.test("pack: best fit, worked by hand", () => {
  // 6 | 5 | 4 beside 6 (the exact fit) | 3 beside 5 | 2 beside 5 and 3
  assert.deepEqual(pack([2, 6, 3, 5, 4], 10), [[1, 4], [3, 2, 0]]);
  assert.throws(() => pack([3, 11], 10), /document 1: found 11 tokens, wanted 1 to 10/);
});

Deno.test("packInOrder: keeps the order and fills each row before the next", () => {
  assert.deepEqual(packInOrder([4, 4, 4, 10, 1], 10), [[0, 1], [2], [3], [4]]);
  fc.assert(fc.property(lengths, (lengths) => {
    assert.deepEqual(packInOrder(lengths, T).flat(), lengths.map((_, i) => i));
  }));
});

Deno.test("batch: worked by hand", () => {
  const first = { ids: Uint32Array.of(9, 1, 2), labels: Int32Array.of(-100, -100, 2), origin: "a" };
  const second = { ids: Uint32Array.of(9, 3), labels: Int32Array.of(-100, 3), origin: "b" };
  assert.deepEqual(batch([first, second], 8, [1, 0]), {
    T: 8,
    used: 5,
    supervised: 2,
    tokens: Uint32Array.of(9, 3, 9, 1, 2, 0, 0, 0),
    positions: Uint32Array.of(0, 1, 0, 1, 2, 0, 0, 0),
    start: Uint32Array.of(0, 0, 2, 2, 2, 5, 6, 7),
    end: Uint32Array.of(2, 2, 5, 5, 5, 6, 7, 8),
    rows: Uint32Array.of(0, 3),
    targets: Uint32Array.of(3, 2),
    documents: [
      { example: 1, begin: 0, length: 2, rowBegin: 0, rowEnd: 1 },
      { example: 0, begin: 2, length: 3, rowBegin: 1, rowEnd: 2 },
    ],
  });
  assert.throws(() => batch([first], 12), /T = 12, wanted a multiple of 8/);
  assert.throws(() => batch([first, first, first], 8), /a: found 3 tokens, wanted 1 to 2/);
});

Deno.test("batch: every document stands alone and predicts its own labels only", () => {
  fc.assert(fc.property(lengths, (lengths) => {
    const examples = lengths.map((length, i) => exampleOf(length, i));
    for (const row of pack(lengths, T)) checkBatch(examples, row);
  }));
});

function checkBatch(examples: readonly Example[], chosen: readonly number[]): void {
  const result = batch(examples, T, chosen);
  const { tokens, positions, start, end, rows, targets, documents } = result;
  for (let i = 0; i < T; i++) {
    assert.ok(start[i]! <= i && i < end[i]! && end[i]! <= T);
    assert.ok(i === 0 || start[i]! >= start[i - 1]!);
    assert.equal(positions[i], i - start[i]!);
    if (i >= result.used) assert.deepEqual([start[i], end[i], tokens[i]], [i, i + 1, 0]);
  }
  assert.equal(result.supervised, rows.length);
  assert.equal(result.used, sum(documents.map(({ length }) => length)));
  for (const { example, begin, length, rowBegin, rowEnd } of documents) {
    const { ids, labels } = examples[example]!;
    assert.deepEqual(tokens.slice(begin, begin + length), ids);
    const predicted = new Int32Array(length).fill(-100);
    for (let r = rowBegin; r < rowEnd; r++) predicted[rows[r]! - begin + 1] = targets[r]!;
    assert.deepEqual(predicted, labels);
  }
}

Deno.test({
  name: "pack: real lengths need at most 1.25 times the fewest rows",
  ignore: !hasShared,
  fn: async () => {
    const begin = performance.now();
    const entry = { path: fileURLToPath(instructionData) };
    const { examples } = await loadExamples(entry, toyEncoder, { maxTokens: 1024 });
    const lengths = examples.map(({ ids }) => ids.length);
    const rows = pack(lengths, 1024);
    const batches = rows.map((row) => batch(examples, 1024, row));
    const seconds = (performance.now() - begin) / 1000;
    const total = sum(lengths);
    const fewest = Math.ceil(total / 1024);
    console.log(
      `${lengths.length} documents, ${total} tokens in ${rows.length} rows of 1024 ` +
        `(${fewest} at least); read, encoded and packed at ${Math.round(total / seconds)} tokens/s`,
    );
    assert.ok(rows.length <= 1.25 * fewest);
    assert.equal(sum(batches.map(({ used }) => used)), total);
  },
});
