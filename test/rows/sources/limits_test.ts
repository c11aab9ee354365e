/** Files that would fill the memory: long rows, and archives that hold more than text can. */
import assert from "node:assert/strict";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { FileError } from "../../../src/errors.ts";
import { checkRatio, MAX_ROW_MIB } from "../../../src/rows/sources/limits.ts";
import { readRows } from "../../../src/rows/sources/read.ts";
import { withFiles } from "../../data/toy.ts";

/** Rows of at most 100 KiB each. */
const LIMIT = 0.1;
const long = "x".repeat(150_000);
const row = (text: string) => JSON.stringify({ text });

async function read(name: string, content: string | Uint8Array, limit = LIMIT): Promise<number> {
  let count = 0;
  await withFiles({ [name]: content }, async (folder) => {
    for await (const _ of readRows(`${folder}/${name}`, limit)) count++;
  });
  return count;
}

const refused = (name: string, content: string | Uint8Array, at: string) =>
  assert.rejects(
    read(name, content),
    (fault) =>
      fault instanceof FileError && fault.message.includes(`${at}: found a row of more than`) &&
      fault.message.endsWith("or a higher data.max_row_mib"),
    name,
  );

Deno.test("a row that is too long is refused with its place, in every kind of file", async () => {
  const lines = `${row("a")}\n${row(long)}\n`;
  await refused("a.jsonl", lines, "a.jsonl:2");
  await refused("a.jsonl.gz", gzipSync(lines), "a.jsonl.gz:2");
  await refused("a.jsonl", `${row("a")}\n${long}`, "a.jsonl:2");
  await refused("a.json", `[${row("a")},\n${row(long)}]`, "a.json:2 (row 2)");
  await refused("a.json", `[${row("a")},${row(long)}]`, "a.json:1 (row 2)");
  await refused("a.json", `{"text":\n"${"y\\n".repeat(20)}",\n"b":"${long}"}`, "a.json:3");
  await refused("a.json", `{"text":[\n${`"${"y".repeat(999)}",\n`.repeat(120)}1]}`, "a.json");
  await refused("a.csv", `a,b\n1,2\n3,"${"y\n".repeat(75_000)}"\n`, "a.csv:3");
  await refused("a.txt", `a<|endoftext|>${"y\n".repeat(75_000)}`, "a.txt (document 2)");
});

Deno.test("short rows are no long one together, and an array may be one line", async () => {
  const many = Array.from({ length: 40 }, (_, i) => row(`${i} ${"x".repeat(9000)}`));
  assert.equal(await read("a.jsonl", many.join("\n")), 40);
  assert.equal(await read("a.jsonl.gz", gzipSync(many.join("\n"))), 40);
  assert.equal(await read("a.json", ` [${many.join(",")}]`), 40);
  assert.equal(await read("a.csv", `a,b\n${`${"x".repeat(9000)},1\n`.repeat(40)}`), 40);
  assert.equal(await read("a.txt", `${"x".repeat(9000)}<|endoftext|>`.repeat(40)), 40);
  assert.equal(await read("a.jsonl", row(long), MAX_ROW_MIB), 1);
});

Deno.test("an archive that holds more than 250 times its bytes is refused as it is unpacked", async () => {
  const blank = gzipSync(`${" ".repeat(90_000)}\n`.repeat(1000)); // no row is long
  await assert.rejects(
    read("bomb.jsonl.gz", blank),
    (fault) => fault instanceof FileError && /decompression bomb/.test(fault.message),
  );
  const frames = zstdCompressSync(`${" ".repeat(90_000)}\n`.repeat(1000));
  await assert.rejects(read("bomb.jsonl.zst", frames), /decompression bomb/);
  checkRatio("text.jsonl.gz", 1e9, 1e9 / 20);
  assert.throws(() => checkRatio("bomb.jsonl.gz", 1e9, 1e6), /more than 250 bytes in each byte/);
});
