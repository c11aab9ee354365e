/**
 * Rows by name from the Hugging Face hub, through the cache that Python's tools use too.
 *
 * @module
 */
import { statfsSync } from "node:fs";
import { join } from "node:path";
import { datasetInfo, listFiles } from "../../../deps/hub.ts";
import { FileError } from "../../../errors.ts";
import { tell } from "../../../progress.ts";
import { exists, readText } from "../../files.ts";
import { isBelow } from "../../inside.ts";
import { RepoCache } from "../cache.ts";
import { HubClient, Unreachable } from "../client.ts";
import { downloadBlob } from "../download.ts";
import { type DescribedFile, remoteFile } from "../listing.ts";
import { isCommit, MAIN } from "../name.ts";
import { hubPlaces, type HubSettings, hubSettings } from "../settings.ts";
import { type DatasetCard, readCard } from "./card.ts";
import { datasetIn, type DatasetName } from "./name.ts";
import { filesOf } from "./splits.ts";

const CARD = "README.md";

/** How to download, and who is told. */
export interface DataOptions {
  /** Lines about what is done. */
  readonly say?: (line: string) => void;
  /** Where the hub and the cache are; what the environment says by default. */
  readonly settings?: HubSettings;
}

/** Rows of a dataset on this machine. */
export interface LocatedData {
  /** The files of the part, in their order. */
  readonly files: readonly string[];
  /** The name as it was given, but with the commit: `owner/set@<commit>:train`. */
  readonly pinned: string;
  /** What the card names; null where it names none. */
  readonly licence: string | null;
}

/** What is known of one commit. */
interface Known {
  readonly commit: string;
  readonly files: readonly string[];
  readonly card: DatasetCard;
}

/**
 * The rows that `place` names on the hub, downloaded where the cache lacks them; null where it is a
 * file or a folder here, or no name of a dataset. The hub is asked where a branch or tag stands; for a
 * commit whose files are all there, and with `HF_HUB_OFFLINE`, it is not asked at all, and where it
 * does not answer the cache stands in. How large a download is, is said before it begins.
 *
 * @throws {FileError} where there is no such dataset, revision or part, it may not be read or has no
 * rows, the network or the disk fails or is too small, or bytes come that are not those announced.
 */
export async function locateData(
  place: string,
  options: DataOptions = {},
): Promise<LocatedData | null> {
  const name = datasetIn(place);
  if (name === undefined) return null;
  const { settings = hubSettings(), say = () => {} } = options;
  const cache = new RepoCache(settings.cache, name.repo, "dataset");
  const { commit, files, card } = await known(name, cache, settings, say);
  const part = name.part === undefined ? "" : `:${name.part}`;
  return {
    files: files.map((file) => join(cache.snapshot(commit), file)),
    pinned: `${name.repo}@${commit}${part}`,
    licence: card.licence,
  };
}

/** The licence that the card of a pinned dataset names, as the cache has it; null for all else. */
export function dataLicence(
  place: string,
  places: () => Pick<HubSettings, "cache"> = hubPlaces, // nothing is asked of it for a path
): string | null {
  const { repo, revision = "" } = datasetIn(place) ?? {};
  if (repo === undefined || !isCommit(revision)) return null;
  return cardOf(new RepoCache(places().cache, repo, "dataset"), revision).licence;
}

async function known(
  name: DatasetName,
  cache: RepoCache,
  settings: HubSettings,
  say: (line: string) => void,
): Promise<Known> {
  const { repo, revision = MAIN } = name;
  const before = cache.commitOf(revision);
  const cached = before === undefined ? undefined : inCache(name, cache, before);
  if (settings.offline) {
    if (cached) return cached;
    throw new FileError(
      `Cannot find ${repo}: it is no file here, HF_HUB_OFFLINE is set, and ${cache.folder} has not ` +
        `all of its files of revision "${revision}"`,
    );
  }
  if (cached && isCommit(revision)) return cached;
  try {
    return await download(name, cache, settings, say);
  } catch (fault) {
    if (!(fault instanceof Unreachable)) throw fault;
    if (!exists(cache.folder)) {
      throw new Unreachable(`${fault.message}; ${repo} is no file here`, { cause: fault });
    }
    if (!cached) throw fault;
    say(`${fault.message}; going on with commit ${cached.commit} of ${repo} from the cache`);
    return cached;
  }
}

/** What the cache has of a commit; undefined where a file is missing. */
function inCache(name: DatasetName, cache: RepoCache, commit: string): Known | undefined {
  const paths = cache.listing(commit);
  if (paths === undefined || paths.includes(CARD) && !cache.has(commit, CARD)) return undefined;
  const card = cardOf(cache, commit);
  const files = filesOf(name, paths, card);
  return files.every((file) => cache.has(commit, file)) ? { commit, files, card } : undefined;
}

function cardOf(cache: RepoCache, commit: string): DatasetCard {
  return readCard(cache.has(commit, CARD) ? readText(join(cache.snapshot(commit), CARD)) : "");
}

async function download(
  name: DatasetName,
  cache: RepoCache,
  settings: HubSettings,
  say: (line: string) => void,
): Promise<Known> {
  const { repo, revision = MAIN } = name;
  const client = new HubClient(settings, { repo, revision }, "dataset");
  const { sha } = await client.api((options) =>
    datasetInfo({ ...options, name: repo, revision, additionalFields: ["sha"] })
  );
  if (typeof sha !== "string" || !isCommit(sha)) {
    throw new FileError(`Cannot use ${repo}: the hub names no commit for ${revision}`);
  }
  const listed = await listing(client, sha);
  const paths = listed.map(({ path }) => path);
  await fetchAll(client, cache, sha, listed.filter(({ path }) => path === CARD), () => {});
  const card = cardOf(cache, sha);
  const files = filesOf(name, paths, card);
  const wanted = new Set(files);
  await fetchAll(client, cache, sha, listed.filter(({ path }) => wanted.has(path)), say);
  cache.noteListing(sha, paths);
  cache.noteRef(revision, sha);
  return { commit: sha, files, card };
}

/** All files of a commit. */
async function listing(client: HubClient, commit: string): Promise<DescribedFile[]> {
  const repo = { type: "dataset", name: client.name.repo } as const;
  const entries = await client.api((options) =>
    Array.fromAsync(listFiles({ ...options, repo, revision: commit, recursive: true }))
  );
  // A path becomes the name of a file.
  return entries.filter(({ type, path }) => type === "file" && isBelow("/", `/${path}`));
}

/** Downloads what is missing; all of it must have room before its first byte is asked for. */
async function fetchAll(
  client: HubClient,
  cache: RepoCache,
  commit: string,
  listed: readonly DescribedFile[],
  say: (line: string) => void,
): Promise<void> {
  const missing = listed.filter(({ path }) => !cache.has(commit, path));
  if (missing.length === 0) return;
  const { repo } = client.name;
  const files = missing.map(({ path }) => remoteFile(repo, path, missing));
  const total = files.reduce((sum, { size }) => sum + size, 0);
  say(
    `downloading ${filesText(files.length)} of ${repo} at ${commit.slice(0, 12)}: ${
      bytesText(total)
    }`,
  );
  cache.make();
  const { bavail, bsize } = statfsSync(cache.folder);
  if (total > bavail * bsize) {
    throw new FileError(
      `Cannot download ${filesText(files.length)} of ${repo}: they take ${
        bytesText(total)
      }, and the ` +
        `disk of ${cache.folder} has ${bytesText(bavail * bsize)} left`,
    );
  }
  let before = 0;
  for (const file of files) {
    await downloadBlob(
      client,
      cache,
      commit,
      file,
      ({ done }) =>
        tell(`downloading ${file.path} of ${repo}, MB`, mega(before + done), mega(total)),
    );
    cache.link(commit, file.path, file.etag);
    before += file.size;
  }
}

const mega = (bytes: number): number => Math.round(bytes / 1e6);
const filesText = (count: number): string => count === 1 ? "a file" : `${count} files`;

/** `2.4 kB`, `1.2 GB`. */
function bytesText(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${power === 0 ? bytes : (bytes / 10 ** (3 * power)).toFixed(1)} ${units[power]}`;
}
