/**
 * Locks: one process at a time writes into a folder, or several that know of each other. The system lets go of a lock when its process
 * ends, however it ends, so none has to be taken away by hand.
 *
 * @module
 */
import { statfsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { FileError } from "../errors.ts";
import { encodeUtf8, exists, onDisk, writeAll } from "./files.ts";

/** The file in a folder that is locked; it is gone once nobody writes there. */
export const LOCK_FILE = ".lock";

/** Whether a name in a folder is of its lock: on Node, one more file stands beside it (`npm/lock.ts`). */
export const isLock = (name: string): boolean => name.startsWith(LOCK_FILE);

/** A locked folder or file. */
export interface FolderLock extends Disposable {
  /** Lets others in; a second call does nothing. */
  [Symbol.dispose](): void;
}

/**
 * Locks a folder that exists.
 *
 * @throws {FileError} where another process, or another run of this one, holds it, which is named.
 */
export function lockFolder(folder: string): FolderLock {
  const path = join(folder, LOCK_FILE);
  const lock = claim(path);
  if (lock === null) throw new FileError(`Cannot write ${folder}: ${ownerOf(path)} writes there`);
  return lock;
}

/**
 * Locks a file, which is made where it is not there, and gone once it is let go of.
 *
 * @returns null where another process, or another part of this one, holds it.
 */
export function claim(path: string): FolderLock | null {
  const file = onDisk(`Cannot lock ${path}`, () => openLocked(path));
  if (file === null) return null;
  try {
    onDisk(`Cannot lock ${path}`, () => {
      file.truncateSync();
      const owner = { pid: Deno.pid, host: host(), since: new Date().toISOString() };
      writeAll(file, encodeUtf8(JSON.stringify(owner)));
    });
  } catch (fault) {
    file.close(); // or this process would keep others, and itself, out
    throw fault;
  }
  return disposedOnce(() => {
    quietly(() => Deno.removeSync(path)); // while it is locked: nobody else has it as theirs
    file.close();
  });
}

/**
 * Comes into a folder that exists, where others may work at the same time.
 *
 * @param alone what is done first where nobody else is in it; who comes meanwhile waits for it.
 */
export function joinFolder(folder: string, alone: () => void): FolderLock {
  const path = join(folder, LOCK_FILE);
  const locking = <T>(action: () => T): T => onDisk(`Cannot lock ${folder}`, action);
  for (;;) {
    const file = locking(() => Deno.openSync(path, OPEN));
    try {
      if (locking(() => file.tryLockSync(true) && isAt(file, path))) alone();
      locking(() => file.unlockSync());
      locking(() => file.lockSync(false));
      if (locking(() => isAt(file, path))) return disposedOnce(() => leave(file, path));
    } catch (fault) {
      file.close();
      throw fault;
    }
    file.close(); // the last of others went out, and removed it, in between
  }
}

/** The last one removes the file. */
function leave(file: Deno.FsFile, path: string): void {
  quietly(() => {
    file.unlockSync();
    if (file.tryLockSync(true) && isAt(file, path)) Deno.removeSync(path);
  });
  file.close();
}

const OPEN = { read: true, write: true, create: true } as const;

function disposedOnce(end: () => void): FolderLock {
  let isOver = false;
  return {
    [Symbol.dispose]() {
      if (isOver) return;
      isOver = true;
      end();
    },
  };
}

/** @throws {FileError} where a process holds the lock of a folder; takes none. */
export function refuseLocked(folder: string): void {
  if (!isLocked(folder)) return;
  const owner = ownerOf(join(folder, LOCK_FILE));
  throw new FileError(`Cannot write ${folder}: ${owner} writes there`);
}

/** Whether a process of this machine holds the lock of a folder, which may not exist; takes none. */
export function isLocked(folder: string): boolean {
  const path = join(folder, LOCK_FILE);
  if (!exists(path)) return false;
  return onDisk(`Cannot look at ${path}`, () => {
    using file = Deno.openSync(path);
    return !file.tryLockSync(true);
  });
}

/** How often a lock is tried for: who looks whether it is held, holds it for an instant. */
const TRIES = 5;
/** Milliseconds between two tries. */
const PAUSE_MS = 10;

/** The locked file; null where another holds it. */
function openLocked(path: string): Deno.FsFile | null {
  for (let tries = 0;;) {
    const file = Deno.openSync(path, OPEN);
    if (!file.tryLockSync(true)) {
      file.close();
      if (++tries === TRIES) return null;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
      continue;
    }
    if (isAt(file, path)) return file;
    file.close(); // it was let go of, and removed, in between
  }
}

function isAt(file: Deno.FsFile, path: string): boolean {
  try {
    return Deno.statSync(path).ino === file.statSync().ino;
  } catch (fault) {
    if (fault instanceof Deno.errors.NotFound) return false;
    throw fault;
  }
}

/** Who holds a lock, in words. */
function ownerOf(path: string): string {
  try {
    const { pid, host, since } = JSON.parse(Deno.readTextFileSync(path));
    return `process ${Number(pid)} on ${JSON.stringify(String(host))}, since ${
      new Date(since).toISOString()
    },`;
  } catch {
    return "another process";
  }
}

/** This machine's name, or none where a program may not know it. */
function host(): string {
  try {
    return hostname();
  } catch {
    return "";
  }
}

/** Types of file systems that several machines may have at a time, by Linux's numbers. */
const SHARED: Readonly<Record<number, string>> = {
  0x6969: "NFS",
  0x517b: "SMB",
  0xff534d42: "SMB",
  0xfe534d42: "SMB",
  0x65735546: "FUSE",
  0x00c36400: "Ceph",
  0x0bd00bd0: "Lustre",
  0x01021997: "9P",
};

/** The kind of network share that a folder lies on; null where it is none, or not known. */
export function networkShare(folder: string): string | null {
  try {
    return SHARED[statfsSync(folder).type >>> 0] ?? null;
  } catch {
    return null;
  }
}

function quietly(action: () => void): void {
  try {
    action();
  } catch { /* what is left is locked by nobody */ }
}
