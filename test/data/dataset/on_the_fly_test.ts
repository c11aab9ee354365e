/** Rows that are encoded while others are trained on give what those encoded before give. */
import assert from "node:assert/strict";
import {
  type DataEntry,
  Dataset,
  loadExamples,
  type LoadOptions,
  Stream,
  type StreamOptions,
} from "../../../src/data/mod.ts";
import { withFiles } from "../toy.ts";
import { folder, tokenizer } from "./quickstart.ts";

const LIMITS: LoadOptions = { maxTokens: 128, vocabSize: 1024 };
const T = 128;

/** Rows of many lengths that fit; every `long`th is too long. */
function lines(from: number, to: number, long = Infinity): string {
  const row = (i: number) => ({
    instruction: `Say ${i}${" again".repeat(i % long === long - 1 ? 200 : i % 17)}`,
    output: `It is ${i}.`,
  });
  return Array.from({ length: to - from }, (_, i) => JSON.stringify(row(from + i))).join("\n");
}

const plain = (path: string): DataEntry => ({ path, template: "plain" });
const read = (entries: readonly DataEntry[], options: Partial<LoadOptions> = {}) =>
  Dataset.read(entries, { tokenizer, folder }, { ...LIMITS, workers: 2, ...options });

async function loadAll(entries: readonly DataEntry[]) {
  const loaded = await Promise.all(entries.map((entry) => loadExamples(entry, tokenizer, LIMITS)));
  return loaded.flatMap(({ examples }) => examples);
}

const FILES = { "a.jsonl": lines(0, 900), "b.jsonl": lines(2000, 2600), "few.jsonl": lines(7, 40) };

Deno.test("on the fly: the micro-batches are those of rows that were encoded before", () =>
  withFiles(FILES, async (data) => {
    const entries = Object.keys(FILES).map((name) => plain(`${data}/${name}`));
    const weights = [2, 1, 1.5]; // the third comes several times an epoch
    const sources = [900, 600, 33].map((count, i) => ({ count, weight: weights[i]! }));
    const examples = await loadAll(entries);
    for (
      const options of [
        { shuffle: true },
        { shuffle: false },
        { shuffle: true, sources },
        { shuffle: false, sources },
      ]
    ) {
      const told: { epoch: number; tokens: readonly number[] }[][] = [[], []];
      const streams = [examples, await read(entries)].map((examples, i) => {
        const onEpochEnd: StreamOptions["onEpochEnd"] = (epoch, tokens) =>
          void told[i]!.push({ epoch, tokens });
        return new Stream(examples, { T, seed: 5, ...options, onEpochEnd });
      });
      await using rows = streams[1]!.examples as Dataset;
      const micros = await streams[0]!.micros(3) + 1;
      for (let i = 0; i < micros; i++) {
        assert.deepEqual(await streams[1]!.micro(i), await streams[0]!.micro(i));
      }
      assert.deepEqual(told[1], told[0]);
      assert.equal(told[0]!.length, "sources" in options ? 3 : 0);
      assert.deepEqual((await rows.finished()).map(({ rows }) => rows), [900, 600, 33]);
    }
  }));

Deno.test("on the fly: a later micro-batch is reached directly, as when a run is resumed", () =>
  withFiles(FILES, async (data) => {
    const entries = [plain(`${data}/a.jsonl`), plain(`${data}/few.jsonl`)];
    const sources = [{ count: 900, weight: 1 }, { count: 33, weight: 1 }];
    for (const mixed of [{}, { sources }]) {
      const options = { T, seed: 9, shuffle: true, ...mixed };
      const before = new Stream(await loadAll(entries), options);
      for (const index of [3, await before.micros(1) - 1, await before.micros(2) + 5]) {
        await using rows = await read(entries);
        const stream = new Stream(rows, options);
        assert.deepEqual(await stream.micro(index), await before.micro(index));
        assert.deepEqual(await stream.micro(1), await before.micro(1));
      }
    }
  }));

Deno.test("on the fly: rows that are left out are in no micro-batch, the others once an epoch", () =>
  withFiles({ "a.jsonl": lines(0, 700, 7), "b.jsonl": lines(0, 300, 3) }, async (data) => {
    const entries = [plain(`${data}/a.jsonl`), plain(`${data}/b.jsonl`)];
    const fitting = (await loadAll(entries)).map(({ origin }) => origin).sort();
    assert.equal(fitting.length, 800);
    const sources = [{ count: 700, weight: 600 }, { count: 300, weight: 200 }];
    for (const mixed of [{}, { sources }]) {
      await using rows = await read(entries);
      let ends = 0;
      const onEpochEnd = () => void ends++;
      const stream = new Stream(rows, { T, seed: 5, shuffle: true, ...mixed, onEpochEnd });
      const seen: string[] = [];
      for (let i = 0; seen.length < 800; i++) {
        const { documents } = await stream.micro(i);
        seen.push(...documents.map(({ example }) => rows.at(example)!.origin));
      }
      if (mixed.sources) assert.ok(new Set(seen).size > 700, `${new Set(seen).size}`);
      else assert.deepEqual(seen.sort(), fitting);
      const counts = await rows.finished();
      assert.deepEqual(counts.map(({ rows, skipped }) => [rows, skipped]), [[600, 100], [
        200,
        100,
      ]]);
    }
  }));

Deno.test("on the fly: what is waited for comes first, and nothing else can be taken", () =>
  withFiles(FILES, async (data) => {
    const entries = [plain(`${data}/a.jsonl`), plain(`${data}/b.jsonl`)];
    const examples = await loadAll(entries);
    await using rows = await read(entries);
    assert.equal(rows.length, 1500);
    assert.throws(() => rows.at(3), /row 3 not yet encoded/);
    await rows.arrived([1499, 0, 700]);
    for (const row of [0, 700, 1499]) {
      const { ids, labels, origin } = rows.at(row)!;
      const { ids: wanted, labels: wantedLabels, origin: from } = examples[row]!;
      assert.deepEqual({ ids, labels, origin }, {
        ids: wanted,
        labels: wantedLabels,
        origin: from,
      });
    }
    assert.throws(() => rows.at(3), /row 3 not yet encoded/);
    assert.equal(rows.at(1500), undefined);
    assert.ok(!rows.isFinished);
  }));

Deno.test("on the fly: what reading finds stops it at once, what encoding finds when one waits", () =>
  withFiles({
    "broken.jsonl": `${lines(0, 500)}\n{"instruction"`,
    "empty.jsonl": `${lines(0, 500)}\n{"instruction": "Say", "output": " "}`,
    "good.jsonl": lines(0, 500),
    "long.jsonl": `${lines(0, 500)}\n${lines(8, 9, 9)}`,
    "none.jsonl": lines(8, 9, 9),
  }, async (data) => {
    await assert.rejects(
      read([plain(`${data}/broken.jsonl`)]),
      /broken\.jsonl:501: found malformed/,
    );
    await assert.rejects(read([plain(`${data}/empty.jsonl`)]), /empty\.jsonl:501: found an empty/);
    await assert.rejects(read([{ path: `${data}/good.jsonl`, template: "plane" }]), /"plane"/);
    {
      await using rows = await read([plain(`${data}/good.jsonl`)], { onTooLong: "split" });
      assert.throws(() => rows.foresee(Uint32Array.of(0)), RangeError);
    }
    const faults: [files: string[], options: Partial<LoadOptions>, message: RegExp][] = [
      [["long"], { onTooLong: "error" }, /long\.jsonl:501: found \d+ tokens, wanted at most 128/],
      [["good"], { vocabSize: 3 }, /found token id \d+ at position/],
      [["good", "none"], {}, /none\.jsonl: found 1 documents, all left out/],
    ];
    for (const [names, options, message] of faults) {
      await using rows = await read(names.map((name) => plain(`${data}/${name}.jsonl`)), options);
      rows.foresee(Uint32Array.from(Array(rows.length).keys()));
      await assert.rejects(rows.finished(), message);
      await assert.rejects(rows.arrived([]), message, "whatever is waited for");
      assert.match(`${rows.fault}`, message);
    }
  }));

Deno.test("on the fly: no file is left behind", () =>
  withFiles(FILES, async (data) => {
    const temporary = Deno.makeTempDirSync();
    const before = Deno.env.get("TMPDIR");
    Deno.env.set("TMPDIR", temporary);
    try {
      {
        await using rows = await read([plain(`${data}/a.jsonl`)]);
        await rows.arrived([5]);
      }
      await assert.rejects(read([plain(`${data}/missing.jsonl`)]));
      assert.deepEqual([...Deno.readDirSync(temporary)], []);
    } finally {
      if (before === undefined) Deno.env.delete("TMPDIR");
      else Deno.env.set("TMPDIR", before);
      Deno.removeSync(temporary, { recursive: true });
    }
  }));
