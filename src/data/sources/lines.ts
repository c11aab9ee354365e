/**
 * Bytes in, lines out, one at a time, so that the text of a file is never held whole.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { FileError } from "../../errors.ts";

const NEWLINE = 10;

/**
 * Lines without their line end (LF or CRLF) and without a byte order mark; a name that ends in .gz
 * is decompressed on the way.
 *
 * @throws {FileError} if the file cannot be read, or a line is not UTF-8.
 */
export async function* readLines(path: string): AsyncGenerator<string> {
  let number = 1;
  let pieces: Uint8Array[] = [];
  for await (const chunk of readChunks(path)) {
    let begin = 0;
    for (let end; (end = chunk.indexOf(NEWLINE, begin)) >= 0; begin = end + 1) {
      yield decodeLine([...pieces, chunk.subarray(begin, end)], `${path}:${number++}`);
      pieces = [];
    }
    if (begin < chunk.length) pieces.push(chunk.subarray(begin));
  }
  if (pieces.length > 0) yield decodeLine(pieces, `${path}:${number}`);
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
    yield* /\.gz$/i.test(path) ? gunzipped(path) : (await Deno.open(path)).readable;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** By Node's gunzip: DecompressionStream stops after the first of several parts. */
function gunzipped(path: string): AsyncIterable<Uint8Array> {
  return pipeline(createReadStream(path), createGunzip(), () => {/* the reader sees the error */});
}

/** What to say of a file that the system does not give. */
export function unreadable(path: string, error: unknown): FileError {
  const reason = error instanceof Deno.errors.NotFound ? "no such file" : (error as Error).message;
  return new FileError(`${path}: cannot be read (${reason})`);
}
