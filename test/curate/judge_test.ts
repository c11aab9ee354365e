import assert from "node:assert/strict";
import fc from "fast-check";
import { exactDuplicates } from "../../src/curate/duplicates.ts";
import {
  DiskList,
  type Dropped,
  judge,
  type List,
  type RowText,
  steps,
} from "../../src/curate/mod.ts";
import { counted, rowOf, rowsOf } from "./rows.ts";

Deno.test("judge() drops each row once, keeps the order, and gives each step what is left (property)", async () => {
  const word = fc.constantFrom("a", "b", "sorry");
  const texts = fc.record({ instruction: word, answer: fc.constantFrom("a", "b", "") });
  await fc.assert(
    fc.asyncProperty(
      fc.array(texts, { maxLength: 20 }),
      fc.subarray(["empty", "echo", "exact", "near", "length"]),
      async (specs, names) => {
        const rows = specs.map((spec, i) =>
          rowOf({ ...spec, empty: spec.answer === "" ? "an empty output" : null }, i)
        );
        const dropped: Dropped[] = [];
        const watch = { dropped: (drop: Dropped) => dropped.push(drop) };
        const kept = [...await judge(rows, names, {}, watch)];
        assert.deepEqual(kept, rows.filter((row) => kept.includes(row)));
        assert.equal(kept.length + dropped.length, rows.length);
        assert.equal(new Set([...kept, ...dropped.map(({ row }) => row)]).size, rows.length);
        const order = dropped.map(({ step }) => Object.keys(steps).indexOf(step));
        assert.deepEqual(order, order.toSorted((a, b) => a - b));
        assert.ok(dropped.every(({ step, reason }) => names.includes(step) && reason !== ""));
        if (names.includes("empty")) assert.ok(kept.every(({ answer }) => answer !== ""));
        if (names.includes("exact")) assert.ok([...exactDuplicates(kept)].every((r) => r === null));
      },
    ),
  );
});

Deno.test("judge() says the same of rows on the disk, and reads them only for the steps", async () => {
  const texts = Array.from({ length: 90 }, (_, i) => counted(i % 40, i % 40 + (i % 3 ? 30 : 2)));
  const rows = texts.map((answer, i) => rowOf({ instruction: `tell of ${i % 30}`, answer }, i));
  using onDisk = new DiskList<RowText>();
  for (const row of rows) onDisk.push(row);
  const names = Object.keys(steps).filter((name) => name !== "difficulty");
  const settings = { count: 9, tests: rows.slice(80) };
  const judged = async (list: List<RowText>) => {
    const dropped: Dropped[] = [];
    const read = new Set<string>();
    const kept = await judge(list, names, settings, {
      dropped: (drop) => dropped.push(drop),
      reads: (step, index, count) => {
        assert.ok(index < count);
        read.add(step);
      },
    });
    return { kept: [...kept], dropped, read: [...read] };
  };
  const found = await judged(onDisk);
  assert.deepEqual(found, await judged(rows));
  assert.deepEqual([found.kept.length, found.read], [9, names]);
  assert.ok(found.dropped.some(({ step }) => step === "near"));
});

Deno.test("judge() chooses by the model's difficulty where there is one, else by the answer", async () => {
  const rows = rowsOf(["one", "short"], ["two words", "much longer than that"], ["three", "so so"]);
  const chosen = async (measure: Parameters<typeof judge>[2]) => [
    ...await judge(rows, ["difficulty", "select"].slice(measure?.measure ? 0 : 1), {
      ...measure,
      count: 1,
    }),
  ];
  assert.deepEqual(await chosen({}), [rows[1]]);
  const ifd = [0.9, 0.2, 1.2];
  const measure = (left: Iterable<typeof rows[0]>) =>
    Promise.resolve(Float64Array.from(left, (row) => ifd[rows.indexOf(row)]!));
  assert.deepEqual(await chosen({ measure }), [rows[0]], "1.2 is above what can be learnt");
  const reasons: string[] = [];
  const watch = { dropped: ({ reason }: Dropped) => reasons.push(reason) };
  await judge(rows, ["difficulty"], { measure, difficulty: [0.5, 1] }, watch);
  assert.deepEqual(reasons, ["IFD 0.200", "IFD 1.200"]);
});
