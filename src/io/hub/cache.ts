/**
 * The cache that all tools of Hugging Face share, one folder a repository
 * (https://huggingface.co/docs/huggingface_hub/guides/manage-cache):
 *
 *     models--owner--name/
 *       blobs/<git sha1 or sha256>      the bytes
 *       refs/main                       the commit that a branch or tag stood at
 *       snapshots/<commit>/config.json  -> ../../blobs/<etag>
 *       .no_exist/<commit>/vocab.json   empty: the commit has no such file
 *     datasets--owner--name/              the same, and
 *       .paths/<commit>.json            all files that the commit has
 *
 * @module
 */
import { getRepoFolderName } from "../../deps/hub.ts";
import { basename, dirname, join, relative } from "node:path";
import { encodeUtf8, exists, isFile, onDisk, readText, writeAll, writeFile } from "../files.ts";
import { makeFolder } from "../folders.ts";
import { isCommit, type RepoType } from "./name.ts";

/** Paths of commits, which is ours alone: the other tools ask for them again. */
const LISTINGS = ".paths";

/** The folder of one repository. */
export class RepoCache {
  readonly folder: string;

  constructor(cache: string, repo: string, type: RepoType = "model") {
    this.folder = join(cache, getRepoFolderName({ type, name: repo }));
  }

  /** The commit that `revision` stood at when it was last asked for. */
  commitOf(revision: string): string | undefined {
    if (isCommit(revision)) return revision;
    const path = join(this.folder, "refs", revision);
    const commit = isFile(path) ? readText(path).trim() : "";
    return isCommit(commit) ? commit : undefined;
  }

  /** The folder of a commit's files. */
  snapshot(commit: string): string {
    return join(this.folder, "snapshots", commit);
  }

  /** Whether the bytes of a commit's file are there. */
  has(commit: string, file: string): boolean {
    return exists(join(this.snapshot(commit), file));
  }

  /** Whether it was found out before that the commit has no such file. */
  lacks(commit: string, file: string): boolean {
    return exists(join(this.folder, ".no_exist", commit, file));
  }

  /** Where the bytes of `etag` are kept. */
  blob(etag: string): string {
    return join(this.folder, "blobs", etag);
  }

  /** Gives a blob its name in a snapshot. */
  link(commit: string, file: string, etag: string): void {
    const path = join(this.snapshot(commit), file);
    makeFolderOf(path);
    onDisk(`Cannot write ${path}`, () => {
      const blob = this.blob(etag);
      if (exists(path)) return;
      removeLink(path);
      try {
        linkTo(blob, path);
      } catch (fault) {
        if (!(fault instanceof Deno.errors.AlreadyExists)) throw fault;
      }
    });
  }

  /** All paths that a commit has, where they were noted. */
  listing(commit: string): string[] | undefined {
    const path = join(this.folder, LISTINGS, `${commit}.json`);
    return exists(path) ? JSON.parse(readText(path)) : undefined;
  }

  /** Notes all paths that a commit has. */
  noteListing(commit: string, paths: readonly string[]): void {
    this.#note(join(LISTINGS, `${commit}.json`), JSON.stringify(paths));
  }

  /** Makes the folder. */
  make(): void {
    makeFolder(this.folder);
  }

  /** Notes where a branch or tag stands. */
  noteRef(revision: string, commit: string): void {
    if (!isCommit(revision)) this.#note(join("refs", revision), commit);
  }

  /** Notes that a commit lacks a file. */
  noteLack(commit: string, file: string): void {
    this.#note(join(".no_exist", commit, file), "");
  }

  #note(name: string, text: string): void {
    const path = join(this.folder, name);
    if (exists(path) && readText(path) === text) return;
    makeFolderOf(path);
    writeFile(path, (file) => writeAll(file, encodeUtf8(text)));
  }
}

/** The repository and the commit of a folder in the cache; undefined for any other folder. */
export function cachedName(folder: string): { repo: string; commit: string } | undefined {
  const [commit, snapshots, repo] = [folder, dirname(folder), dirname(dirname(folder))];
  if (basename(snapshots) !== "snapshots" || !isCommit(basename(commit))) return undefined;
  const [kind, ...names] = basename(repo).split("--");
  if (kind !== "models" || names.length === 0) return undefined;
  return { repo: names.join("/"), commit: basename(commit) };
}

/** Makes the folder that `path` lies in. */
export function makeFolderOf(path: string): void {
  makeFolder(dirname(path));
}

/** Deno allows symbolic links to unconfined programs only, and Windows to developers only. */
function linkTo(blob: string, path: string): void {
  try {
    Deno.symlinkSync(relative(dirname(path), blob), path);
  } catch (fault) {
    if (fault instanceof Deno.errors.AlreadyExists) throw fault;
    Deno.linkSync(blob, path);
  }
}

/** Removes a link whose blob is gone, so that it can be made anew. */
function removeLink(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (fault) {
    if (!(fault instanceof Deno.errors.NotFound)) throw fault;
  }
}
