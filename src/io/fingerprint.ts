/**
 * Fingerprints of models: whether a folder or file holds the same as before.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { join } from "node:path";
import { COPIED_FILES } from "./checkpoint_writer.ts";
import { onDisk, openFile, readAt } from "./files.ts";
import { isGguf } from "./gguf/files.ts";

/** Bytes that are read at once. */
const PIECE = 1 << 20;

/** At most so many bytes of a file are read, in pieces evenly spread over it: a second or so. */
const MOST = 1 << 30;

/**
 * A SHA-256 of what a model's files hold: config, tokenizer and weights. All of a file of up to 1 GiB
 * counts; of a larger one 1 GiB in pieces of 1 MiB, its begin and end among them.
 *
 * @param place a Hugging Face folder or a GGUF file.
 */
export function modelFingerprint(place: string): string {
  const hash = createHash("sha256");
  if (isGguf(place)) addFile(hash, place);
  else for (const name of modelFiles(place)) addFile(hash.update(`${name}\n`), join(place, name));
  return hash.digest("hex");
}

/** The SHA-256 of a file, as `sha256sum` prints it. */
export function fileSha256(path: string): string {
  const hash = createHash("sha256");
  using file = openFile(path);
  const { size } = file.statSync();
  const buffer = new Uint8Array(PIECE);
  for (let at = 0; at < size; at += PIECE) {
    hash.update(readAt(file, path, buffer.subarray(0, Math.min(PIECE, size - at)), at));
  }
  return hash.digest("hex");
}

function modelFiles(folder: string): string[] {
  const names = onDisk(`Cannot read ${folder}`, () => [...Deno.readDirSync(folder)])
    .map(({ name }) => name);
  const counts = (name: string) =>
    name === "config.json" || COPIED_FILES.includes(name) || name.includes(".safetensors");
  return names.filter(counts).sort();
}

function addFile(hash: Hash, path: string): void {
  using file = openFile(path);
  const { size } = file.statSync();
  hash.update(`${size}\n`);
  const pieces = Math.ceil(size / PIECE);
  const step = Math.max(1, pieces * PIECE / MOST);
  const buffer = new Uint8Array(PIECE);
  for (let i = 0; i < pieces; i += step) {
    const begin = Math.min(Math.floor(i) * PIECE, Math.max(0, size - PIECE));
    hash.update(readAt(file, path, buffer.subarray(0, Math.min(PIECE, size - begin)), begin));
  }
  const last = Math.max(0, size - PIECE);
  if (step > 1) hash.update(readAt(file, path, buffer, last));
}
