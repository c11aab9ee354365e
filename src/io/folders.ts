/**
 * Folders: made, listed, filled and renamed, with the faults of the system as {@linkcode FileError}.
 *
 * @module
 */
import { join } from "node:path";
import { FileError } from "../errors.ts";
import {
  exists,
  isFile,
  onDisk,
  openFile,
  temporaryName,
  tryToRemove,
  writeAll,
  writeFile,
} from "./files.ts";
import { patiently, placed } from "./patience.ts";

/** What {@linkcode temporaryName} makes. */
const TEMPORARY = /^\..+\.[0-9a-f]{8}\.tmp$/;

/**
 * Fills a temporary folder beside `folder` through `fill`, then lets `commit` move it, or the files
 * in it, into place. Nothing temporary is left, whatever happens.
 *
 * @throws {FileError} If the disk refuses.
 */
export function stageFolder(
  folder: string,
  fill: (temporary: string) => void,
  commit: (temporary: string, folder: string) => void,
): void {
  patiently(folder, (folder) =>
    onDisk(`Cannot write ${folder}`, () => {
      const temporary = temporaryName(folder);
      try {
        Deno.mkdirSync(temporary, { recursive: true });
        fill(temporary);
        commit(temporary, folder);
      } finally {
        tryToRemove(temporary);
      }
    }));
}

/**
 * Makes a folder, and those above it, where they are not there yet.
 *
 * @param options with `above: false` it is made where the one above is there.
 * @throws {FileError} If the disk refuses.
 */
export function makeFolder(path: string, { above = true } = {}): void {
  patiently(path, (path) => {
    onDisk(`Cannot make ${path}`, () => Deno.mkdirSync(path, { recursive: above }));
  });
}

/**
 * Gives what is at `from` the name `to`, in place of a file or an empty folder of that name.
 *
 * @throws {FileError} If the disk refuses; both are then as they were.
 */
export function rename(from: string, to: string): void {
  onDisk(`Cannot write ${to}`, () => {
    const isFolder = Deno.statSync(from).isDirectory;
    if (isFolder && exists(to)) Deno.removeSync(to); // an empty one only: what came meanwhile is safe
    Deno.renameSync(from, to);
  });
}

/**
 * Removes a file, or a folder with all that is in it.
 *
 * @throws {FileError} If the disk refuses.
 */
export function remove(path: string): void {
  onDisk(`Cannot remove ${path}`, () => Deno.removeSync(placed(path), { recursive: true }));
}

/**
 * The names in a folder; none where it is not there.
 *
 * @throws {FileError} If it cannot be read.
 */
export function namesIn(folder: string): string[] {
  if (!exists(folder)) return [];
  return onDisk(`Cannot look at ${folder}`, () => [...Deno.readDirSync(placed(folder))])
    .map(({ name }) => name);
}

/**
 * Copies what is in a folder, and the folders in it, each file whole or not at all.
 *
 * @param leaves which names are left out.
 * @returns the files that cannot be read.
 * @throws {FileError} where `to` cannot be written.
 */
export function copyFiles(from: string, to: string, leaves: (name: string) => boolean): string[] {
  return namesIn(from).filter((name) => !leaves(name) && !isTemporary(name)).flatMap((name) => {
    const [source, target] = [join(from, name), join(to, name)];
    if (isFolder(source)) {
      makeFolder(target);
      return copyFiles(source, target, leaves);
    }
    return copyFile(source, target) ? [] : [source];
  });
}

const isFolder = (path: string): boolean => exists(path) && !isFile(path);

/** Bytes that are copied at once. */
const PIECE = 1 << 20;

/** Copies a file; false where it cannot be read. */
function copyFile(from: string, to: string): boolean {
  const piece = new Uint8Array(PIECE);
  let isRead = false;
  const read = (file: Deno.FsFile): number => {
    isRead = false;
    const count = file.readSync(piece) ?? 0;
    isRead = true;
    return count;
  };
  try {
    using source = openFile(from);
    writeFile(to, (file) => {
      for (let count = read(source); count > 0; count = read(source)) {
        writeAll(file, piece.subarray(0, count));
      }
    });
    return true;
  } catch (fault) {
    if (isRead || !(fault instanceof FileError)) throw fault;
    return false;
  }
}

/** Whether a killed process has left that half written. */
export const isTemporary = (name: string): boolean => TEMPORARY.test(name);

/** Removes what killed processes have left half written in a folder that nobody else writes into. */
export function removeTemporary(folder: string): void {
  for (const name of namesIn(folder)) if (isTemporary(name)) tryToRemove(join(folder, name));
}
