/** The endpoints of the fake hub that take what is pushed. */
import { type FakeHub, refuse, sha256 } from "./fake_hub.ts";
import { isLarge } from "./fake_repos.ts";

/** One line of the body of a commit. */
type Line =
  | { key: "header"; value: { summary: string } }
  | { key: "file"; value: { path: string; content: string } }
  | { key: "lfsFile"; value: { path: string; oid: string; size: number } };

/** Answers a request of an upload; undefined where it is none. */
export async function acceptUpload(
  hub: FakeHub,
  request: Request,
  path: string,
  token: string | null,
): Promise<Response | undefined> {
  const { method } = request;
  if (method !== "POST" || path.includes("/paths-info/")) return undefined;
  if (token === null) return refuse(401, null, "Invalid username or password.");
  if (path === "/api/repos/create") return await createRepo(hub, await request.json());
  if (path.startsWith("/api/complete/")) return complete(hub, await request.json());
  const [, id = "", what] =
    /^\/(?:api\/models\/)?([^/]+\/[^/]+?)(\/preupload|\/commit|\.git)/.exec(path) ?? [];
  if (!hub.repos.get(id)) return refuse(404, "RepoNotFound", "Repository not found");
  if (what === "/preupload") return await preupload(await request.json());
  if (what === ".git") return batch(hub, await request.json());
  return commit(hub, id, (await request.text()).split("\n").map((line) => JSON.parse(line)));
}

function createRepo(hub: FakeHub, body: Record<string, string>): Response {
  const id = `${body["organization"]}/${body["name"]}`;
  if (body["organization"] === "others") return refuse(403, null, "You don't have the rights");
  if (hub.repos.get(id)) return refuse(409, null, "You already created this model repo");
  hub.repos.create(id, body["visibility"] === "private");
  return Response.json({ url: `${hub.endpoint}/${id}`, id });
}

function preupload({ files }: { files: { path: string; size: number }[] }): Response {
  return Response.json({
    files: files.map(({ path, size }) => ({
      path,
      uploadMode: isLarge({ length: size } as Uint8Array) ? "lfs" : "regular",
      shouldIgnore: false,
    })),
  });
}

function batch(hub: FakeHub, { objects }: { objects: { oid: string; size: number }[] }): Response {
  return Response.json({
    transfer: "basic",
    objects: objects.map(({ oid, size }) => ({
      oid,
      size,
      ...(hub.repos.large.has(oid)
        ? {}
        : { actions: { upload: hub.partBytes ? inParts(hub, oid, size) : whole(hub, oid) } }),
    })),
  });
}

const whole = (hub: FakeHub, oid: string) => ({ href: `${hub.storage}/upload/${oid}` });

/** Where the parts of a very large file go; what they are is said afterwards. */
function inParts(hub: FakeHub, oid: string, size: number) {
  const header: Record<string, string> = { chunk_size: String(hub.partBytes) };
  for (let part = 1; part <= Math.ceil(size / hub.partBytes!); part++) {
    header[String(part).padStart(5, "0")] = `${hub.storage}/upload/part-${part}-of-${oid}`;
  }
  return { href: `${hub.endpoint}/api/complete/${oid}`, header };
}

/** Puts parts together. */
function complete(
  hub: FakeHub,
  { oid, parts }: { oid: string; parts: { etag: string }[] },
): Response {
  const bytes = parts.flatMap(({ etag }) => [...hub.parts.get(etag)!]);
  if (sha256(Uint8Array.from(bytes)) !== oid) return refuse(400, null, "The hash is another");
  hub.repos.large.set(oid, Uint8Array.from(bytes));
  return Response.json({});
}

/** Keeps an object that the batch has asked for. */
export async function takeObject(hub: FakeHub, request: Request, path: string): Promise<Response> {
  const bytes = new Uint8Array(await request.arrayBuffer());
  const oid = path.split("/").at(-1)!;
  if (oid.startsWith("part-")) {
    hub.parts.set(oid, bytes);
    return new Response(null, { headers: { ETag: oid } });
  }
  if (request.headers.get("Content-Length") !== String(bytes.length)) {
    return refuse(411, null, "No Content-Length");
  }
  if (sha256(bytes) !== oid) return refuse(400, null, "The hash is another");
  hub.repos.large.set(oid, bytes);
  return new Response(null);
}

function commit(hub: FakeHub, id: string, lines: Line[]): Response {
  const repo = hub.repos.get(id)!;
  const files: Record<string, Uint8Array> = Object.fromEntries(
    repo.commits.get(repo.refs.get("main") ?? "") ?? [],
  );
  for (const { key, value } of lines) {
    if (key === "file") files[value.path] = Uint8Array.fromBase64(value.content);
    if (key !== "lfsFile") continue;
    const bytes = hub.repos.large.get(value.oid);
    if (!bytes) return refuse(400, null, `No object ${value.oid} was uploaded`);
    files[value.path] = bytes;
  }
  const commitOid = hub.repos.commit(id, files);
  return Response.json({ commitOid, commitUrl: `${hub.endpoint}/${id}/commit/${commitOid}` });
}
