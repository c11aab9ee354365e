/**
 * Files of a repository as the hub describes them.
 *
 * @module
 */
import type { ListFileEntry } from "../../deps/hub.ts";
import { FileError } from "../../errors.ts";
import type { RemoteFile } from "./download.ts";

/** A file of a repository. */
export type DescribedFile = Pick<ListFileEntry, "path" | "size" | "oid" | "lfs">;

/**
 * The size and the hash of a file among those that the hub has described.
 *
 * @throws {FileError} where it gives none.
 */
export function remoteFile(
  repo: string,
  path: string,
  found: readonly DescribedFile[],
): RemoteFile {
  const info = found.find((info) => info.path === path);
  const { size, oid: etag } = info?.lfs ?? info ?? {};
  // The hash becomes the name of a file.
  if (
    Number.isSafeInteger(size) && size! >= 0 && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(etag ?? "")
  ) {
    return { path, size: size!, etag: etag! };
  }
  throw new FileError(`Cannot use ${repo}: the hub gives no size and hash for ${path}`);
}
