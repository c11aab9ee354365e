/** Requests that come and go while others are answered. */
import assert from "node:assert/strict";
import { type QueuedRequest, QueueFull } from "../../src/inference/queue.ts";
import type { Served } from "../../src/serve/served.ts";
import { withServed, withServer } from "./served_tiny.ts";

const asked = (prompt: readonly number[], more: Partial<QueuedRequest> = {}) => ({
  ...{ name: "base", prompt, maxTokens: 8, stop: [], seed: 3, choice: 0, likeliest: null },
  ...{ temperature: 0, topK: 0, topP: 1, minP: 0 },
  ...{ frequencyPenalty: 0, presencePenalty: 0, bias: new Map<number, number>(), ...more },
});

async function idsOf(served: Served, prompt: readonly number[], more: Partial<QueuedRequest> = {}) {
  const { tokens } = served.queue.submit(asked(prompt, more));
  return (await Array.fromAsync(tokens)).map(({ id }) => id);
}

/** Counts the rows that replays read. */
function countRows(served: Served): () => number {
  let rows = 0;
  for (const decoder of new Set(served["decoders"].values())) {
    const step = decoder.step.bind(decoder);
    decoder.step = async (active) => {
      const before = active.values().reduce((sum, { cached }) => sum + cached, 0);
      const found = await step(active);
      rows += active.values().reduce((sum, { cached }) => sum + cached, 0) - before;
      return found;
    };
  }
  return () => rows;
}

Deno.test("more requests than slots are all answered, each as alone", () =>
  withServed(async (served) => {
    const prompts = Array.from({ length: 9 }, (_, i) => [5 + i, 9, 40, 7 + i]);
    const alone: number[][] = [];
    for (const prompt of prompts) alone.push(await idsOf(served, prompt));
    const together = await Promise.all(prompts.map((prompt) => idsOf(served, prompt)));
    assert.deepEqual(together, alone);
    assert.equal(served.queue.active, 0);
    assert.equal(served.queue.waiting, 0);
  }, { slots: 2 }));

Deno.test("what a slot holds of a prompt's beginning is not read again, nor another model's used", () =>
  withServed(async (served) => {
    const prompt = Array.from({ length: 40 }, (_, i) => 3 + (i * 7) % 50);
    const fresh = await idsOf(served, prompt);
    const rows = countRows(served);
    assert.deepEqual(await idsOf(served, prompt), fresh);
    assert.equal(rows(), 1 + 7, "the last token of the prompt, then those that were made");
    const longer = [...prompt, ...fresh, 8];
    const found = await idsOf(served, longer, { maxTokens: 4 });
    assert.equal(rows(), 8 + 2 + 3, "the last token made was never read");
    const other = await idsOf(served, longer, { name: "first", maxTokens: 4 });
    assert.equal(rows(), 8 + 5 + longer.length + 3, "of another model, all");
    assert.deepEqual(await idsOf(served, longer, { maxTokens: 4 }), found);
    assert.deepEqual(await idsOf(served, longer, { name: "first", maxTokens: 4 }), other);
  }, { slots: 1 }));

Deno.test("a beginning that requests have in common is read once, beside each other too", () =>
  withServed(async (served) => {
    const common = Array.from({ length: 40 }, (_, i) => 3 + (i * 7) % 50);
    const prompts = [5, 6, 7].map((id) => [...common, id, id + 9]);
    const rows = countRows(served);
    const together = await Promise.all(prompts.map((prompt) => idsOf(served, prompt)));
    assert.equal(rows(), 40 + 3 * (2 + 7));
    for (const [i, prompt] of prompts.entries()) {
      assert.deepEqual(await idsOf(served, prompt), together[i]);
    }
  }, { slots: 3 }));

Deno.test("who leaves makes room, and a full queue refuses", () =>
  withServed(async (served) => {
    const first = served.queue.submit(asked([5, 6], { maxTokens: 200 }));
    const second = served.queue.submit(asked([7, 8], { maxTokens: 3 }));
    assert.throws(() => served.queue.submit(asked([9])), QueueFull);
    await first.tokens.next();
    first.abandon();
    assert.equal((await Array.fromAsync(second.tokens)).length, 3);
    assert.equal(served.queue.active, 0);
    assert.throws(() => served.queue.submit(asked([])), RangeError);
    const none = served.queue.submit(asked([9], { maxTokens: 0 }));
    assert.deepEqual(await none.tokens.next(), { value: "length", done: true });
  }, { slots: 1, waiting: 1 }));

Deno.test("scores that are no numbers end their own request alone", () =>
  withServed(async (served) => {
    const bias = new Map([[5, NaN]]);
    const bad = Array.from(
      { length: served["decoders"].size },
      () =>
        idsOf(served, [5, 6], { bias: new Map(Array.from({ length: 999 }, (_, i) => [i, NaN])) }),
    );
    const good = idsOf(served, [5, 6]);
    for (const result of bad) await assert.rejects(result, /no finite score/);
    assert.equal((await good).length, 8);
    assert.equal((await idsOf(served, [5, 6], { bias })).length, 8);
  }));

Deno.test("a client that leaves in the middle of a stream frees its slot", () =>
  withServer(async (address, served) => {
    const body = JSON.stringify({
      ...{ model: "base", prompt: [5, 6, 7], max_tokens: 200, stream: true, temperature: 0 },
    });
    const leaving = new AbortController();
    const response = await fetch(`${address}/v1/completions`, {
      ...{ method: "POST", body, signal: leaving.signal },
    });
    await response.body!.getReader().read();
    leaving.abort();
    const next = await fetch(`${address}/v1/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "base", prompt: [5, 6, 7], max_tokens: 2, temperature: 0 }),
    });
    assert.equal((await next.json()).usage.completion_tokens, 2);
    assert.equal(served.queue.active, 0, "long before its 200 tokens");
  }, { slots: 1 }));

Deno.test("200 requests at once: all are answered or told to come again", () =>
  withServer(async (address) => {
    const body = JSON.stringify({ model: "first", prompt: [5, 6], max_tokens: 2, temperature: 0 });
    const statuses = await Promise.all(Array.from({ length: 200 }, async () => {
      const response = await fetch(`${address}/v1/completions`, { method: "POST", body });
      await response.body?.cancel();
      return response.status;
    }));
    assert.deepEqual([...new Set(statuses)].sort(), [200, 503]);
    assert.ok(statuses.filter((status) => status === 200).length >= 20);
  }, { waiting: 20 }));
