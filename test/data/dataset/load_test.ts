import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { ConfigError, FileError } from "../../../src/errors.ts";
import { type DataEntry, loadExamples, type LoadOptions } from "../../../src/data/mod.ts";
import { readRows } from "../../../src/rows/sources/read.ts";
import { decode, decodeSupervised, toyEncoder, withFiles } from "../toy.ts";

const shared = new URL("../../../../shared/data/", import.meta.url);
const hasShared = await Deno.stat(shared).then(() => true, () => false);
const limits: LoadOptions = { maxTokens: 4096, vocabSize: 258 };
const alpacaRow = { instruction: "Add.", input: "1 2", output: "3" };

function sharedPath(path: string): string {
  return fileURLToPath(new URL(path, shared));
}

function load(entry: DataEntry, options = limits) {
  return loadExamples(entry, toyEncoder, options);
}

/** Loads the one file `name` with that content. */
async function loadFile(name: string, content: string | Uint8Array, entry = {}, options = limits) {
  let loaded = { examples: [] as Awaited<ReturnType<typeof load>>["examples"], skipped: 0 };
  await withFiles({ [name]: content }, async (folder) => {
    loaded = await load({ path: `${folder}/${name}`, ...entry }, options);
  });
  return loaded;
}

Deno.test("load: Alpaca rows from an array, from lines, with BOM, CRLF and blank lines", async () => {
  const row = JSON.stringify(alpacaRow);
  const noInput = JSON.stringify({ instruction: 'Say [hi], "you" \\', input: null, output: "{a}" });
  const contents = {
    "a.json": `[${row}, ${noInput}]`,
    "b.json": `\ufeff [\r\n${JSON.stringify(alpacaRow, null, 2)}\r\n,\n${noInput}\n]\n`,
    "c.jsonl": `${row}\n${noInput}`,
    "d.jsonl": `\ufeff${row}\r\n\r\n${noInput}\r\n`,
  };
  for (const [name, content] of Object.entries(contents)) {
    const { examples, skipped } = await loadFile(name, content, { template: "plain" });
    assert.equal(skipped, 0);
    assert.deepEqual(
      examples.map(({ ids }) => decode(ids)),
      ["<s>Add.\n1 2\n3</s>", '<s>Say [hi], "you" \\\n{a}</s>'],
      name,
    );
    assert.deepEqual(examples.map(decodeSupervised), ["3</s>", "{a}</s>"], name);
  }
});

Deno.test("load: an array is cut into rows as JSON.parse would, whatever is in them", async () => {
  const rows = fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { minLength: 1 });
  await fc.assert(
    fc.asyncProperty(rows, fc.nat(2), async (rows, indent) => {
      await withFiles({ "a.json": JSON.stringify(rows, null, indent) }, async (folder) => {
        const read = await Array.fromAsync(readRows(`${folder}/a.json`), ({ fields }) => fields);
        assert.equal(JSON.stringify(read), JSON.stringify(rows));
      });
    }),
    { numRuns: 50 },
  );
});

Deno.test("load: text documents are divided, trimmed and numbered", async () => {
  const { examples } = await loadFile(
    "a.txt",
    "\nOne.\r\nTwo. <|endoftext|>\n \n<|endoftext|>Three.<|endoftext|>Four.",
  );
  assert.deepEqual(
    examples.map(({ ids }) => decode(ids)),
    ["<s>One.\nTwo.", "<s>Three.", "<s>Four."],
  );
  assert.match(examples[2]!.origin, /a\.txt \(document 3\)$/);
  const rows = await loadFile("a.jsonl", '{"text":"One."}', { eos: true });
  assert.equal(decodeSupervised(rows.examples[0]!), "One.</s>");
});

Deno.test("load: token rows, with the first label as Hugging Face has it", async () => {
  const { examples } = await loadFile("a.jsonl", '{"input_ids":[1,2,3],"labels":[-100,-100,3]}');
  assert.deepEqual([...examples[0]!.ids], [1, 2, 3]);
  assert.deepEqual([...examples[0]!.labels], [-100, -100, 3]);
});

Deno.test("load: a folder and a pattern, in order of name, each file in its own format", async () => {
  const files = { "b.txt": "B", "a.jsonl": JSON.stringify(alpacaRow), "c1.txt": "C", "x.md": "X" };
  await withFiles(files, async (folder) => {
    const names = async (path: string) => {
      const { examples } = await load({ path });
      return examples.map(({ origin }) => origin.slice(folder.length + 1).split(/[ :]/)[0]);
    };
    assert.deepEqual(await names(folder), ["a.jsonl", "b.txt", "c1.txt"]);
    assert.deepEqual(await names(`${folder}/`), ["a.jsonl", "b.txt", "c1.txt"]);
    assert.deepEqual(await names(`${folder}/*.txt`), ["b.txt", "c1.txt"]);
    assert.deepEqual(await names(`${folder}/c*`), ["c1.txt"]);
    await assert.rejects(load({ path: `${folder}/*.json` }), /found no file there/);
    await assert.rejects(load({ path: `${folder}/x.md` }), /unknown kind of file/);
  });
});

Deno.test("load: rows too long are dropped and counted, or named", async () => {
  const rows = ["short", "much longer text"].map((text) => JSON.stringify({ text })).join("\n");
  const { examples, skipped } = await loadFile("a.jsonl", rows, {}, { maxTokens: 8 });
  assert.deepEqual([examples.length, skipped], [1, 1]);
  const error = loadFile("a.jsonl", rows, {}, { maxTokens: 8, onTooLong: "error" });
  await assert.rejects(error, /a\.jsonl:2: found 17 tokens, wanted at most 8/);
  const text = JSON.stringify({ text: "much longer text" });
  const split = await loadFile("a.jsonl", text, {}, { maxTokens: 8, onTooLong: "split" });
  assert.deepEqual(split.examples.map(({ ids }) => decode(ids)), [
    "<s>much lo",
    "<s>nger te",
    "<s>xt",
  ]);
  await assert.rejects(loadFile("a.jsonl", rows, {}, { maxTokens: 3 }), /found 2 documents, all/);
});

Deno.test("load: the parts of a split are disjoint and whole", async () => {
  const texts = Array.from({ length: 20 }, (_, i) => `Text ${i}`);
  await withFiles({ "a.txt": texts.join("<|endoftext|>") }, async (folder) => {
    const path = `${folder}/a.txt`;
    const part = async (part: string) => {
      const split = { part, shares: { train: 0.6, held: 0.4 }, seed: 1 };
      return (await load({ path, split })).examples.map(decodeSupervised);
    };
    const [train, held] = [await part("train"), await part("held")];
    assert.deepEqual([train.length, held.length], [12, 8]);
    assert.deepEqual([...train, ...held].sort(), texts.sort());
    await assert.rejects(part("test"), /found no part "test"/);
  });
});

const BAD_SECOND_LINE = Uint8Array.of(...new TextEncoder().encode('{"text":"a"}\n"'), 0xc3, 34);

const bad: [string, string | Uint8Array, RegExp][] = [
  ["a.json", "", /a\.json: found an empty file/],
  ["a.json", "[]", /a\.json: found an empty file/],
  ["a.txt", " \n", /a\.txt: found an empty file/],
  ["a.jsonl", '{"text":"a"}\n{"text" "b"}', /a\.jsonl:2: found malformed JSON \(Expected ':'.*\)$/],
  ["a.jsonl", '{"text":"a"}\n7', /a\.jsonl:2: found a number, wanted an object/],
  ["a.json", '[{"text":"a"},\n\n {"text":}]', /a\.json:3 \(row 2\): found malformed JSON/],
  ["a.json", '[{"text":"a"},\n]', /a\.json:2 \(row 2\): found malformed JSON/],
  ["a.json", '[{"text":"a"},\n{"text":"b', /a\.json:2 \(row 2\): found the end of the file/],
  ["a.json", '[{"text":"a"}]\n]', /a\.json:1: found more text after the end of the array/],
  ["a.jsonl", '{"instruction":"a","output":" "}', /a\.jsonl:1: found an empty output/],
  ["a.jsonl", '{"instruction":"a","output":7}', /a\.jsonl:1: found a number in output/],
  ["a.jsonl", '{"instruction":"a","output":null}', /:1: found nothing in output, wanted a string/],
  ["a.jsonl", '{"text":"a"}\n{"txt":"b"}', /:2: found the fields txt, wanted the field text/],
  [
    "a.jsonl",
    '{"q":"a","a":"b"}',
    /found the fields q, a, wanted input_ids.*or instruction.*or text/,
  ],
  ["a.jsonl", '{"text":" "}', /a\.jsonl:1: found an empty text/],
  ["a.jsonl", '{"input_ids":[1,2]}', /found the fields input_ids, wanted the field labels/],
  ["a.jsonl", '{"input_ids":[1,2],"labels":[2]}', /found 1 labels for 2 input_ids/],
  ["a.jsonl", '{"input_ids":[1,2],"labels":[1,3]}', /labels\[1\] = 3, wanted input_ids\[1\] = 2/],
  ["a.jsonl", '{"input_ids":[1,-2],"labels":[1,-2]}', /input_ids\[1\] = -2/],
  ["a.jsonl", '{"input_ids":[1,4294967297],"labels":[1,-100]}', /input_ids\[1\] = 4294967297/],
  ["a.jsonl", '{"input_ids":[1,2.5],"labels":[1,2.5]}', /found 2.5 in input_ids\[1\]/],
  ["a.jsonl", '{"input_ids":[1,258],"labels":[1,258]}', /token id 258 at position 1.*of 258/],
  ["a.jsonl", '{"input_ids":[1,2],"labels":[-100,-100]}', /:1: found no supervised token/],
  [
    "a.jsonl",
    BAD_SECOND_LINE,
    /a\.jsonl:2: found bytes that are not UTF-8/,
  ],
  ["a.txt", Uint8Array.of(0xff, 0xfe, 65, 0), /a\.txt:1: found bytes that are not UTF-8/],
];

Deno.test("load: bad files give one sentence with the file and the place", async () => {
  for (const [name, content, message] of bad) {
    await assert.rejects(loadFile(name, content), (error: Error) => {
      assert.match(error.message, message);
      assert.ok(error instanceof FileError && !error.message.includes("\n"), error.stack);
      return true;
    });
  }
  await assert.rejects(
    load({ path: "no/such.json" }),
    /no\/such\.json: cannot be read \(no such file\)/,
  );
  await assert.rejects(loadFile("a.txt", "a", { format: "txt" }), ConfigError);
  await assert.rejects(loadFile("a.txt", "a", { template: "none" }), ConfigError);
});

Deno.test("load: lines that cross read chunks, and characters cut by them", async () => {
  const texts = Array.from({ length: 5 }, (_, i) => "é".repeat(50_000 + i));
  const lines = texts.map((text) => JSON.stringify({ text })).join("\n");
  const { examples } = await loadFile("a.jsonl", lines, {}, { maxTokens: 200_000 });
  assert.deepEqual(examples.map(decodeSupervised), texts);
});

Deno.test({
  name: "load: the 1100 rows of shared instruct/instruction-data.json",
  ignore: !hasShared,
  fn: async () => {
    const path = sharedPath("instruct/instruction-data.json");
    const rows = JSON.parse(await Deno.readTextFile(path)) as { output: string }[];
    const { examples, skipped } = await load({ path });
    console.log(`loaded ${examples.length} rows, ${skipped} left out`);
    assert.equal(examples.length, 1100);
    assert.deepEqual(examples.map(decodeSupervised), rows.map(({ output }) => `${output}</s>`));
  },
});

Deno.test({
  name: "load: the five stories and the Alpaca folder of shared data",
  ignore: !hasShared,
  fn: async () => {
    const golden = JSON.parse(
      await Deno.readTextFile(new URL("golden/stories260K.json", shared)),
    ) as { loss: { text: string }[] };
    const stories = await load({ path: sharedPath("text/tinystories_sample.txt") });
    assert.deepEqual(stories.examples.map(decodeSupervised), golden.loss.map(({ text }) => text));
    const folder = sharedPath("tasks/instruction_induction/alpaca_train/");
    const tasks = await load({ path: folder });
    console.log(`loaded ${tasks.examples.length} rows of the Alpaca folder`);
    assert.ok(tasks.examples.length > 1000);
  },
});
