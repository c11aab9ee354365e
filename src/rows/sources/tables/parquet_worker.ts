/**
 * Unpacks a Parquet file for whoever has begun this thread.
 *
 * @module
 */
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from "../../../deps/parquet.ts";
import { FileError } from "../../../errors.ts";
import { jsonOf, textOf } from "./parquet_values.ts";
import { handOn, MAX_MIB, MAX_ROWS, reading, say, unpack } from "./unpacking.ts";

type Unpack = (bytes: Uint8Array, how: { readonly maxOutputLength: number }) => Uint8Array;

/** Never more than a page has announced. */
const bounded = (unpack: Unpack) => (bytes: Uint8Array, length: number): Uint8Array =>
  length === 0 ? new Uint8Array() : unpack(bytes, { maxOutputLength: length });

/** What pages are packed by; the library has Snappy itself. */
const COMPRESSORS: Compressors = {
  GZIP: bounded(gunzipSync),
  BROTLI: bounded(brotliDecompressSync),
  ZSTD: bounded(zstdDecompressSync),
};

async function read(path: string): Promise<void> {
  using open = await Deno.open(path);
  const file = { byteLength: open.statSync().size, slice: slicesOf(open) };
  const metadata = await reading(
    path,
    "Parquet",
    () => parquetMetadataAsync(file, { geoparquet: false }),
  );
  const toJson = await reading(path, "Parquet", () => jsonOf(metadata));
  const parsers = { stringFromBytes: textOf };
  const settings = { file, metadata, compressors: COMPRESSORS, parsers, geoparquet: false };
  let rowStart = 0;
  for (const [i, group] of metadata.row_groups.entries()) {
    const mib = checkGroup(`${path} (row group ${i + 1})`, group);
    const rowEnd = rowStart + Number(group.num_rows);
    say({ kind: "begins", mib });
    const rows = await reading(
      `${path} (rows ${rowStart + 1} to ${rowEnd})`,
      "Parquet",
      () => parquetReadObjects({ ...settings, rowStart, rowEnd }),
    );
    await handOn(rows, toJson, rowStart + 1);
    rowStart = rowEnd;
  }
}

/** Bytes of an open file: the library asks for several at once, so none may move the place meanwhile. */
const slicesOf = (file: Deno.FsFile) => (from: number, to?: number): ArrayBuffer => {
  const end = Math.min(to ?? Infinity, file.statSync().size);
  const bytes = new Uint8Array(Math.max(0, end - from));
  file.seekSync(from, Deno.SeekMode.Start);
  for (let done = 0; done < bytes.length;) {
    const count = file.readSync(bytes.subarray(done));
    if (count === null) throw new RangeError("the file ends early");
    done += count;
  }
  return bytes.buffer;
};

/** The MiB of a row group. */
function checkGroup(origin: string, group: FileMetaData["row_groups"][number]): number {
  const [mib, rows] = [Number(group.total_byte_size) / 2 ** 20, Number(group.num_rows)];
  if (rows >= 0 && rows <= MAX_ROWS && mib >= 0 && mib <= MAX_MIB) return mib;
  throw new FileError(
    `${origin}: found ${rows} rows of ${Math.round(mib)} MiB in one group, wanted at most ` +
      `${MAX_ROWS} of ${MAX_MIB} MiB, so that one fits into the memory`,
  );
}

await unpack(read);
