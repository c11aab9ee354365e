/** What several workers encode is what one encodes: the same examples, counts and first error. */
import assert from "node:assert/strict";
import {
  type DataEntry,
  Dataset,
  type Example,
  loadExamples,
  type LoadOptions,
  rowTokenizer,
} from "../../../src/data/mod.ts";
import { withFiles } from "../toy.ts";
import { bare, folder, tokenizer } from "./quickstart.ts";

const LIMITS: LoadOptions = { maxTokens: 64, vocabSize: 1024 };

/** Rows of many lengths, a tenth of them too long and a tenth without an answer. */
const row = (i: number) => ({
  instruction: `Say ${i} ${"again ".repeat(i % 10 === 9 ? 80 : i % 7)}`,
  output: i % 10 === 4 ? "" : `It is ${i}.`,
});

const lines = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => JSON.stringify(row(from + i))).join("\n");

async function load(
  entry: DataEntry,
  workers: number,
  options: Partial<LoadOptions> = {},
  from = tokenizer,
) {
  const limits = { ...LIMITS, ...options, workers };
  await using dataset = await Dataset.read([entry], { tokenizer: from, folder }, limits);
  const all = await dataset.all();
  const [counts] = await dataset.finished();
  return { examples: Array.from({ length: all.length }, (_, i) => partsOf(all.at(i)!)), counts };
}

const partsOf = ({ ids, labels, sourceLength, origin }: Example) => {
  return { ids, labels, sourceLength, origin };
};

Deno.test("workers: examples, their order and the counts are those of one reader", async () => {
  const files = {
    "a.jsonl": lines(0, 1500),
    "b.jsonl": lines(1500, 1600),
    "c.jsonl": lines(0, 900),
    "huge.jsonl": [1, 5, 2].map((MiB) =>
      JSON.stringify({ instruction: `Say ${MiB}`, output: "a word ".repeat(MiB * 2 ** 20 / 7) })
    ).join("\n"),
  };
  await withFiles(files, async (data) => {
    const path = ["c.jsonl", "a.jsonl", "b.jsonl"].map((name) => `${data}/${name}`);
    const drop = { on_empty: "drop", template: "plain" } as const;
    const entries: [DataEntry, Partial<LoadOptions>?][] = [
      [{ path, ...drop }],
      [{ path, ...drop }, { onTooLong: "split" }],
      [{ path, ...drop, few_shot: { share: 0.5, shots: 3 } }, { maxTokens: 96 }],
      [{ path, ...drop, inversion: { share: 0.3 } }, { onTooLong: "truncate", maxTokens: 24 }],
      [{ path, ...drop, template: ["plain", "alpaca"], seed: 3 }, { maxTokens: 256 }],
    ];
    for (const [entry, options] of entries) {
      const { examples, ...counts } = await loadExamples(entry, tokenizer, {
        ...LIMITS,
        ...options,
      });
      assert.ok(counts.rows > 1500, `${counts.rows}`);
      const wanted = { examples: examples.map(partsOf), counts };
      for (const workers of [0, 3]) assert.deepEqual(await load(entry, workers, options), wanted);
    }
    // No worker is sent the row of 5 MiB.
    const huge = { path: `${data}/huge.jsonl`, ...drop };
    const wanted = await load(huge, 0, { onTooLong: "truncate" });
    assert.deepEqual(await load(huge, 2, { onTooLong: "truncate" }), wanted);
    assert.equal(wanted.counts!.cut, 3);
  });
});

Deno.test("workers: the first error is that of one reader, by class and words", async () => {
  const good = lines(0, 4); // of 10 rows, the fifth has no answer
  const many = Array.from({ length: 75 }, () => good).join("\n");
  const files = {
    "empty.jsonl": `${many}\n${lines(4, 5)}\n{"instruction"`,
    "json.jsonl": `${many}\n{"instruction"\n${lines(4, 5)}\n${many}`,
    "early.jsonl": `${lines(4, 5)}\n${many}\n{"instruction"`,
    "long.jsonl": `${many}\n${lines(9, 10)}\n${many}\n${lines(19, 20)}`,
    "both.jsonl": `${many}\n${lines(9, 10)}\n${many}\n${lines(4, 5)}`,
    "good.jsonl": good,
    "none.jsonl": lines(9, 10),
  };
  const wanted: Record<string, RegExp> = {
    "empty.jsonl": /^FileError: \S+empty\.jsonl:301: found an empty \w+/,
    "json.jsonl": /^FileError: \S+json\.jsonl:301: found malformed JSON/,
    "early.jsonl": /^FileError: \S+early\.jsonl:1: found an empty \w+/,
    "long.jsonl": /^FileError: \S+long\.jsonl:301: found \d+ tokens, wanted at most 64/,
    "both.jsonl": /^FileError: \S+both\.jsonl:602: found an empty/, // read before any is encoded
    "missing.jsonl": /^FileError: \S+missing\.jsonl: cannot be read/,
  };
  await withFiles(files, async (data) => {
    const message = async (entry: DataEntry, workers: number, options = {}) =>
      await load(entry, workers, options).then(() => "no error", (fault) => `${fault}`);
    for (const [name, pattern] of Object.entries(wanted)) {
      for (const workers of [0, 3]) {
        const entry = { path: `${data}/${name}`, template: "plain" };
        assert.match(await message(entry, workers, { onTooLong: "error" }), pattern);
      }
    }
    for (const workers of [0, 1]) {
      const unknown = { path: `${data}/good.jsonl`, template: "plane" };
      assert.match(await message(unknown, workers), /^ConfigError: Found template "plane"/);
      const none = { path: `${data}/none.jsonl`, template: "plain" };
      assert.match(await message(none, workers), /^FileError: \S+ found 1 documents, all left out/);
    }
  });
});

Deno.test("workers: sources and targets are those of one reader", async () => {
  const pairs = rowTokenizer({ tokenizer: bare, folder, config: { target: { start: 1, pad: 0 } } });
  await withFiles({ "rows.jsonl": lines(0, 700) }, async (data) => {
    const entry = { path: `${data}/rows.jsonl`, on_empty: "drop", template: "plain" } as const;
    const found = await Promise.all([0, 2].map((workers) => load(entry, workers, {}, pairs)));
    assert.deepEqual(found[0], found[1]);
    assert.ok(found[0]!.examples[0]!.sourceLength! > 0);
  });
});
