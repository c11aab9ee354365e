/**
 * Uploads to the hub, through `@huggingface/hub`: the repository is made where it is not there yet,
 * large files go to the hub's storage and all files become one commit.
 *
 * @module
 */
import { commitIter, type CommitOutput, createRepo, modelInfo } from "../../deps/hub.ts";
import { pathToFileURL } from "node:url";
import { ConfigError, FileError } from "../../errors.ts";
import { encodeUtf8 } from "../files.ts";
import { Conflict, HubClient } from "./client.ts";
import { parseRepoName } from "./name.ts";
import type { HubSettings } from "./settings.ts";

/** A file to upload: a path on this machine, or the text itself. */
export interface UploadFile {
  /** Its path in the repository. */
  readonly name: string;
  readonly content: { readonly path: string } | { readonly text: string };
}

/** What to upload, and where to. */
export interface Upload {
  /** `owner/name`. */
  readonly repo: string;
  readonly files: readonly UploadFile[];
  /** Title of the commit. */
  readonly title: string;
  /** Whether the repository must be private. */
  readonly isPrivate: boolean;
  readonly settings: HubSettings;
  /** Lines about what is done. */
  readonly say: (line: string) => void;
}

/** The library wants one; the client's fetch sets the real one. */
const UNUSED_TOKEN = "hf_set_by_fetch";

/** The hub checks a commit before it answers. */
const COMMIT_PATIENCE = 6;

/**
 * Uploads files in one commit and returns its address.
 *
 * @throws {ConfigError} where the name is no repository's, there is no token, or offline is set.
 * @throws {FileError} where the hub refuses, or a private upload would go to a public repository.
 */
export async function upload(options: Upload): Promise<string> {
  const { repo, files, title, settings, say } = options;
  checkUpload(options);
  const patience = COMMIT_PATIENCE * settings.patience;
  const client = new HubClient({ ...settings, patience }, { repo });
  await makeRepo(client, options);
  return await client.api(async (hub) => {
    const operations = files.map(({ name, content }) => ({
      operation: "addOrUpdate" as const,
      path: name,
      content: "path" in content
        ? pathToFileURL(content.path)
        : new Blob([encodeUtf8(content.text)]),
    }));
    // Plain uploads are what the tests hold; the hub takes them as well as its own protocol.
    const progress = commitIter({ ...hub, repo, title, operations, useXet: false });
    for (;;) {
      const { done, value } = await progress.next();
      if (done) return (value as CommitOutput).commit.url;
      if (value.event === "fileProgress" && value.state === "uploading" && value.progress === 1) {
        say(`uploaded ${value.path}`);
      }
    }
  });
}

/** @throws {ConfigError} where nothing could be uploaded. */
function checkUpload({ repo, settings: { token, offline } }: Upload): void {
  if (parseRepoName(repo)?.repo !== repo) {
    throw new ConfigError(`Found "${repo}", wanted the name of a repository as owner/name`);
  }
  if (offline) throw new ConfigError(`Cannot push to ${repo}: HF_HUB_OFFLINE is set`);
  if (token !== undefined) return;
  throw new ConfigError(
    `Cannot push to ${repo}: there is no token, set HF_TOKEN to one that may write`,
  );
}

/** Makes the repository; one that is there must not show what is to be private. */
async function makeRepo(client: HubClient, { repo, isPrivate }: Upload): Promise<void> {
  try {
    const visibility = isPrivate ? { visibility: "private" as const } : {};
    await client.api((hub) =>
      createRepo({ ...hub, repo, ...visibility, accessToken: UNUSED_TOKEN })
    );
  } catch (fault) {
    if (!(fault instanceof Conflict)) throw fault;
    if (!isPrivate) return;
    const { private: hidden } = await client.api((hub) => modelInfo({ ...hub, name: repo }));
    if (hidden) return;
    throw new FileError(
      `Cannot push to ${repo}: it is public already, wanted a private repository`,
    );
  }
}
