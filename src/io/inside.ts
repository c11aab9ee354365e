/**
 * Files that must lie in their folder: a checkpoint from the network may name, or link to, others.
 *
 * @module
 */
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { FileError } from "../errors.ts";
import { exists, onDisk } from "./files.ts";

/** Whether `path`, as it is written, lies below `folder`. */
export function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/**
 * The path of file `name` of `folder`.
 *
 * @throws {FileError} where the file is a link that leaves the folder, which could show what no
 * model should see; the links of the Hub's cache stay within it.
 */
export function pathInside(folder: string, name: string): string {
  const path = join(folder, name);
  if (!exists(path)) return path;
  const real = onDisk(`Cannot read ${path}`, () => Deno.realPathSync(path));
  if (allowedRoots(folder).some((root) => isBelow(root, real))) return path;
  throw new FileError(
    `Cannot read ${path}: it links out of the folder to ${real}, wanted a file in the folder`,
  );
}

/**
 * The folder itself; for a snapshot in the Hub's cache, which holds only links, its repository's
 * blobs as well, and the blobs that repositories share, to which these may link in turn.
 */
function allowedRoots(folder: string): string[] {
  const real = onDisk(`Cannot read ${folder}`, () => Deno.realPathSync(folder));
  const snapshots = dirname(real);
  if (basename(snapshots) !== "snapshots") return [real];
  const repo = dirname(snapshots);
  return [real, join(repo, "blobs"), join(dirname(repo), "blobs")];
}
