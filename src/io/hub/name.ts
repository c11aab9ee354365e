/**
 * Names of repositories on the hub: `owner/name`, or `owner/name@revision`.
 *
 * @module
 */
import { resolve } from "node:path";
import { exists } from "../files.ts";

/** A repository, and what is wanted of it. */
export interface RepoName {
  /** `owner/name`. */
  readonly repo: string;
  /** A branch, a tag or a commit; absent where the name has none. */
  readonly revision?: string;
}

/** What a repository holds. */
export type RepoType = "model" | "dataset";

/** The branch that is meant where none is named. */
export const MAIN = "main";

/** The letters that the hub allows, with no part that could climb out of a folder. */
const NAME = /^(?!.*(?:--|\.\.))(\w[\w.-]*\/\w[\w.-]*?)(?:@(\w[\w./-]*))?$/;

/** The repository that `text` names, or undefined where it cannot be one, as `./model` cannot. */
export function parseRepoName(text: string): RepoName | undefined {
  const [, repo, revision] = NAME.exec(text) ?? [];
  if (repo === undefined || /[.-](@|$)/.test(repo) || repo.endsWith(".git")) return undefined;
  return revision === undefined ? { repo } : { repo, revision };
}

/** Whether `revision` is a whole commit, which never moves. */
export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision);
}

/**
 * `text` as an absolute path from `folder`, or as it is where it names a repository and no folder
 * of that name is there: what is on the disk wins.
 */
export function resolvePlace(folder: string, text: string): string {
  const path = resolve(folder, text);
  return parseRepoName(text) === undefined || exists(path) ? path : text;
}
