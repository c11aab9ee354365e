/**
 * Names of datasets on the hub: `owner/set`, with `@revision` and, of what it holds, `:split` or
 * `:config/split`.
 *
 * @module
 */
import { resolve } from "node:path";
import { exists } from "../../files.ts";
import { parseRepoName, type RepoName } from "../name.ts";

/** A dataset, and what is wanted of it. */
export interface DatasetName extends RepoName {
  /** `split` or `config/split`; absent where the name has none. */
  readonly part?: string;
}

/** Kinds of files: what ends like one is a path, never a dataset. */
const FILE = /\.(jsonl?|csv|tsv|txt|parquet|arrow|ya?ml|gz|zst)$/i;

/** The dataset that `text` names, or undefined where it cannot be one, as `./rows` and `a/b.jsonl` cannot. */
export function parseDatasetName(text: string): DatasetName | undefined {
  const [, place, part] = /^([^:]+)(?::([\w.-]+(?:\/[\w.-]+)?))?$/.exec(text) ?? [];
  const name = place === undefined || FILE.test(place) ? undefined : parseRepoName(place);
  if (name === undefined) return undefined;
  return part === undefined ? name : { ...name, part };
}

/** The dataset that `place` names where no file or folder of that name is there. */
export const datasetIn = (place: string): DatasetName | undefined =>
  exists(place) ? undefined : parseDatasetName(place);

/**
 * `text` as an absolute path from `folder`, or as it is where it names a dataset and nothing of that
 * name is there: what is on the disk wins.
 */
export function resolveData(folder: string, text: string): string {
  const path = resolve(folder, text);
  return parseDatasetName(text) === undefined || exists(path) ? path : text;
}
