/**
 * Unpacks an Arrow file (https://arrow.apache.org/docs/format/Columnar.html#format-ipc) for whoever has
 * begun this thread: a record batch at a time, of streams and of files.
 *
 * @module
 */
import { zstdDecompressSync } from "node:zlib";
import { CompressionType, setCompressionCodec, tableFromIPC } from "../../../deps/arrow.ts";
import { FileError } from "../../../errors.ts";
import { openFile, readAt } from "../../../io/files.ts";
import { jsonOf } from "./arrow_values.ts";
import { handOn, MAX_MIB, MAX_ROWS, reading, say, unpack } from "./unpacking.ts";

/** What a file begins with, before the same messages as those of a stream, from byte 8 on. */
const MAGIC = "ARROW1";
/** What stands before the length of a message, since version 0.15. */
const CONTINUES = 0xffffffff;
/** The most MiB of what describes a message. */
const MAX_METADATA_MIB = 64;
/** Kinds of messages. */
const [SCHEMA, DICTIONARY, ROWS] = [1, 2, 3];

/** Whole numbers keep their digits; times are dates. */
const OPTIONS = { useBigInt: true, useDate: true };

setCompressionCodec(CompressionType.ZSTD, {
  encode: (bytes) => bytes,
  decode: (bytes, length) =>
    new Uint8Array(zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, Number(length)) })),
});

/** A message with its body. */
interface Message {
  readonly kind: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

async function read(path: string): Promise<void> {
  const before: Uint8Array<ArrayBuffer>[] = [];
  let first = 1;
  for (const { kind, bytes } of messagesOf(path)) {
    if (kind === SCHEMA || kind === DICTIONARY) before.push(bytes);
    requireRoom(path, [...before, bytes]);
    if (kind !== ROWS) continue;
    say({ kind: "begins", mib: bytes.length / 2 ** 20 });
    const at = first;
    const { rows, toJson } = await reading(`${path} (rows from ${at} on)`, "Arrow", () => {
      const table = tableFromIPC([...before, bytes], OPTIONS);
      if (table.numRows > MAX_ROWS) throw new Error(`found ${table.numRows} rows together`);
      return { rows: table.toArray() as Record<string, unknown>[], toJson: jsonOf(table.schema) };
    });
    await handOn(rows, toJson, at);
    first += rows.length;
  }
  if (before.length > 0) return;
  throw new FileError(
    `${path}: cannot be read as Arrow (found no schema), wanted a stream or a file`,
  );
}

/** @throws {FileError} where what is unpacked together does not fit into the memory. */
function requireRoom(path: string, together: readonly Uint8Array[]): void {
  const mib = Math.round(together.reduce((sum, { length }) => sum + length, 0) / 2 ** 20);
  if (mib <= MAX_MIB) return;
  throw new FileError(
    `${path}: found a record batch of ${mib} MiB with its dictionaries, wanted at most ${MAX_MIB} MiB`,
  );
}

/** The messages of a stream or file in their order, one in memory at a time. */
function* messagesOf(path: string): Generator<Message> {
  using file = openFile(path);
  const { size } = file.statSync();
  const take = (at: number, length: number): Uint8Array<ArrayBuffer> =>
    readAt(file, path, new Uint8Array(length), at);
  const numberAt = (at: number): number => new DataView(take(at, 4).buffer).getUint32(0, true);
  const isFile = size >= 8 && new TextDecoder().decode(take(0, 6)) === MAGIC;
  for (let at = isFile ? 8 : 0; at + 4 <= size;) {
    const prefix = numberAt(at) === CONTINUES ? 8 : 4;
    const length = numberAt(at + prefix - 4);
    if (length === 0) return; // the end of the stream, and in a file what stands before its footer
    if (length > MAX_METADATA_MIB * 2 ** 20 || at + prefix + length > size) {
      throw cutShort(path, at, prefix + length, size);
    }
    const { kind, body } = messageAt(take(at + prefix, length));
    const whole = prefix + length + body;
    if (!(body >= 0 && at + whole <= size)) throw cutShort(path, at, whole, size);
    requireRoom(path, [{ length: whole } as Uint8Array]);
    yield { kind, bytes: take(at, whole) };
    at += whole;
  }
}

const cutShort = (path: string, at: number, length: number, size: number): FileError =>
  new FileError(
    `${path}: cannot be read as Arrow (a message of ${length} bytes begins at byte ${at} of ${size}), ` +
      "wanted a stream or a file that is whole",
  );

/**
 * The kind of a message and the bytes of its body: fields 1 and 3 of the table `Message`, a FlatBuffer
 * (https://github.com/apache/arrow/blob/main/format/Message.fbs).
 */
function messageAt({ buffer }: Uint8Array<ArrayBuffer>): { kind: number; body: number } {
  const view = new DataView(buffer);
  try {
    const table = view.getUint32(0, true);
    const fields = table - view.getInt32(table, true);
    const placeOf = (field: number): number => {
      const slot = 4 + 2 * field;
      return slot < view.getUint16(fields, true) ? view.getUint16(fields + slot, true) : 0;
    };
    const [kind, body] = [placeOf(1), placeOf(3)];
    return {
      kind: kind === 0 ? 0 : view.getUint8(table + kind),
      body: body === 0 ? 0 : Number(view.getBigInt64(table + body, true)),
    };
  } catch {
    return { kind: 0, body: NaN }; // a place outside of it
  }
}

await unpack(read);
