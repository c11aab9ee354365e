/** Parquet as pyarrow writes it, against the same rows as Python's datasets writes them. */
import assert from "node:assert/strict";
import { type Content, readContents } from "../../../src/data/mod.ts";
import { FileError } from "../../../src/errors.ts";
import { parquetRows } from "../../../src/rows/sources/tables/mod.ts";
import { findFiles, readRows } from "../../../src/rows/sources/read.ts";
import { withFiles } from "../../data/toy.ts";

const FOLDER = new URL("../../golden/parquet/", import.meta.url).pathname;
const bytesOf = (name: string) => Deno.readFileSync(`${FOLDER}/${name}.parquet`);

const linesOf = async (path: string) =>
  (await Array.fromAsync(readRows(path))).map(({ line, fields }) => line ?? JSON.stringify(fields));

Deno.test("parquet: rows are those of datasets, letter by letter, however they are packed", async () => {
  const wanted = await linesOf(`${FOLDER}/rows.jsonl`);
  for (const name of ["snappy", "zstd", "gzip", "brotli", "plain"]) {
    assert.deepEqual(await linesOf(`${FOLDER}/${name}.parquet`), wanted, name);
  }
  assert.equal(wanted.length, 14);
});

Deno.test("parquet: chats in lists of structs are learnt from, numbers keep their digits", async () => {
  const path = `${FOLDER}/zstd.parquet`;
  const contents: Content[] = [];
  const reading = async () => {
    for await (const { content } of readContents({ path })) contents.push(content);
  };
  await assert.rejects(reading, /\(row 4\) \(messages\[1\]\): found nothing in content/);
  const [content] = contents;
  assert.ok(content?.kind === "chat");
  assert.deepEqual(content.messages.map(({ content }) => content), ["What is 0 ä☃?", "It is 0."]);
  const rows = await Array.fromAsync(readRows(path));
  assert.match(rows[1]!.line!, /"id":9007199254740993,.*"score":0\.25/);
  assert.deepEqual([rows[0]!.origin, rows[13]!.origin].map((at) => at.slice(path.length)), [
    " (row 1)",
    " (row 14)",
  ]);
});

Deno.test("parquet: what cannot be read ends in one sentence with the file and the rows", async () => {
  const whole = bytesOf("snappy");
  const bad: Record<string, [Uint8Array, RegExp]> = {
    "cut.parquet": [whole.subarray(0, 2000), /cut\.parquet: cannot be read as Parquet \(.*footer/],
    "short.parquet": [whole.subarray(0, 5), /short\.parquet: cannot be read as Parquet/],
    "lz4.parquet": [bytesOf("lz4"), /lz4\.parquet \(rows 1 to 8\): cannot be read .*codec: LZ4/],
    "hole.parquet": [
      whole.map((byte, i) => i > 400 && i < 900 ? 0xff : byte),
      /hole\.parquet \(rows 1 to 8\): cannot be read as Parquet/,
    ],
  };
  for (const [name, [bytes, message]] of Object.entries(bad)) {
    await withFiles({ [name]: bytes }, async (folder) => {
      await assert.rejects(linesOf(`${folder}/${name}`), (fault: Error) => {
        assert.match(fault.message, message);
        return fault instanceof FileError && !fault.message.includes("\n");
      });
    });
  }
});

Deno.test("parquet: a column of another shape than its format wants is named with the row", async () => {
  const path = `${FOLDER}/gzip.parquet`;
  const columns = { output: "messages" };
  await assert.rejects(
    Array.fromAsync(readContents({ path, columns, format: "alpaca" })),
    /gzip\.parquet \(row 1\): found an array in output, wanted a string/,
  );
  const absent = { instruction: "question", output: "output" };
  await assert.rejects(
    Array.fromAsync(readContents({ path, columns: absent })),
    /\(row 1\): found the fields id, instruction, .*, wanted the column question, which columns names for instruction/,
  );
});

Deno.test("parquet: damaged anywhere, a file gives rows or a sentence, and never keeps on", async () => {
  const whole = bytesOf("zstd");
  const found = new Set<string>();
  for (const i of [0, 1, 2, 5, 7, 8, 9, 14, 16, 17]) {
    const damaged = whole.slice();
    for (let j = 0; j < 3; j++) {
      damaged[(i * 7919 + j * 104729) % damaged.length]! ^= 1 << (i + j) % 8;
    }
    await withFiles({ "a.parquet": damaged }, async (folder) => {
      const rows = Array.fromAsync(parquetRows(`${folder}/a.parquet`, 1, 2000));
      await rows.then(() => found.add("rows"), (fault) => {
        assert.ok(fault instanceof FileError, fault.stack);
        found.add(/more than \d+ s/.test(fault.message) ? "endless" : "sentence");
      });
    });
  }
  assert.deepEqual([...found].sort(), ["endless", "rows", "sentence"]);
});

Deno.test("parquet: a folder and a pattern find them", async () => {
  const found = await findFiles(FOLDER);
  assert.ok(found.some((path) => path.endsWith("gzip.parquet")));
  assert.equal((await findFiles(`${FOLDER}*.parquet`)).length, 6);
});
