/** Arrow as pyarrow and `save_to_disk` of datasets write it, against the same rows as datasets writes them. */
import assert from "node:assert/strict";
import { FileError } from "../../../src/errors.ts";
import { findFiles, readRows } from "../../../src/rows/sources/read.ts";
import { arrowRows } from "../../../src/rows/sources/tables/mod.ts";
import { withFiles } from "../../data/toy.ts";

const FOLDER = new URL("../../golden/arrow", import.meta.url).pathname;
const WANTED = new URL("../../golden/parquet/rows.jsonl", import.meta.url).pathname;
const bytesOf = (name: string) => Deno.readFileSync(`${FOLDER}/${name}.arrow`);

const linesOf = async (path: string) =>
  (await Array.fromAsync(readRows(path))).map(({ line, fields }) => line ?? JSON.stringify(fields));

Deno.test("arrow: rows of streams and files are those of datasets, letter by letter", async () => {
  const wanted = await linesOf(WANTED);
  for (const name of ["stream", "file", "zstd"]) {
    assert.deepEqual(await linesOf(`${FOLDER}/${name}.arrow`), wanted, name);
  }
  const origins = (await Array.fromAsync(readRows(`${FOLDER}/stream.arrow`)))
    .map(({ origin }) => origin.slice(FOLDER.length));
  assert.deepEqual([origins[0], origins[13]], [
    "/stream.arrow (row 1)",
    "/stream.arrow (row 14)",
  ]);
});

Deno.test("arrow: the folder of save_to_disk is its shards, in their order", async () => {
  const files = await findFiles(`${FOLDER}/saved`);
  assert.deepEqual(
    files.map((path) => path.slice(-24)),
    [
      "data-00000-of-00002.arrow",
      "data-00001-of-00002.arrow",
    ].map((name) => name.slice(-24)),
  );
  assert.deepEqual((await Promise.all(files.map(linesOf))).flat(), await linesOf(WANTED));
  const splits = { "dataset_dict.json": '{"splits":["train","test"]}' };
  await withFiles(splits, async (folder) => {
    await assert.rejects(findFiles(folder), (fault: Error) => {
      assert.match(fault.message, /found a dataset of several splits, wanted .*train, .*test$/);
      return fault instanceof FileError;
    });
  });
});

Deno.test("arrow: what cannot be read ends in one sentence", async () => {
  const whole = bytesOf("stream");
  const bad: Record<string, [Uint8Array, RegExp]> = {
    "cut.arrow": [whole.subarray(0, 3000), /cut\.arrow: cannot be read as Arrow \(a message of /],
    "none.arrow": [new Uint8Array(), /none\.arrow: cannot be read as Arrow \(found no schema\)/],
    "text.arrow": [new TextEncoder().encode("no arrow at all"), /text\.arrow: cannot be read as/],
    "lz4.arrow": [bytesOf("lz4"), /lz4\.arrow \(rows from 1 on\): cannot be read .*LZ4/],
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

Deno.test("arrow: damaged anywhere, a file gives rows or a sentence", async () => {
  const whole = bytesOf("zstd");
  const found = new Set<string>();
  for (let i = 0; i < 12; i++) {
    const damaged = whole.slice();
    for (let j = 0; j < 3; j++) {
      damaged[(i * 7919 + j * 104729) % damaged.length]! ^= 1 << (i + j) % 8;
    }
    await withFiles({ "a.arrow": damaged }, async (folder) => {
      await Array.fromAsync(arrowRows(`${folder}/a.arrow`, 1, 2000))
        .then(() => found.add("rows"), (fault) => {
          assert.ok(fault instanceof FileError, fault.stack);
          found.add("sentence");
        });
    });
  }
  assert.deepEqual([...found].sort(), ["rows", "sentence"]);
});
