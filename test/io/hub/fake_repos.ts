/** What lies on the fake hub. */
import { createHash } from "node:crypto";

export type Files = ReadonlyMap<string, Uint8Array>;

/** Files from this size on are kept outside git, as the hub keeps large ones. */
const LARGE = 4096;

export const isLarge = (bytes: Uint8Array) => bytes.length >= LARGE;

export class FakeRepo {
  readonly commits = new Map<string, Files>();
  readonly refs = new Map<string, string>();
  gated = false;

  constructor(readonly isPrivate: boolean) {}

  /** The commit that a branch, tag or commit names. */
  commitOf(revision: string): string | undefined {
    const commit = this.refs.get(revision === "HEAD" ? "main" : revision) ?? revision;
    return this.commits.has(commit) ? commit : undefined;
  }
}

export class FakeRepos {
  readonly #repos = new Map<string, FakeRepo>();
  /** Large files by their sha256. */
  readonly large = new Map<string, Uint8Array>();

  get(id: string): FakeRepo | undefined {
    return this.#repos.get(id);
  }

  create(id: string, isPrivate = false): FakeRepo {
    const repo = new FakeRepo(isPrivate);
    this.#repos.set(id, repo);
    return repo;
  }

  /** Makes a commit of exactly these files on a branch and returns its hash. */
  commit(
    id: string,
    files: Readonly<Record<string, Uint8Array | string>>,
    branch = "main",
  ): string {
    const repo = this.get(id) ?? this.create(id);
    const bytes = new Map(
      Object.entries(files).map(([path, content]) => [
        path,
        typeof content === "string" ? new TextEncoder().encode(content) : content,
      ]),
    );
    const hash = createHash("sha1").update(`${id} ${repo.commits.size}`);
    for (const [path, content] of bytes) {
      hash.update(path).update(content);
      if (isLarge(content)) {
        this.large.set(createHash("sha256").update(content).digest("hex"), content);
      }
    }
    const commit = hash.digest("hex");
    repo.commits.set(commit, bytes);
    repo.refs.set(branch, commit);
    return commit;
  }

  /** Commits the files of a folder. */
  commitFolder(id: string, folder: string, without: readonly string[] = []): string {
    const names = [...Deno.readDirSync(folder)].filter(({ isFile }) => isFile).map((e) => e.name);
    const kept = names.filter((name) => !without.includes(name));
    return this.commit(
      id,
      Object.fromEntries(kept.map((name) => [name, Deno.readFileSync(`${folder}/${name}`)])),
    );
  }
}
