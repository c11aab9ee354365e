/** What a run does about an endpoint that fails, is slow or answers with something else. */
import assert from "node:assert/strict";
import { FileError } from "../../src/errors.ts";
import { EndpointWriter } from "../../src/self_instruct/writers/endpoint.ts";
import type { Answer, Numbered } from "../../src/self_instruct/writers/writer.ts";
import { type Instead, withEndpoint } from "./endpoint.ts";

const SAMPLING = { maxTokens: 5, stop: ["\n"], seed: 7 };
const TEXT: Numbered = { number: 0, request: { kind: "text", text: "Say it" } };

const fine = (text = "ok", reason = "stop") =>
  Response.json({ choices: [{ text, finish_reason: reason }] });

/** Asks once, without waiting between tries; the waits that were wanted come back. */
async function ask(url: string, requests: readonly Numbered[] = [TEXT], timeout = 5000) {
  const [answers, waits, said]: [Answer[], number[], string[]] = [[], [], []];
  const writer = new EndpointWriter({
    ...{ url, model: "tiny", key: "secret", timeout, parallel: 1 },
    say: (line) => void said.push(line),
    wait: (milliseconds) => Promise.resolve(void waits.push(milliseconds)),
  });
  let fault: Error | null = null;
  await writer.write(requests, SAMPLING, (found) => {
    for (const [number, answer] of found) answers[number] = answer;
  }).catch((error) => fault = error);
  return { answers, waits, said, fault: fault as Error | null };
}

/** Faults in turn, the last one again and again. */
const inTurn = (...responses: (() => Response | null)[]): Instead => (number) =>
  (responses[number] ?? responses.at(-1)!)();

Deno.test("faults that may pass are tried again, and the endpoint says after how long", async () => {
  const busy = () => new Response("busy", { status: 429, headers: { "retry-after": "3" } });
  const broken = () => Response.json({ error: { message: "out of\nmemory" } }, { status: 500 });
  const page = () => new Response("<html>\n<p>Bad gateway</p>");
  const other = () => Response.json({ choices: [] });
  await withEndpoint(async (url, asked) => {
    const { answers, waits, said, fault } = await ask(url);
    assert.equal(fault, null);
    assert.deepEqual(answers, [{ text: "ok", ended: true }]);
    assert.deepEqual(waits, [3000, 2000, 4000, 8000]);
    assert.deepEqual(said.map((line) => line.replace(/^\S+ /, "")), [
      "found status 429 (busy); again in 3 s",
      "found status 500 (out of memory); again in 2 s",
      'found "<html> <p>Bad gateway</p>", wanted a JSON object; again in 4 s',
      "found JSON without choices[0].text, wanted an answer of OpenAI's API; again in 8 s",
    ]);
    assert.equal(asked.length, 5);
    const { path, headers, body } = asked[0]!;
    assert.equal(path, "/v1/completions");
    assert.equal(headers.get("authorization"), "Bearer secret");
    assert.deepEqual({ ...body, seed: 0 }, {
      ...{ model: "tiny", max_tokens: 5, temperature: 0, top_p: 1, stop: ["\n"], seed: 0 },
      prompt: "Say it",
    });
  }, inTurn(busy, broken, page, other, fine));
});

Deno.test("what does not pass ends in one sentence, and keeps what was answered", async () => {
  const table: [respond: () => Response, message: RegExp, tries: number][] = [
    [
      () => Response.json({ error: "no such key" }, { status: 401 }),
      /status 401 \(no such key\)$/,
      1,
    ],
    [() => new Response("", { status: 404 }), /completions: found status 404$/, 1],
    [() => new Response("", { status: 503 }), /found status 503, in 5 tries$/, 5],
    [() => new Response("not it"), /found "not it", wanted a JSON object, in 5 tries$/, 5],
    [() => fine(5 as unknown as string), /JSON without choices\[0\]\.text.*, in 5 tries$/, 5],
  ];
  for (const [respond, message, tries] of table) {
    await withEndpoint(async (url, asked) => {
      const { answers, fault } = await ask(url, [TEXT, { ...TEXT, number: 1 }]);
      assert.ok(fault instanceof FileError);
      assert.match(fault.message, message);
      assert.doesNotMatch(fault.message, /secret|\n/);
      assert.deepEqual(answers, [{ text: "ok", ended: true }]);
      assert.equal(asked.length, 1 + tries);
    }, inTurn(fine, respond));
  }
  const { fault } = await ask("http://127.0.0.1:1/v1");
  assert.match(fault!.message, /found no endpoint there \(.*\), in 5 tries$/);
});

Deno.test("a request that is refused for what it asks stops no other; a cut answer is told", async () => {
  const long = () => Response.json({ error: { message: "too long" } }, { status: 400 });
  await withEndpoint(async (url) => {
    const requests = [0, 1, 2].map((number) => ({ ...TEXT, number }));
    const { answers, fault, waits } = await ask(url, requests);
    assert.equal(fault, null);
    assert.deepEqual(waits, []);
    assert.deepEqual(answers, [
      { refused: "found status 400 (too long)" },
      { text: "ok", ended: false },
      { text: "ok", ended: true },
    ]);
  }, inTurn(long, () => fine("ok", "length"), () => fine("ok", "eos")));
});

Deno.test("an endpoint that does not answer in time is tried again, then given up", async () => {
  let isOver = false;
  const never = () =>
    new Promise<Response>((resolve) => {
      const timer = setInterval(() => {
        if (!isOver) return;
        clearInterval(timer);
        resolve(fine());
      }, 10);
    });
  await withEndpoint(async (url) => {
    const { fault } = await ask(url, [TEXT], 40);
    isOver = true;
    assert.match(fault!.message, /found no answer within 0\.04 s, in 5 tries$/);
  }, never);
});
