import assert from "node:assert/strict";
import fc from "fast-check";
import {
  batch,
  countSupervised,
  type Example,
  ExampleStore,
  lengthOf,
  Stream,
} from "../../../src/data/mod.ts";
import { examplesIn, recordOf } from "../../../src/data/store/record.ts";
import { exampleOf } from "../toy.ts";

const plain = ({ ids, labels, origin }: Example) => ({ ids, labels, origin });

Deno.test("ExampleStore gives back what it was given, whenever it is asked (property)", () => {
  const token = fc.record({ id: fc.nat(2 ** 31 - 1), learnt: fc.boolean() });
  const example = fc.record({ tokens: fc.array(token, { minLength: 1 }), origin: fc.string() });
  fc.assert(
    fc.property(fc.array(fc.tuple(example, fc.nat())), (specs) => {
      using store = new ExampleStore();
      const given: Example[] = [];
      const kept: Example[] = [];
      for (const [{ tokens, origin }, look] of specs) {
        given.push({
          ids: Uint32Array.from(tokens, ({ id }) => id),
          labels: Int32Array.from(tokens, ({ id, learnt }) => learnt ? id : -100),
          origin: origin.toWellFormed(),
        });
        kept.push(store.keep(given.at(-1)!));
        const i = look % kept.length; // while others are still to come
        assert.deepEqual(plain(kept[i]!), plain(given[i]!));
      }
      assert.deepEqual(kept.map(plain), given.map(plain));
      assert.deepEqual(kept.map(lengthOf), given.map(lengthOf));
      assert.deepEqual(kept.map(countSupervised), given.map(countSupervised));
    }),
    { numRuns: 50 },
  );
});

Deno.test("ExampleStore: examples of any size, and the same micro-batches as from memory", async () => {
  const lengths = [3, 100_000, 70_000, 1, 65_534, 65_535, 20, 40, 30];
  const examples = lengths.map((length, i) => exampleOf(length, i));
  using store = new ExampleStore();
  const kept = examples.map((example) => store.keep(example));
  assert.deepEqual(kept.map(plain), examples.map(plain));
  assert.deepEqual(kept.map(lengthOf), examples.map(lengthOf));
  assert.deepEqual(kept.map(countSupervised), examples.map(countSupervised));
  assert.deepEqual(batch(kept, 256, [6, 7, 8]), batch(examples, 256, [6, 7, 8]));
  const options = {
    T: 64,
    seed: 1,
    shuffle: true,
    sources: [{ count: 2, weight: 1 }, { count: 1, weight: 2 }],
  };
  const [a, b] = [kept, examples].map((all) => new Stream(all.slice(6), options));
  for (let i = 0; i < 6; i++) assert.deepEqual(await a!.micro(i), await b!.micro(i));
});

Deno.test("ExampleStore finds each of many, some with a source", () => {
  const given = Array.from({ length: 1000 }, (_, i): Example => {
    const example = exampleOf(1 + i % 7, i);
    return i % 300 === 299 ? { ...example, sourceLength: i } : example;
  });
  using store = new ExampleStore();
  for (const example of given) store.keep(example);
  for (const i of [0, 7, 8, 9, 255, 256, 299, 512, 598, 599, 600, 899, 900, 992, 999]) {
    const found = store.at(i)!;
    assert.deepEqual(plain(found), plain(given[i]!));
    assert.equal(found.sourceLength, given[i]!.sourceLength);
  }
});

Deno.test("ExampleStore leaves no file behind", () => {
  const folder = Deno.makeTempDirSync();
  const before = Deno.env.get("TMPDIR");
  Deno.env.set("TMPDIR", folder);
  try {
    {
      using store = new ExampleStore();
      store.keep(exampleOf(9));
      const names = [...Deno.readDirSync(folder)].length;
      assert.equal(
        names,
        Deno.build.os === "windows" ? 1 : 0,
        "a killed run leaves nothing either",
      );
    }
    assert.deepEqual([...Deno.readDirSync(folder)], []);
  } finally {
    if (before === undefined) Deno.env.delete("TMPDIR");
    else Deno.env.set("TMPDIR", before);
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("ExampleStore is a list of examples, and takes records as a worker sends them", async () => {
  using store = new ExampleStore();
  const examples = [3, 40, 9, 17].map((length, i) => exampleOf(length, i));
  const records = examples.map(recordOf);
  const words = Uint32Array.from(records.flatMap((record) => [...record]));
  for (const example of examplesIn(words)) store.keep(example);
  assert.equal(store.length, 4);
  assert.deepEqual(examples.map((_, i) => plain(store.at(i)!)), examples.map(plain));
  assert.deepEqual(examples.map((_, i) => countSupervised(store.at(i)!)), [2, 20, 5, 9]);
  assert.equal(store.at(4), undefined);
  const options = { T: 64, seed: 1, shuffle: true };
  const [a, b] = [store, examples].map((all) => new Stream(all, options));
  for (let i = 0; i < 6; i++) assert.deepEqual(await a!.micro(i), await b!.micro(i));
});
