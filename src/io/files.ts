/**
 * File helpers: faults become {@linkcode FileError}, and nothing is seen under its final name
 * before it is whole.
 *
 * @module
 */

import { basename, dirname, join } from "node:path";
import { FileError } from "../errors.ts";
import { isTooDeep, MAX_DEPTH } from "./json.ts";
import { patiently, placed } from "./patience.ts";

/**
 * Opens `path` for reading.
 *
 * @throws {FileError} If it is missing, not a file or not readable.
 */
export function openFile(path: string): Deno.FsFile {
  return onDisk(`Cannot read ${path}`, () => {
    const file = Deno.openSync(placed(path));
    if (file.statSync().isFile) return file;
    file.close();
    throw new FileError(`Cannot read ${path}: found a folder, wanted a file`);
  });
}

/** The longest file that is read as one text; a tokenizer.json of 256,000 entries has 35 MB. */
const MAX_TEXT_BYTES = 1 << 28;

/**
 * The text of `path`.
 *
 * @throws {FileError} If it is missing, not readable, not UTF-8 or enormous.
 */
export function readText(path: string): string {
  const text = decodeUtf8(readBytes(path));
  if (text === undefined) {
    throw new FileError(`Cannot read ${path}: found bytes that are not UTF-8, wanted text`);
  }
  return text;
}

/**
 * The bytes of `path`.
 *
 * @throws {FileError} If it is missing, not readable or enormous.
 */
export function readBytes(path: string): Uint8Array<ArrayBuffer> {
  return onDisk(`Cannot read ${path}`, () => {
    const { size } = Deno.statSync(placed(path));
    if (size <= MAX_TEXT_BYTES) return Deno.readFileSync(placed(path));
    throw new FileError(
      `Cannot read ${path}: found ${size} bytes, wanted at most ${MAX_TEXT_BYTES} of text`,
    );
  });
}

/**
 * The JSON object in `path`.
 *
 * @throws {FileError} If the file is missing, not readable or anything but a JSON object.
 */
export function readJsonObject(path: string): Record<string, unknown> {
  return parseJsonObject(readText(path), path);
}

/**
 * The JSON object in `text`, which came from `path`.
 *
 * @throws {FileError} If it is not a JSON object, or one that nests too deep.
 */
export function parseJsonObject(text: string, path: string): Record<string, unknown> {
  if (isTooDeep(text)) {
    throw new FileError(
      `Cannot read ${path}: found JSON that nests deeper than ${MAX_DEPTH} levels`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (fault) {
    // V8 quotes the place, with its line ends.
    const words = (fault as Error).message.replace(/\s+/g, " ");
    throw new FileError(`Cannot read ${path}: not valid JSON (${words})`);
  }
  if (isObject(value)) return value;
  throw new FileError(`Cannot read ${path}: found ${kindOf(value)}, wanted a JSON object`);
}

/** `bytes` as text, or undefined if they are not UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** Whether `value` is an object with keys: not null, not an array. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a JSON value is, in the words of an error message. */
export function kindOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  return Array.isArray(value) ? "an array" : `a JSON ${typeof value}`;
}

/**
 * Whether anything is at `path`.
 *
 * @throws {FileError} If that cannot be told, as when a parent folder is closed to us.
 */
export function exists(path: string): boolean {
  return onDisk(`Cannot look at ${path}`, () => {
    try {
      Deno.statSync(placed(path));
      return true;
    } catch (fault) {
      const { NotADirectory, NotFound } = Deno.errors;
      if (fault instanceof NotFound || fault instanceof NotADirectory) return false;
      throw fault;
    }
  });
}

/** Whether a file, or a link to one, is at `path`. */
export function isFile(path: string): boolean {
  return exists(path) && onDisk(`Cannot look at ${path}`, () => Deno.statSync(placed(path)).isFile);
}

/**
 * Writes a file through `write` under a temporary name in the same folder, flushes it to the disk
 * and renames it, so that `path` holds the old bytes or the new ones, never a part of them.
 *
 * @throws {FileError} If the disk refuses; `path` is then as it was.
 */
export function writeFile(path: string, write: (file: Deno.FsFile) => void): void {
  patiently(path, (path) =>
    onDisk(`Cannot write ${path}`, () => {
      const temporary = temporaryName(path);
      try {
        const file = Deno.openSync(temporary, { write: true, createNew: true });
        try {
          write(file);
          file.syncSync();
        } finally {
          file.close();
        }
        Deno.renameSync(temporary, path);
      } catch (fault) {
        tryToRemove(temporary);
        throw fault;
      }
    }));
}

/** Writes `value` as JSON, indented by 2 and ending in a newline, whole or not at all. */
export function writeJson(path: string, value: unknown): void {
  writeText(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Writes `text` as UTF-8, whole or not at all. */
export function writeText(path: string, text: string): void {
  writeFile(path, (file) => writeAll(file, encodeUtf8(text)));
}

/**
 * Fills `into` from byte `position` of the open file `path`, in as many reads as the system needs.
 *
 * @throws {FileError} If the file ends before, or the disk refuses.
 */
export function readAt<T extends Uint8Array>(
  file: Deno.FsFile,
  path: string,
  into: T,
  position: number,
): T {
  return onDisk(`Cannot read ${path}`, () => {
    file.seekSync(position, Deno.SeekMode.Start);
    for (let done = 0; done < into.byteLength;) {
      const count = file.readSync(into.subarray(done));
      if (count === null) {
        const wanted = position + into.byteLength;
        throw new FileError(
          `Cannot read ${path}: it ends at byte ${position + done}, wanted ${wanted}`,
        );
      }
      done += count;
    }
    return into;
  });
}

/** Writes all of `bytes`, where one call of the system may write only some of them. */
export function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

/** `text` as UTF-8. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/**
 * Appends to a text file, which is made where it is not there yet: all of `text`, or nothing.
 *
 * @throws {FileError} If the disk refuses.
 */
export function appendText(path: string, text: string): void {
  appendBytes(path, encodeUtf8(text));
}

/** {@link appendText} of bytes. */
export function appendBytes(path: string, bytes: Uint8Array): void {
  patiently(path, (path) =>
    onDisk(`Cannot write ${path}`, () => {
      using file = Deno.openSync(path, { append: true, create: true });
      const { size } = file.statSync();
      try {
        writeAll(file, bytes);
      } catch (fault) {
        cutBack(file, size);
        throw fault;
      }
    }));
}

/** Takes back a part of what was to be appended; a fault here must not hide the one before. */
function cutBack(file: Deno.FsFile, size: number): void {
  try {
    file.truncateSync(size);
  } catch { /* whoever reads lines passes over damaged ones */ }
}

/** What all temporary names of this program have; null for another in each. */
let temporaryMark: string | null = null;

/**
 * Gives all temporary names of this program the same mark, so that who allows it a path can allow it
 * the temporary one as well.
 *
 * @param mark of eight hexadecimal digits.
 */
export function useTemporaryMark(mark: string): void {
  temporaryMark = mark;
}

/** A name beside `path` that nobody takes for what is whole. */
export function temporaryName(path: string): string {
  const mark = temporaryMark ?? crypto.randomUUID().slice(0, 8);
  return join(dirname(path), `.${basename(path)}.${mark}.tmp`);
}

/** Removes what is at `path`, if anything; a fault here must not hide the one that led here. */
export function tryToRemove(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch {
    // It was never made or already moved into place.
  }
}

/** Runs `action`; a fault of the operating system becomes a FileError that begins with `what`. */
export function onDisk<T>(what: string, action: () => T): T {
  try {
    return action();
  } catch (fault) {
    if (!isSystemFault(fault)) throw fault;
    throw new FileError(`${what}: ${systemWords(fault)}`, { cause: fault });
  }
}

/** Deno marks the faults of the operating system, and only those, with a code such as ENOENT. */
function isSystemFault(fault: unknown): fault is Error {
  if (!(fault instanceof Error) || !("code" in fault) || isDenied(fault)) return false;
  return typeof fault.code === "string" && /^E[A-Z0-9]+$/.test(fault.code);
}

/** "No space left on device (os error 28): write 'x'" becomes "no space left on device". */
function systemWords(fault: Error): string {
  const words = fault.message.split(" (os error")[0]!;
  return words.charAt(0).toLowerCase() + words.slice(1);
}

/** Whether a fault says that this program may not do what it tried. */
export function isDenied(fault: unknown): boolean {
  return fault instanceof Deno.errors.NotCapable;
}
