/** Who may ask a server, and how much it takes on. */
import assert from "node:assert/strict";
import { isLoopback, readJson } from "../../src/http/gate.ts";
import { withServer } from "../serve/served_tiny.ts";

/** Sends bytes as they are and returns the response's status; a fetch would mend its headers. */
async function statusOf(address: string, text: string): Promise<number> {
  const { hostname, port } = new URL(address);
  using connection = await Deno.connect({ hostname, port: Number(port) });
  await connection.write(new TextEncoder().encode(text));
  const answer = new Uint8Array(200);
  const read = await connection.read(answer);
  return Number(new TextDecoder().decode(answer.subarray(0, read ?? 0)).split(" ")[1]);
}

Deno.test("only this machine's own names and pages may ask", () =>
  withServer(async (address) => {
    const { host, port } = new URL(address);
    const ask = (headers: string, path = "/v1/models") =>
      statusOf(address, `GET ${path} HTTP/1.1\r\n${headers}\r\nConnection: close\r\n\r\n`);
    assert.equal(await ask(`Host: ${host}`), 200);
    assert.equal(await ask(`Host: localhost:${port}`), 200);
    assert.equal(await ask(`Host: evil.example:${port}`), 403, "a name that was bound anew");
    assert.equal(await ask(`Host: ${host}.evil.example`), 403);
    assert.equal(await ask("Host: 127.0.0.1:1"), 403);
    assert.equal(await ask(`Host: ${host}\r\nOrigin: http://${host}`), 200);
    assert.equal(await ask(`Host: ${host}\r\nOrigin: https://evil.example`), 403);
    assert.equal(await ask(`Host: ${host}\r\nOrigin: null`), 403);
    assert.equal(await ask(`Host: evil.example`, "/"), 403, "the page too");
    assert.equal(await ask(`Host: ${host}`, "/../../etc/passwd"), 404);
    assert.equal(await ask(`Host: ${host}`, "/%2e%2e/%2e%2e/etc/passwd"), 404);
  }));

Deno.test("where there is a token, nobody asks without it, and it is nowhere in an answer", () =>
  withServer(async (address) => {
    const ask = (headers: Record<string, string>) => fetch(`${address}/v1/models`, { headers });
    for (const authorization of ["", "Bearer", "Bearer secre", "Bearer secrets", "secret"]) {
      const response = await ask({ authorization });
      assert.equal(response.status, 401, authorization);
      assert.doesNotMatch(await response.text(), /secret/);
    }
    const response = await ask({ authorization: "Bearer secret" });
    assert.equal(response.status, 200);
    await response.body?.cancel();
    const page = await fetch(address);
    assert.equal(page.status, 200, "the page holds no secret");
    assert.doesNotMatch(await page.text(), /secret/);
  }, { token: "secret" }));

Deno.test("a body that is too large, too slow or no JSON is refused", async () => {
  const request = (body: BodyInit) => new Request("http://localhost/", { method: "POST", body });
  assert.deepEqual(await readJson(request('{"a":1}'), 10), { a: 1 });
  const status = (expected: number) => (fault: { status?: number }) => fault.status === expected;
  await assert.rejects(readJson(request('{"a":12345}'), 10), status(413));
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(1 << 16).fill(32)),
  });
  await assert.rejects(readJson(request(endless), 1 << 20), status(413));
  const silent = new ReadableStream<Uint8Array>({});
  await assert.rejects(readJson(request(silent), 10, 20), status(408));
  await assert.rejects(readJson(request("{"), 10), status(400));
  await assert.rejects(readJson(request(Uint8Array.of(34, 255, 34)), 10), status(400));
});

Deno.test("isLoopback() tells this machine's own addresses", () => {
  const own = ["localhost", "127.0.0.1", "127.1.2.3", "::1"];
  assert.deepEqual(own.filter((name) => !isLoopback(name)), []);
  const others = ["0.0.0.0", "::", "192.168.0.2", "127.0.0.1.evil.example", "example.com"];
  assert.deepEqual(others.filter(isLoopback), []);
});

Deno.test("the page runs its own script alone, and escapes names", () =>
  withServer(async (address) => {
    const response = await fetch(address);
    const policy = response.headers.get("content-security-policy")!;
    assert.match(policy, /default-src 'none'/);
    const [, nonce] = /script-src 'nonce-([^']+)'/.exec(policy)!;
    const text = await response.text();
    const tags = text.match(/<script[^>]*>|<style[^>]*>/g)!;
    assert.ok(tags.every((tag) => tag.includes(`nonce="${nonce}"`)), tags.join());
    assert.doesNotMatch(text, /https?:\/\//, "nothing is loaded from elsewhere");
  }));
