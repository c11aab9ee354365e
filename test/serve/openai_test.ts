/** The server as OpenAI's own client sees it. */
import assert from "node:assert/strict";
import OpenAI from "openai";
import { promptOf, rowTokenizer } from "../../src/data/mod.ts";
import { Generator } from "../../src/inference/generator.ts";
import { openModel } from "../../src/inference/open.ts";
import { stopIds } from "../../src/inference/stop.ts";
import { engine } from "../harness.ts";
import { adaptersOf, withServed, withServer } from "./served_tiny.ts";

const clientOf = (address: string, apiKey = "none") =>
  new OpenAI({ baseURL: `${address}/v1`, apiKey, maxRetries: 0 });

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
    const client = clientOf(address);
    const names = (await Array.fromAsync(client.models.list())).map(({ id }) => id);
    assert.deepEqual(names, ["base", "first", "second"]);
    const whole = await Promise.all(
      names.map((name) => client.chat.completions.create(chat(name, "Hello!"))),
    );
    const streamed = await Promise.all(names.map(async (name) => {
      const stream = await client.chat.completions.create({
        ...chat(name, "Hello!"),
        ...{ stream: true, stream_options: { include_usage: true } },
      });
      let [text, end, usage] = ["", null as string | null, 0];
      for await (const { choices: [choice], usage: used } of stream) {
        text += choice?.delta.content ?? "";
        end ??= choice?.finish_reason ?? null;
        usage += used?.completion_tokens ?? 0;
      }
      return { text, end, usage };
    }));
    for (const [i, { choices: [choice], usage, object }] of whole.entries()) {
      assert.equal(object, "chat.completion");
      assert.deepEqual(streamed[i], {
        text: choice!.message.content,
        end: choice!.finish_reason,
        usage: usage!.completion_tokens,
      });
    }
    assert.equal(new Set(whole.map(({ choices }) => choices[0]!.message.content)).size, 3);
  }));

Deno.test("stop texts, several choices, seeds, likelihoods and biases have their effect", () =>
  withServer(async (address) => {
    const client = clientOf(address);
    const ask = (more: Record<string, unknown>) =>
      client.chat.completions.create({ ...chat("first", "Hello!"), ...more });
    const [plain] = (await ask({})).choices;
    const text = plain!.message.content!;
    assert.equal(plain!.finish_reason, "length");

    const stop = text.slice(4, 7);
    const [cut] = (await ask({ stop })).choices;
    assert.equal(cut!.message.content, text.slice(0, text.indexOf(stop)));
    assert.equal(cut!.finish_reason, "stop");

    const drawn = { n: 3, temperature: 1, seed: 7 };
    const texts = async (more: object) =>
      (await ask({ ...drawn, ...more })).choices.map(({ message }) => message.content);
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
    const client = clientOf(address);
    const ask = (prompt: string | string[] | number[], more: object = {}) =>
      client.completions.create({ model: "base", prompt, temperature: 0, max_tokens: 6, ...more });
    const { choices } = await ask(["Hello", "the sea"]);
    assert.deepEqual(choices.map(({ index }) => index), [0, 1]);
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
