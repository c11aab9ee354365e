/**
 * Bytes in, lines out, one at a time, so that the text of a file is never held whole.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { Decompress } from "../../deps/zstd.ts";
import { FileError } from "../../errors.ts";
import { isDenied } from "../../io/files.ts";
import { checkRatio, MAX_LINE_MIB, MAX_ROW_MIB, rowTooLong } from "./limits.ts";

const NEWLINE = 10;

/**
 * Lines without their line end (LF or CRLF) and without a byte order mark; a name that ends in .gz
 * or .zst is decompressed on the way.
 *
 * @throws {FileError} if the file cannot be read, a line is not UTF-8 or is longer than `maxMib`, or
 * an archive holds more than is believable. Lines of a JSON array may be as long as a text.
 */
export async function* readLines(path: string, maxMib = MAX_ROW_MIB): AsyncGenerator<string> {
  let number = 1;
  let pieces: Uint8Array[] = [];
  let held = 0;
  let most: number | null = null;
  for await (const chunk of readChunks(path)) {
    most ??= mostOf(chunk, maxMib);
    let begin = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, begin)) >= 0; begin = end + 1) {
      yield decodeLine([...pieces, chunk.subarray(begin, end)], `${path}:${number++}`);
      pieces = [];
      held = 0;
    }
    if (begin === chunk.length) continue;
    pieces.push(chunk.subarray(begin));
    held += chunk.length - begin;
    if (held > most) throw rowTooLong(`${path}:${number}`, maxMib);
  }
  if (pieces.length > 0) yield decodeLine(pieces, `${path}:${number}`);
}

/** The longest line of a file that begins so: rows of a JSON array are cut out of lines. */
function mostOf(begin: Uint8Array, maxMib: number): number {
  const opensArray = new TextDecoder().decode(begin.subarray(0, 64)).trimStart().startsWith("[");
  return (opensArray ? MAX_LINE_MIB : maxMib) * 2 ** 20;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function decodeLine(pieces: Uint8Array[], origin: string): string {
  const bytes = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  try {
    const text = decoder.decode(bytes);
    return text.endsWith("\r") ? text.slice(0, -1) : text;
  } catch {
    throw new FileError(`${origin}: found bytes that are not UTF-8, wanted UTF-8 text`);
  }
}

async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  try {
    if (/\.gz$/i.test(path)) yield* gunzipped(path);
    else if (/\.zst$/i.test(path)) yield* unzstd(path);
    else yield* (await Deno.open(path)).readable;
  } catch (error) {
    throw error instanceof FileError ? error : unreadable(path, error);
  }
}

/** By Node's gunzip: DecompressionStream stops after the first of several parts. */
async function* gunzipped(path: string): AsyncGenerator<Uint8Array> {
  const packed = createReadStream(path);
  let unpacked = 0;
  const chunks: AsyncIterable<Uint8Array> = pipeline(packed, createGunzip(), () => {
    /* the reader sees the error */
  });
  for await (const chunk of chunks) {
    unpacked += chunk.length;
    checkRatio(path, unpacked, packed.bytesRead);
    yield chunk;
  }
}

async function* unzstd(path: string): AsyncGenerator<Uint8Array> {
  let [unpacked, packed] = [0, 0];
  let chunks: Uint8Array[] = [];
  const stream = new Decompress((chunk) => {
    unpacked += chunk.length;
    checkRatio(path, unpacked, packed);
    chunks.push(chunk);
  });
  for await (const piece of (await Deno.open(path)).readable) {
    packed += piece.length;
    stream.push(piece);
    yield* chunks;
    chunks = [];
  }
  stream.push(new Uint8Array(), true);
  yield* chunks;
}

/** What to say of a file that the system does not give. */
export function unreadable(path: string, error: unknown): Error {
  if (isDenied(error)) return error as Error;
  const reason = error instanceof Deno.errors.NotFound ? "no such file" : (error as Error).message;
  return new FileError(`${path}: cannot be read (${reason})`);
}
