/**
 * Models and adapters by name from the Hugging Face hub, through the cache that Python's tools use
 * too: what either has downloaded, the other finds.
 *
 * @module
 */
import { modelInfo, pathsInfo } from "../../deps/hub.ts";
import { join } from "node:path";
import { FileError } from "../../errors.ts";
import { INDEX_FILE } from "../checkpoint_writer.ts";
import { exists } from "../files.ts";
import { readWeightIndex } from "../weight_index.ts";
import { RepoCache } from "./cache.ts";
import { HubClient, Unreachable } from "./client.ts";
import { downloadBlob, type DownloadProgress, type RemoteFile } from "./download.ts";
import { filesToFetch, NEEDED, type RepoKind } from "./files.ts";
import { remoteFile } from "./listing.ts";
import { isCommit, MAIN, parseRepoName, type RepoName } from "./name.ts";
import { type HubSettings, hubSettings } from "./settings.ts";

export { cachedName } from "./cache.ts";
export { dataLicence, type DataOptions, locateData, type LocatedData } from "./datasets/locate.ts";
export { parseDatasetName, resolveData } from "./datasets/name.ts";
export type { DownloadProgress } from "./download.ts";
export type { RepoKind } from "./files.ts";
export { parseRepoName, type RepoName, resolvePlace } from "./name.ts";
export { type HubSettings, hubSettings } from "./settings.ts";
export { type Upload, upload, type UploadFile } from "./upload.ts";

/** How to download, and who watches. */
export interface HubOptions {
  /** Lines about what is done. */
  readonly say?: (line: string) => void;
  /** Called as bytes come. */
  readonly onProgress?: (progress: DownloadProgress) => void;
  /** Where the hub and the cache are; what the environment says by default. */
  readonly settings?: HubSettings;
}

/** A model or an adapter on this machine. */
export interface Located {
  /** Its folder. */
  readonly folder: string;
  /** The place as it was given, but with the commit of a repository: `owner/name@<commit>`. */
  readonly pinned: string;
}

/**
 * The folder of a model or adapter: `place` itself where it is a folder, else the repository that
 * it names, as `owner/name` or `owner/name@revision`, downloaded where the cache lacks it. The hub
 * is asked where a branch or tag stands; for a commit that the cache knows whole, and with
 * `HF_HUB_OFFLINE`, it is not asked at all, and where it does not answer the cache stands in.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { locate } from "@graft/lora";
 *
 * const { folder } = await locate("configs/quickstart/base", "model"); // or "owner/name@main"
 * assert.equal(folder, "configs/quickstart/base");
 * ```
 *
 * @throws {FileError} where there is no such repository or revision, it may not be read or has no
 * safetensors, the network or the disk fails, or bytes come that are not those announced.
 */
export async function locate(
  place: string,
  kind: RepoKind,
  options: HubOptions = {},
): Promise<Located> {
  const name = exists(place) ? undefined : parseRepoName(place);
  if (name === undefined) return { folder: place, pinned: place };
  const { settings = hubSettings(), say = () => {} } = options;
  const cache = new RepoCache(settings.cache, name.repo);
  const commit = await commitOf(name, kind, cache, { ...options, settings, say });
  return { folder: cache.snapshot(commit), pinned: `${name.repo}@${commit}` };
}

/** The commit that `name` stands for, whose needed files are in the cache afterwards. */
async function commitOf(
  name: RepoName,
  kind: RepoKind,
  cache: RepoCache,
  options: HubOptions & Required<Pick<HubOptions, "say" | "settings">>,
): Promise<string> {
  const { settings, say } = options;
  const { repo, revision = MAIN } = name;
  const known = cache.commitOf(revision);
  const cached = known !== undefined && missingFile(cache, known, kind) === undefined;
  if (settings.offline) {
    if (cached) return known;
    const lacks = known === undefined ? "nothing" : `no ${missingFile(cache, known, kind)}`;
    throw new FileError(
      `Cannot find ${repo}: it is no folder here, HF_HUB_OFFLINE is set, and ${cache.folder} ` +
        `has ${lacks} of revision "${revision}"`,
    );
  }
  if (cached && isCommit(revision) && isKnownWhole(cache, known, kind)) return known;
  try {
    return await download(new HubClient(settings, { repo, revision }), kind, cache, options);
  } catch (fault) {
    if (!(fault instanceof Unreachable)) throw fault;
    if (!exists(cache.folder)) {
      // Nothing was ever heard of it: it may be a path with a slip.
      throw new Unreachable(`${fault.message}; ${repo} is no folder here`, { cause: fault });
    }
    if (!cached) throw fault;
    say(`${fault.message}; going on with commit ${known} from the cache`);
    return known;
  }
}

/** A needed file that the cache lacks of a commit. */
function missingFile(cache: RepoCache, commit: string, kind: RepoKind): string | undefined {
  const { required, weights } = NEEDED[kind];
  const missing = required.find((file) => !cache.has(commit, file));
  if (missing !== undefined) return missing;
  const entry = weights.find((file) => cache.has(commit, file));
  if (entry !== INDEX_FILE) return entry === undefined ? weights[0] : undefined;
  const shards = readWeightIndex(join(cache.snapshot(commit), entry)).values();
  return shards.find((shard) => !cache.has(commit, shard));
}

/** Whether of every file that a commit may have it is known that it is there, or not. */
function isKnownWhole(cache: RepoCache, commit: string, kind: RepoKind): boolean {
  return NEEDED[kind].optional
    .every((file) => cache.has(commit, file) || cache.lacks(commit, file));
}

/** Asks where the revision stands and downloads what the cache lacks of it. */
async function download(
  client: HubClient,
  kind: RepoKind,
  cache: RepoCache,
  { say = () => {}, onProgress = () => {} }: HubOptions,
): Promise<string> {
  const { repo, revision = MAIN } = client.name;
  const { commit, paths } = await listing(client);
  const files = filesToFetch(kind, repo, paths);
  const fetchAll = async (wanted: readonly string[]) => {
    const missing = wanted.filter((file) => !cache.has(commit, file));
    if (missing.length === 0) return;
    say(`downloading ${missing.join(", ")} of ${repo} at ${commit.slice(0, 12)}`);
    for (const file of await describe(client, commit, missing)) {
      await downloadBlob(client, cache, commit, file, onProgress);
      cache.link(commit, file.path, file.etag);
    }
  };
  await fetchAll(files);
  if (files.at(-1) === INDEX_FILE) {
    await fetchAll(shardsOf(join(cache.snapshot(commit), INDEX_FILE), repo, paths));
  }
  cache.noteRef(revision, commit);
  const absent = NEEDED[kind].optional.filter((file) => !paths.has(file));
  for (const file of absent) cache.noteLack(commit, file);
  return commit;
}

/** The commit of the revision, and all files that it has. */
async function listing(client: HubClient) {
  const { repo, revision = MAIN } = client.name;
  const { sha, filePaths } = await client.api((options) =>
    modelInfo({ ...options, name: repo, revision, additionalFields: ["sha", "filePaths"] })
  );
  if (typeof sha === "string" && isCommit(sha)) return { commit: sha, paths: new Set(filePaths) };
  throw new FileError(`Cannot use ${repo}: the hub names no commit for ${revision}`);
}

/** Sizes and hashes of files, in the order of their sizes: the small ones may already refuse. */
async function describe(
  client: HubClient,
  commit: string,
  paths: readonly string[],
): Promise<RemoteFile[]> {
  const { repo } = client.name;
  const found = await client.api((options) =>
    pathsInfo({ ...options, repo, revision: commit, paths: [...paths] })
  );
  return paths.map((path) => remoteFile(repo, path, found)).sort((a, b) => a.size - b.size);
}

/** The shards that an index names, which the repository must have. */
function shardsOf(index: string, repo: string, paths: ReadonlySet<string>): string[] {
  const shards = [...new Set(readWeightIndex(index).values())];
  const missing = shards.find((shard) => !paths.has(shard));
  if (missing === undefined) return shards;
  throw new FileError(`Cannot use ${repo}: its ${INDEX_FILE} names ${missing}, which it lacks`);
}
