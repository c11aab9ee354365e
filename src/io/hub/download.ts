/**
 * Downloads one file of a repository into the cache's blobs. `@huggingface/hub` has a download of
 * its own, but it begins anew after a break, never checks what it got, waits for a silent server
 * without end and prints; so the bytes are fetched here.
 *
 * @module
 */
import { createHash, type Hash } from "node:crypto";
import { statfsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { FileError, StoppedError } from "../../errors.ts";
import { exists, onDisk, writeAll } from "../files.ts";
import { remove, rename } from "../folders.ts";
import type { RepoCache } from "./cache.ts";
import { makeFolderOf } from "./cache.ts";
import { type HubClient, Unreachable } from "./client.ts";
import { heeding } from "../../stop.ts";

/** A file as the hub describes it. */
export interface RemoteFile {
  /** Its path in the repository. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** Name of its blob: sha256 of a large file, git's sha1 of a small one. */
  readonly etag: string;
}

/** How far a download is. */
export interface DownloadProgress {
  /** The file's path in the repository. */
  readonly file: string;
  /** Bytes on the disk, those of an earlier, broken download too. */
  readonly done: number;
  /** Bytes of the file. */
  readonly total: number;
}

/** How often a download that came to nothing new is tried again. */
const TRIES = 3;

/** The lowest speed in bytes a second, over so many times the hub's patience. */
const [LOWEST, WINDOW] = [1000, 20];

/** The server sends other bytes than those asked for. */
class WrongBytes extends FileError {}

/**
 * Downloads `file` of `commit`. A broken download leaves `<etag>.incomplete`, and the next goes on
 * from there. Two processes do not write the same blob: the second waits for the first.
 *
 * @throws {Unreachable} where the hub does not answer or falls silent.
 * @throws {FileError} where the disk refuses or is too small, or the bytes are not those announced.
 */
export async function downloadBlob(
  client: HubClient,
  cache: RepoCache,
  commit: string,
  file: RemoteFile,
  onProgress: (progress: DownloadProgress) => void,
): Promise<void> {
  const blob = cache.blob(file.etag);
  if (exists(blob)) return;
  makeFolderOf(blob);
  const partial = `${blob}.incomplete`;
  using part = openPart(partial);
  await part.lock(true);
  if (exists(blob)) return;

  const hash = hashOf(file);
  let done = await hashWhole(part, hash, file);
  checkSpace(partial, file.size - done);
  onProgress({ file: file.path, done, total: file.size });
  const pace = new Pace(client, file);
  for (let failures = 0; done < file.size;) {
    const before = done;
    try {
      pace.add(0);
      for await (const piece of pieces(client, commit, file, done)) {
        pace.add(piece.byteLength);
        hash.update(piece);
        onDisk(`Cannot write ${partial}`, () => writeAll(part, piece));
        done += piece.byteLength;
        onProgress({ file: file.path, done, total: file.size });
      }
    } catch (fault) {
      if (fault instanceof WrongBytes) {
        onDisk(`Cannot write ${partial}`, () => part.truncateSync(before));
      }
      failures = done > before ? 1 : failures + 1;
      if (!(fault instanceof Unreachable) || failures === TRIES) throw fault;
      await new Promise((resolve) => setTimeout(resolve, client.settings.patience / 10));
    }
  }
  onDisk(`Cannot write ${partial}`, () => part.syncSync());
  finish(partial, blob, hash.digest("hex"), { file, client });
}

/** Opens what an earlier download left, or makes an empty file. */
function openPart(path: string): Deno.FsFile {
  return onDisk(
    `Cannot write ${path}`,
    () => Deno.openSync(path, { read: true, write: true, create: true }),
  );
}

/** The hash that the etag is: git puts a word and the size before the bytes of its own. */
function hashOf({ etag, size }: RemoteFile): Hash {
  return etag.length === 64 ? createHash("sha256") : createHash("sha1").update(`blob ${size}\0`);
}

/** Hashes what is there and leaves the place at its end; what is too long is no beginning. */
async function hashWhole(part: Deno.FsFile, hash: Hash, { size }: RemoteFile): Promise<number> {
  const found = part.statSync();
  if (!found.isFile) return 0;
  if (found.size > size) part.truncateSync(0);
  const buffer = new Uint8Array(1 << 20);
  let done = 0;
  for (;;) {
    const count = await part.read(buffer);
    if (count === null) return done;
    hash.update(buffer.subarray(0, count));
    done += count;
  }
}

function checkSpace(path: string, needed: number): void {
  const { bavail, bsize } = statfsSync(dirname(path));
  if (needed <= bavail * bsize) return;
  throw new FileError(
    `Cannot write ${path}: it needs ${needed} more bytes, and the disk has ${bavail * bsize} left`,
  );
}

/** The bytes from `offset` on; silence for longer than the hub's patience ends them. */
async function* pieces(
  client: HubClient,
  commit: string,
  file: RemoteFile,
  offset: number,
): AsyncGenerator<Uint8Array> {
  const { patience } = client.settings;
  const fault = (found: string) =>
    new Unreachable(
      `Cannot download ${file.path} of ${client.name.repo}: ${found}; what has come is kept, and ` +
        "the next call goes on from there",
    );
  const response = await client.open(commit, file.path, offset);
  let skip = offset - beginOf(response, client, file, offset);
  let left = file.size - offset;
  const reader = response.body!.getReader();
  try {
    while (left > 0) {
      const read = await heeding(inTime(reader.read(), patience)).catch((cause) => {
        if (cause instanceof StoppedError) throw cause;
        throw fault(cause instanceof Error ? cause.message : String(cause));
      });
      if (read.done) throw fault(`the connection ended ${left} bytes early`);
      const piece = read.value.subarray(Math.min(skip, read.value.byteLength));
      skip -= read.value.byteLength - piece.byteLength;
      if (piece.byteLength > left) throw tooLong(client, file);
      left -= piece.byteLength;
      if (piece.byteLength > 0) yield piece;
    }
    const { done } = await inTime(reader.read(), patience).catch(() => ({ done: true }));
    if (!done) throw tooLong(client, file);
  } finally {
    await reader.cancel().catch(() => {});
  }
}

/** Where the bytes of an answer begin: a server that knows no ranges sends all, whatever it calls it. */
function beginOf(
  { status, headers }: Response,
  { name: { repo } }: HubClient,
  { path, size }: RemoteFile,
  offset: number,
): number {
  if (status !== 206 || headers.get("Content-Length") === String(size)) return 0;
  const found = headers.get("Content-Range");
  const begin = /^bytes (\d+)-/.exec(found ?? "")?.[1];
  if (begin === undefined || Number(begin) <= offset) return Number(begin ?? offset);
  throw new WrongBytes(
    `Cannot download ${path} of ${repo}: the server sends ${found}, wanted the bytes from ${offset} on`,
  );
}

/** Ends a download that hardly moves: a server that sends a byte now and then is never silent. */
class Pace {
  #since = performance.now();
  #bytes = 0;

  constructor(private readonly client: HubClient, private readonly file: RemoteFile) {}

  /** @throws {FileError} where less has come in a while than the lowest speed comes to. */
  add(bytes: number): void {
    this.#bytes += bytes;
    const { settings: { patience }, name: { repo } } = this.client;
    const seconds = (performance.now() - this.#since) / 1000;
    if (seconds < WINDOW * patience / 1000) return;
    if (this.#bytes < LOWEST * seconds) {
      throw new FileError(
        `Cannot download ${this.file.path} of ${repo}: ${this.#bytes} bytes came in ` +
          `${
            seconds.toFixed(0)
          } s, wanted ${LOWEST} a second; what has come is kept, and the next ` +
          "call goes on from there",
      );
    }
    this.#since = performance.now();
    this.#bytes = 0;
  }
}

function tooLong({ name: { repo } }: HubClient, { path, size }: RemoteFile): FileError {
  return new WrongBytes(
    `Cannot download ${path} of ${repo}: the server sends more than the ${size} bytes it announced`,
  );
}

async function inTime<T>(promise: Promise<T>, patience: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no byte came for ${patience / 1000} s`)), patience);
  });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** Gives the bytes their name, if they are the ones that the name promises. */
function finish(
  partial: string,
  blob: string,
  found: string,
  { file, client }: { file: RemoteFile; client: HubClient },
): void {
  if (found !== basename(blob)) {
    remove(partial);
    throw new FileError(
      `Cannot trust ${file.path} of ${client.name.repo}: its hash is ${found}, wanted ` +
        `${basename(blob)}; the download was thrown away`,
    );
  }
  rename(partial, blob);
}
