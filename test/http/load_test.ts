/**
 * Many requests at a time, right ones and wrong ones, from readers that do not read: each gets its own
 * answer and memory stays flat. 48 here; `deno task load` asks 1,000.
 */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { SMOLLM2, withTinyChat } from "../inference/tiny_chat.ts";
import { doneRun, withRuns } from "../runs/happenings.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const REQUESTS = Number(Deno.env.get("GRAFT_REQUESTS") ?? 48);
const ROUNDS = Number(Deno.env.get("GRAFT_ROUNDS") ?? 3);
const TOKEN = "a token of the test";

/** A server in a process of its own. */
class Server implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  port = 0;

  constructor(args: readonly string[]) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "-RWESN", "--no-check", MAIN, ...args, "--port", "0"],
      env: { GRAFT_API_KEY: TOKEN, NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
  }

  /** Resolves when it listens. */
  async begin(): Promise<this> {
    const reader = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    const { value: line = "" } = await reader.read();
    this.port = Number(/:(\d+)/.exec(line)![1]);
    await reader.cancel();
    return this;
  }

  /** MiB of memory that are its own; null where the system does not say. */
  memory(): number | null {
    if (Deno.build.os !== "linux") return null;
    const status = Deno.readTextFileSync(`/proc/${this.#child.pid}/status`);
    return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#child.status;
  }
}

/** A request as it goes over the line; `{port}` stands for the server's. */
interface Asked {
  readonly line: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Of the answer; null where nobody reads it. */
  readonly status: readonly number[] | null;
}

/** Sends a request and resolves to the status of the answer; null where it is not read. */
async function ask({ line, headers = {}, body = "", status }: Asked, port: number) {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const all = {
    Host: `127.0.0.1:${port}`,
    Authorization: `Bearer ${TOKEN}`,
    Connection: "close",
    "Content-Length": String(body.length),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const text = [`${line} HTTP/1.1`, ...lines, "", body].join("\r\n");
  await new Blob([text]).stream().pipeTo(connection.writable, { preventClose: true });
  if (status === null) {
    await new Promise((resolve) => setTimeout(resolve, 100)); // and leaves
    return null;
  }
  // Not to the end: of a body that was announced and never comes, Deno's server waits for the rest.
  const begun = new Uint8Array(1024);
  const count = await connection.read(begun);
  const answer = new TextDecoder().decode(begun.subarray(0, count ?? 0));
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1]);
}

/** Asks all of `kinds` in turns, at once; each must be answered as it says. */
async function round(kinds: readonly Asked[], port: number): Promise<void> {
  const asked = Array.from({ length: REQUESTS }, (_, i) => kinds[i % kinds.length]!);
  const answers = await Promise.all(asked.map((one) => ask(one, port)));
  for (const [i, { line, headers, status }] of asked.entries()) {
    const found = answers[i] ?? null;
    const isRight = status === null ? found === null : status.includes(found!);
    assert.ok(isRight, `${line} ${JSON.stringify(headers ?? {})}: ${found}, wanted ${status}`);
  }
}

/** Rounds of requests; memory may not grow after the first. */
async function underLoad(name: string, args: string[], kinds: readonly Asked[]): Promise<void> {
  await using server = await new Server([name, ...args]).begin();
  const memory: (number | null)[] = [];
  for (let i = 0; i <= ROUNDS; i++) {
    await round(kinds, server.port);
    memory.push(server.memory());
  }
  if (REQUESTS >= 1000) console.log(`${name}: MiB after each round: ${memory.map(whole)}`);
  const [, first, ...later] = memory;
  if (first === null) return;
  const last = Math.min(...later as number[]); // one round may have its garbage with it still
  assert.ok(last <= first! * 1.1 + 16, `MiB after each round: ${memory.map(whole)}`);
}

const whole = (mib: number | null) => mib?.toFixed(0);

const foreign = (line: string): Asked[] => [
  { line, headers: { Host: "example.org" }, status: [403] },
  { line, headers: { Origin: "http://example.org" }, status: [403] },
];

Deno.test("watch answers and refuses many at a time in the same memory", () =>
  withRuns(async (folder) => {
    for (const name of ["a", "b"]) doneRun(folder, name);
    await underLoad("watch", ["--from", folder], [
      { line: "GET /api/runs", status: [200] },
      { line: "GET /", status: [200] },
      { line: "GET /", status: null },
      { line: "GET /api/changes", status: null },
      { line: "GET /../../etc/passwd", status: [404] },
      { line: "POST /api/runs", body: "x".repeat(1 << 16), status: [405] },
      ...foreign("GET /api/runs"),
    ]);
  }));

Deno.test("serve answers and refuses many at a time in the same memory", () =>
  withTinyChat(SMOLLM2, async (folder) => {
    const body = JSON.stringify({ model: "tiny", prompt: "Hello", max_tokens: 1 });
    const line = "POST /v1/completions";
    const size = ["--context", "64", "--slots", "4", "--queue", "4"];
    await underLoad("serve", [folder, "--name", "tiny", ...size, "--quiet"], [
      { line: "GET /v1/models", status: [200] },
      { line, body, status: [200, 429, 503] },
      { line: "GET /v1/models", status: null },
      { line, body: "{", status: [400] },
      { line, headers: { "Content-Length": String(17 << 20) }, status: [413] },
      { line, headers: { Authorization: "Bearer another" }, body, status: [401] },
      { line: "GET /v1/models", headers: { Authorization: "" }, status: [401] },
      ...foreign("GET /v1/models"),
    ]);
  }));
