/**
 * A hub on the loopback for tests: the endpoints that clients of the Hugging Face hub use, as
 * Python's huggingface_hub and `@huggingface/hub` call them. Large files are redirected to a
 * storage of another origin, as on the hub.
 */
import { createHash } from "node:crypto";
import { type FakeRepo, FakeRepos, isLarge } from "./fake_repos.ts";
import { acceptUpload, takeObject } from "./fake_upload.ts";

/** What was asked, and with which token. */
export interface Asked {
  readonly origin: "hub" | "storage";
  readonly method: string;
  readonly path: string;
  readonly token: string | null;
  readonly range: string | null;
}

/** How the storage and the hub misbehave. */
export interface Mischief {
  /** Sends so many bytes of a body, then nothing more, now and later. */
  stallAfter?: number;
  /** Sends so many bytes of a body, then breaks the connection, as often as `breaks` says. */
  breakAfter?: number;
  breaks?: number;
  /** Answers requests for ranges with the whole file. */
  noRanges?: boolean;
  /** Calls the whole file a part, as it was asked for, and says so of its range or not. */
  wholeAsPart?: "unsaid" | "said" | "denied";
  /** Sends a byte every so many milliseconds. */
  drip?: number;
  /** Changes a byte of each large file. */
  corrupt?: boolean;
  /** Sends a byte more than it announced. */
  tooLong?: boolean;
  /** Sends large files on to this origin, in place of its own storage. */
  elsewhere?: string;
  /** Answers everything with this status. */
  status?: number;
  /** Never answers. */
  silent?: boolean;
  /** Replaces what the API says of a revision or of paths. */
  tamper?: (answer: unknown) => unknown;
}

export class FakeHub implements AsyncDisposable {
  readonly repos = new FakeRepos();
  readonly asked: Asked[] = [];
  mischief: Mischief = {};
  /** Takes large files in parts of so many bytes, where it is set. */
  partBytes: number | undefined;
  readonly parts = new Map<string, Uint8Array>();
  /** The one token that is accepted; any or none where it is absent. */
  token: string | undefined;
  readonly #servers: Deno.HttpServer<Deno.NetAddr>[];
  readonly #closing = new AbortController();

  constructor() {
    const serve = (origin: Asked["origin"]) =>
      Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: this.#closing.signal },
        (request) => this.#answer(origin, request),
      );
    this.#servers = [serve("hub"), serve("storage")];
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#servers[0]!.addr.port}`;
  }

  get storage(): string {
    return `http://127.0.0.1:${this.#servers[1]!.addr.port}`;
  }

  /** Paths that were asked for since the last call, each as `METHOD /path`. */
  takeAsked(): string[] {
    return this.asked.splice(0).map(({ method, path }) => `${method} ${path}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#servers.map(({ finished }) => finished));
  }

  async #answer(origin: Asked["origin"], request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const path = decodeURIComponent(pathname);
    const token = request.headers.get("Authorization")?.replace("Bearer ", "") ?? null;
    const range = request.headers.get("Range");
    this.asked.push({ origin, method: request.method, path, token, range });
    if (this.mischief.silent) {
      await new Promise((resolve) => this.#closing.signal.addEventListener("abort", resolve));
    }
    if (this.mischief.status) return new Response("<html>down", { status: this.mischief.status });
    if (origin === "storage" && request.method === "PUT") {
      return await takeObject(this, request, path);
    }
    if (origin === "storage") return this.#storage(request, path.slice(1));
    if (token !== null && this.token !== undefined && token !== this.token) {
      return refuse(401, null, "Invalid credentials in Authorization header");
    }
    return await acceptUpload(this, request, path, token) ?? await this.#read(request, path, token);
  }

  async #read(request: Request, path: string, token: string | null): Promise<Response> {
    const api =
      /^\/api\/(?:models\/)?((?:datasets\/)?[^/]+\/[^/]+)\/(revision|paths-info|tree)\/(.+)$/
        .exec(path);
    const resolve = /^\/((?:datasets\/)?[^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path);
    const [, id = "", kind = "resolve", given = ""] = api ??
      (resolve ? [resolve[0], resolve[1], "resolve", resolve[2]] : []);
    const repo = this.repos.get(id);
    if (!repo || (repo.isPrivate && token === null)) {
      return refuse(401, "RepoNotFound", "not found");
    }
    const commit = repo.commitOf(given);
    const files = commit && repo.commits.get(commit);
    if (!files) return refuse(404, "RevisionNotFound", `Invalid rev id: ${given}`);
    if (kind === "revision") {
      const siblings = [...files.keys()].map((rfilename) => ({ rfilename }));
      return this.#json({ _id: "1", id, sha: commit, siblings, private: repo.isPrivate });
    }
    if (kind === "tree") {
      return this.#json([...files.keys()].map((path) => info(repo, commit, path)));
    }
    if (kind === "paths-info") {
      const { paths } = await request.json();
      return this.#json(
        paths.filter((p: string) => files.has(p)).map((p: string) => info(repo, commit, p)),
      );
    }
    if (repo.gated && token === null) return refuse(403, "GatedRepo", "gated");
    return this.#resolve(request, repo, commit, resolve![3]!);
  }

  #json(answer: unknown): Response {
    return Response.json(this.mischief.tamper?.(answer) ?? answer);
  }

  #resolve(request: Request, repo: FakeRepo, commit: string, path: string): Response {
    const bytes = repo.commits.get(commit)!.get(path);
    if (!bytes) return refuse(404, "EntryNotFound", "Entry not found", { "X-Repo-Commit": commit });
    const headers = { "X-Repo-Commit": commit, "Accept-Ranges": "bytes" };
    if (!isLarge(bytes)) {
      return this.#send(request, bytes, { ...headers, ETag: `"${gitHash(bytes)}"` });
    }
    return new Response(null, {
      status: 302,
      headers: {
        ...headers,
        Location: `${this.mischief.elsewhere ?? this.storage}/${sha256(bytes)}`,
        "X-Linked-ETag": `"${sha256(bytes)}"`,
        "X-Linked-Size": String(bytes.length),
      },
    });
  }

  #storage(request: Request, hash: string): Response {
    const bytes = this.repos.large.get(hash);
    if (!bytes) return new Response("no such object", { status: 404 });
    const sent = Uint8Array.from(bytes);
    if (this.mischief.corrupt) sent[sent.length - 1]! ^= 1;
    return this.#send(request, sent, { ETag: '"of the storage"' });
  }

  #send(request: Request, bytes: Uint8Array, headers: Record<string, string>): Response {
    const { noRanges, tooLong, wholeAsPart } = this.mischief;
    const [, from = "", to = ""] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.get("Range") ?? "") ??
      [];
    const begin = noRanges || from === "" ? 0 : Number(from);
    const end = noRanges || to === "" ? bytes.length : Math.min(bytes.length, Number(to) + 1);
    const isPart = !noRanges && from !== "";
    if (isPart && wholeAsPart) return this.#whole(bytes, Number(from));
    const body = tooLong
      ? new Uint8Array([...bytes.subarray(begin, end), 7])
      : bytes.slice(begin, end);
    return new Response(request.method === "HEAD" ? null : this.#stream(body), {
      status: isPart ? 206 : 200,
      headers: {
        ...headers,
        ...(tooLong ? {} : { "Content-Length": String(body.length) }),
        ...(isPart ? { "Content-Range": `bytes ${begin}-${end - 1}/${bytes.length}` } : {}),
      },
    });
  }

  /** The whole file as an answer to a part. */
  #whole(bytes: Uint8Array, from: number): Response {
    const { wholeAsPart: how } = this.mischief;
    const range = `bytes ${how === "denied" ? from : 0}-${bytes.length - 1}/${bytes.length}`;
    return new Response(this.#stream(bytes), {
      status: 206,
      headers: how === "unsaid"
        ? { "Content-Length": String(bytes.length) }
        : { "Content-Range": range },
    });
  }

  #stream(body: Uint8Array): ReadableStream<Uint8Array> {
    const { stallAfter = Infinity, breakAfter = Infinity, breaks = Infinity, drip } = this.mischief;
    if (drip !== undefined) return dripping(body, drip);
    const breaksNow = body.length > breakAfter && breaks > 0;
    const stallsNow = body.length > stallAfter;
    if (breaksNow) this.mischief.breaks = breaks - 1;
    if (stallsNow) this.mischief.stallAfter = 0;
    const sent = body.subarray(0, Math.min(stallAfter, breaksNow ? breakAfter : Infinity));
    return new ReadableStream({
      start(controller) {
        if (sent.length > 0) controller.enqueue(sent);
        if (!stallsNow) controller.close();
      },
    });
  }
}

function dripping(body: Uint8Array, every: number): ReadableStream<Uint8Array> {
  let at = 0;
  let timer: ReturnType<typeof setInterval>;
  return new ReadableStream({
    start(controller) {
      timer = setInterval(() => controller.enqueue(body.subarray(at, ++at)), every);
    },
    cancel() {
      clearInterval(timer);
    },
  });
}

function info(repo: FakeRepo, commit: string, path: string) {
  const bytes = repo.commits.get(commit)!.get(path)!;
  const common = { type: "file", path, size: bytes.length, oid: gitHash(bytes) };
  if (!isLarge(bytes)) return common;
  return { ...common, lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 } };
}

/** The hub's way to refuse. */
export function refuse(
  status: number,
  code: string | null,
  error: string,
  headers: Record<string, string> = {},
): Response {
  const marks = code === null ? {} : { "X-Error-Code": code };
  return Response.json({ error }, { status, headers: { ...headers, ...marks } });
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The sha1 that git gives a file. */
export function gitHash(bytes: Uint8Array): string {
  return createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}
