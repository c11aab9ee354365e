/** The server as OpenAI's own client sees it. */
import assert from "node:assert/strict";
import { promptOf, rowTokenizer } from "../../src/data/mod.ts";
import { Generator } from "../../src/inference/generator.ts";
import { openModel } from "../../src/inference/open.ts";
import { stopIds } from "../../src/inference/stop.ts";
import { engine } from "../harness.ts";
import { adaptersOf, withServed, withServer } from "./served_tiny.ts";

/** What OpenAI's client does, called by its path: `chat.completions.create`. */
interface Call {
  readonly path: string;
  readonly body?: object;
}

/**
 * A program of its own: in the lock file the client would be brought by each command of a clone that is
 * new, and be most of what that brings.
 */
const CLIENT = `
import OpenAI from "npm:openai@7.59.0";
const { address, calls } = JSON.parse(Deno.args[0]);
const client = new OpenAI({ baseURL: address + "/v1", apiKey: "none", maxRetries: 0 });
const found = await Promise.all(calls.map(async ({ path, body }) => {
  const names = path.split(".");
  const owner = names.slice(0, -1).reduce((part, name) => part[name], client);
  const result = await owner[names.at(-1)](...(body ? [body] : []));
  return body?.stream || !body ? await Array.fromAsync(result) : result;
}));
console.log(JSON.stringify(found));
`;

/** What OpenAI's own client makes of calls, all at once; of a list or a stream all of it. */
// deno-lint-ignore no-explicit-any
async function byClient(address: string, ...calls: Call[]): Promise<any[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-lock", "--no-config", "-", JSON.stringify({ address, calls })],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(CLIENT));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** The answer to a request. */
// deno-lint-ignore no-explicit-any
async function post(address: string, path: string, body: object): Promise<any> {
  const response = await fetch(address + path, { method: "POST", body: JSON.stringify(body) });
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  return answer;
}

interface Chosen {
  readonly message: { readonly content: string };
}

const chat = (model: string, content: string) => ({
  model,
  messages: [{ role: "user" as const, content }],
  temperature: 0,
  max_tokens: 12,
});

Deno.test("base and adapters answer at once, each as it does alone", () =>
  withServed(async (served, folder) => {
    const { device } = await engine();
    const alone = new Map<string, number[]>();
    for (const [name, adapter] of [["base", undefined] as const, ...adaptersOf(folder)]) {
      using open = openModel(device, folder, adapter);
      const { engine, model, adapt } = open;
      using generator = await Generator.open(engine, model, { context: 64, adapt });
      const request = { kind: "text", text: "Hello, you" } as const;
      const { ids } = promptOf(request, rowTokenizer(model));
      const how = { maxTokens: 12, stop: stopIds(model) };
      alone.set(name, await Array.fromAsync(generator.generate(ids, how)));
    }
    assert.equal(new Set([...alone.values()].map(String)).size, 3, "they answer differently");
    const { ids } = promptOf({ kind: "text", text: "Hello, you" }, served.tokenizer);
    const asked = (name: string) => ({
      ...{ name, prompt: ids, maxTokens: 12, stop: served.ends, seed: 0, choice: 0 },
      ...{ temperature: 0, topK: 0, topP: 1, minP: 0, likeliest: null },
      ...{ frequencyPenalty: 0, presencePenalty: 0, bias: new Map() },
    });
    const names = ["base", "first", "second", "base", "second", "first", "base"];
    const found = await Promise.all(names.map(async (name) => {
      const made = await Array.fromAsync(served.queue.submit(asked(name)).tokens);
      return made.map(({ id }) => id);
    }));
    assert.deepEqual(found, names.map((name) => alone.get(name)));
  }));

Deno.test("OpenAI's client lists models, and streams chats that say what whole answers say", () =>
  withServer(async (address) => {
    const create = "chat.completions.create";
    const streaming = { stream: true, stream_options: { include_usage: true } };
    const names = ["base", "first", "second"];
    const [models, ...found] = await byClient(
      address,
      { path: "models.list" },
      ...names.map((name) => ({ path: create, body: chat(name, "Hello!") })),
      ...names.map((name) => ({ path: create, body: { ...chat(name, "Hello!"), ...streaming } })),
    );
    assert.deepEqual(models.map(({ id }: { id: string }) => id), names);
    const [whole, streamed] = [found.slice(0, 3), found.slice(3)];
    for (const [i, { choices: [choice], usage, object }] of whole.entries()) {
      assert.equal(object, "chat.completion");
      let [text, end, used] = ["", null, 0];
      for (const { choices: [piece], usage } of streamed[i]) {
        text += piece?.delta.content ?? "";
        end ??= piece?.finish_reason ?? null;
        used += usage?.completion_tokens ?? 0;
      }
      const { message: { content }, finish_reason } = choice;
      assert.deepEqual([text, end, used], [content, finish_reason, usage.completion_tokens]);
    }
    assert.equal(new Set(whole.map(({ choices }) => choices[0].message.content)).size, 3);
  }));

Deno.test("stop texts, several choices, seeds, likelihoods and biases have their effect", () =>
  withServer(async (address) => {
    const ask = (more: Record<string, unknown>) =>
      post(address, "/v1/chat/completions", { ...chat("first", "Hello!"), ...more });
    const [plain] = (await ask({})).choices;
    const text = plain!.message.content!;
    assert.equal(plain!.finish_reason, "length");

    const stop = text.slice(4, 7);
    const [cut] = (await ask({ stop })).choices;
    assert.equal(cut!.message.content, text.slice(0, text.indexOf(stop)));
    assert.equal(cut!.finish_reason, "stop");

    const drawn = { n: 3, temperature: 1, seed: 7 };
    const texts = async (more: object) =>
      (await ask({ ...drawn, ...more })).choices.map((choice: Chosen) => choice.message.content);
    const first = await texts({});
    assert.equal(new Set(first).size, 3);
    assert.deepEqual(await texts({}), first, "the same seed");
    assert.notDeepEqual(await texts({ seed: 8 }), first);
    assert.deepEqual(await texts({ top_k: 1 }), [text, text, text]);
    assert.deepEqual(await texts({ min_p: 1 }), [text, text, text]);

    const [told] = (await ask({ logprobs: true, top_logprobs: 3 })).choices;
    const { content } = told!.logprobs!;
    assert.equal(content!.length, 12);
    for (const { logprob, top_logprobs: top } of content!) {
      assert.equal(top.length, 3);
      assert.equal(top[0]!.logprob, logprob, "the likeliest is taken");
      assert.ok(top[0]!.logprob >= top[1]!.logprob && top[1]!.logprob >= top[2]!.logprob);
      assert.ok(Math.exp(logprob) + Math.exp(top[1]!.logprob) <= 1);
    }

    const [again] = (await ask({ frequency_penalty: 2, presence_penalty: 2 })).choices;
    assert.notEqual(again!.message.content, text);
    const [forced] = (await ask({ logit_bias: { "40": 100 } })).choices;
    assert.equal(new Set(forced!.message.content).size, 1, forced!.message.content!);
  }));

Deno.test("texts are gone on with, several at a time and from ids", () =>
  withServer(async (address) => {
    const ask = (prompt: string | string[] | number[], more: object = {}) =>
      post(address, "/v1/completions", {
        ...{ model: "base", prompt, temperature: 0, max_tokens: 6 },
        ...more,
      });
    const { choices } = await ask(["Hello", "the sea"]);
    assert.deepEqual(choices.map(({ index }: { index: number }) => index), [0, 1]);
    const [alone] = (await ask("the sea")).choices;
    assert.equal(choices[1]!.text, alone!.text);
    const { choices: [told], usage } = await ask([5, 6, 7], { logprobs: 1 });
    assert.equal(told!.logprobs!.tokens!.length, 6);
    assert.deepEqual(usage, { prompt_tokens: 3, completion_tokens: 6, total_tokens: 9 });
  }));

Deno.test("what a request cannot have is refused with its name", () =>
  withServer(async (address) => {
    const refused = async (path: string, body: unknown, status: number, words: RegExp) => {
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const response = await fetch(`${address}${path}`, { method: "POST", body: text });
      const { error } = await response.json();
      assert.equal(response.status, status, error.message);
      assert.match(error.message, words);
    };
    const chats = (more: object, words: RegExp, status = 400) =>
      refused("/v1/chat/completions", { ...chat("base", "a"), ...more }, status, words);
    await chats({ model: "gpt" }, /model: found "gpt", wanted base or first or second/, 404);
    await chats({ messages: [] }, /messages/);
    await chats({ messages: [{ role: "assistant", content: "a" }] }, /nobody's turn but/);
    await chats({ messages: [{ role: "user", content: 5 }] }, /content/);
    await chats({ temperature: 3 }, /temperature/);
    await chats({ max_tokens: 0 }, /max_tokens/);
    await chats({ tools: [{ type: "function" }] }, /tools: is not served/);
    await chats({ response_format: { type: "json_object" } }, /response_format: is not served/);
    await chats({ tempature: 1 }, /tempature: is not served/);
    await chats({ top_logprobs: 2 }, /top_logprobs: found without logprobs/);
    await chats({ messages: [{ role: "user", content: "word ".repeat(400) }] }, /256/);
    await refused("/v1/chat/completions", "{", 400, /no JSON/);
    await refused("/v1/completions", { model: "base", prompt: [999999] }, 400, /token id 999999/);
    await refused("/v1/completions", { model: "base", prompt: "a", suffix: "b" }, 400, /suffix/);
    await refused("/v1/embeddings", {}, 404, /found no \/v1\/embeddings/);
    const wrongMethod = await fetch(`${address}/v1/models`, { method: "POST", body: "{}" });
    assert.equal(wrongMethod.status, 405);
    await wrongMethod.body?.cancel();
  }));
