import assert from "node:assert/strict";
import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { FileError } from "../../../src/errors.ts";
import { readRows } from "../../../src/rows/sources/read.ts";
import { withFiles } from "../../data/toy.ts";

/** The rows of a file of that name and content. */
async function rowsOf(name: string, content: string | Uint8Array) {
  let rows: { fields: Record<string, unknown>; origin: string }[] = [];
  await withFiles({ [name]: content }, async (folder) => {
    rows = await Array.fromAsync(readRows(`${folder}/${name}`), ({ fields, origin }) => ({
      fields,
      origin: origin.slice(folder.length + 1),
    }));
  });
  return rows;
}

async function gzip(text: string): Promise<Uint8Array> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const quoted = (value: string) => `"${value.replaceAll('"', '""')}"`;

Deno.test("files: a CSV with quotes, commas, line ends, and a blank line", async () => {
  const rows = await rowsOf(
    "a.csv",
    '\ufeffinstruction,output\r\nAdd.,"1, 2"\r\n\r\n"Say ""hi""\r\ntwice",\r\nplain,3',
  );
  assert.deepEqual(rows, [
    { fields: { instruction: "Add.", output: "1, 2" }, origin: "a.csv:2" },
    { fields: { instruction: 'Say "hi"\ntwice', output: "" }, origin: "a.csv:4" },
    { fields: { instruction: "plain", output: "3" }, origin: "a.csv:6" },
  ]);
  const tabs = await rowsOf("a.tsv", 'a\tb\n1, 2\t"3\t4"\n');
  assert.deepEqual(tabs.map(({ fields }) => fields), [{ a: "1, 2", b: "3\t4" }]);
});

Deno.test("files: any table comes back as it was written", async () => {
  const cell = fc.string({
    unit: fc.constantFrom("a", '"', ",", "\t", "\n", " ", "é"),
    maxLength: 6,
  });
  const table = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(table, fc.constantFrom(",", "\t"), async (table, separator) => {
      const lines = [["x", "y", "__proto__"], ...table].map((row) =>
        row.map(quoted).join(separator)
      );
      const rows = await rowsOf(separator === "," ? "a.csv" : "a.tsv", lines.join("\r\n"));
      assert.deepEqual(rows.map(({ fields }) => Object.entries(fields).map(([, v]) => v)), table);
    }),
    { numRuns: 50 },
  );
});

Deno.test("files: gzip of lines, of an array, of a table and of text", async () => {
  const contents = {
    "a.jsonl.gz": '{"text":"a"}\n{"text":"b"}',
    "a.json.gz": '[{"text":"a"},{"text":"b"}]',
    "a.csv.gz": "text\na\nb\n",
    "a.txt.gz": "a<|endoftext|>b",
  };
  for (const [name, content] of Object.entries(contents)) {
    const rows = await rowsOf(name, await gzip(content));
    assert.deepEqual(rows.map(({ fields }) => fields["text"]), ["a", "b"], name);
  }
});

Deno.test("files: zstd of lines and of a table, in one part or in several", async () => {
  const [first, second] = [zstdCompressSync('{"text":"a"}\n'), zstdCompressSync('{"text":"b"}\n')];
  for (
    const [name, content] of Object.entries({
      "a.jsonl.zst": Uint8Array.of(...first!, ...second!),
      "a.csv.zst": zstdCompressSync("text\na\nb\n"),
    })
  ) {
    const rows = await rowsOf(name, content);
    assert.deepEqual(rows.map(({ fields }) => fields["text"]), ["a", "b"], name);
  }
});

Deno.test("files: gzip in several parts, and one that is left half read", async () => {
  const parts = [await gzip('{"text":"a"}\n'), await gzip('{"text":"b"}\n')];
  const rows = await rowsOf("a.jsonl.gz", Uint8Array.of(...parts.flatMap((part) => [...part])));
  assert.deepEqual(rows.map(({ origin }) => origin), ["a.jsonl.gz:1", "a.jsonl.gz:2"]);
  const long = await gzip('{"text":"a"}\n'.repeat(500_000));
  await withFiles({ "a.jsonl.gz": long }, async (folder) => {
    for await (const { origin } of readRows(`${folder}/a.jsonl.gz`)) {
      if (origin.endsWith(":2")) break;
    }
  });
});

Deno.test("files: one object over many lines is one row", async () => {
  const task = { Definition: ["a"], Instances: [{ input: "[", output: ["{"] }] };
  const [row, ...others] = await rowsOf("task.json", JSON.stringify(task, null, 1));
  assert.deepEqual([row!.fields, row!.origin, others.length], [task, "task.json", 0]);
  const lines = await rowsOf("lines.json", `${JSON.stringify(task)}\n{"a":1}`);
  assert.deepEqual(lines.map(({ origin }) => origin), ["lines.json:1", "lines.json:2"]);
});

const long = JSON.stringify(Array.from({ length: 40 }, (_, i) => `word ${i}`), null, 1);

const bad: [string, string | Uint8Array, RegExp][] = [
  ["a.csv", "a,b\n1,2\n3\n", /a\.csv:3: found 1 fields, wanted 2 as in the header/],
  ["a.csv", "a,b\n1,2,3\n", /a\.csv:2: found 3 fields/],
  ["a.csv", 'a,b\n"1\n2",3\n4\n', /a\.csv:4: found 1 fields/],
  ["a.csv", "a,a\n1,2\n", /a\.csv:1: found the field a twice/],
  ["a.csv", 'a,b\n1,2\n"3,4\n5,6\n', /a\.csv:3: found a quote that nothing closes/],
  ["a.csv", 'a,b\n1,2"3"\n', /a\.csv:2: found a quote where none belongs in field 2/],
  ["a.csv", 'a,b\n"1"2,3\n', /a\.csv:2: found a quote where none belongs in field 1/],
  ["a.csv", "a,b\n", /a\.csv: found an empty file/],
  ["a.csv", Uint8Array.of(97, 10, 0xff), /a\.csv:2: found bytes that are not UTF-8/],
  ["a.jsonl.gz", "not gzip", /a\.jsonl\.gz: cannot be read/],
  ["a.json", '{\n "a": [1,\n 2}\n}', /a\.json:3: found malformed JSON/],
  [
    "a.json",
    `{\n "a": ${long},\n "b": x}`,
    /a\.json:44: found malformed JSON \(Unexpected token 'x'\)/,
  ],
  ["a.json", '{\n "a": 1', /a\.json:2: found malformed JSON/],
  ["a.json", '{"a": 1}\n{"b" 2}', /a\.json:2: found malformed JSON/],
  ["a.xlsx", "PK", /unknown kind of file, wanted \.json, \.jsonl, \.csv, \.tsv or \.txt/],
  ["a.jsonl.zst", "not zstd", /a\.jsonl\.zst: cannot be read/],
];

Deno.test("files: damaged ones give one sentence with file and line", async () => {
  for (const [name, content, message] of bad) {
    await assert.rejects(rowsOf(name, content), (error: Error) => {
      assert.match(error.message, message);
      return error instanceof FileError && !error.message.includes("\n");
    });
  }
  const cut = (await gzip('{"text":"a"}\n'.repeat(100))).subarray(0, 30);
  await assert.rejects(rowsOf("a.jsonl.gz", cut), /a\.jsonl\.gz: cannot be read/);
  const short = zstdCompressSync('{"text":"a"}\n'.repeat(100)).subarray(0, 24);
  await assert.rejects(rowsOf("a.jsonl.zst", short), /a\.jsonl\.zst: cannot be read/);
});

Deno.test("files: the memory for a long file is that of a few lines", async () => {
  const line = `${JSON.stringify({ text: "word ".repeat(2000) })}\n`;
  await withFiles({}, async (folder) => {
    const path = `${folder}/a.jsonl`;
    using file = await Deno.open(path, { write: true, create: true });
    const block = new TextEncoder().encode(line.repeat(100));
    for (let i = 0; i < 100; i++) await file.write(block);
    let rows = 0;
    let most = 0;
    const before = bytesHeld();
    for await (const _ of readRows(path)) {
      if (rows++ % 500 === 0) most = Math.max(most, bytesHeld() - before);
    }
    assert.equal(rows, 10_000); // 100 MB
    console.log(`at most ${(most / 1e6).toFixed(0)} MB more for 100 MB of lines`);
    assert.ok(most < 70e6);
  });
});

function bytesHeld(): number {
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}
