import assert from "node:assert/strict";
import { stopAt, streamText } from "../../src/inference/text.ts";

/** A tokenizer whose ids are bytes, and which drops the first space, as many do. */
const bytes = {
  decode: (ids: readonly number[]) =>
    new TextDecoder().decode(Uint8Array.from(ids)).replace(/^ /, ""),
};

async function* each(ids: Iterable<number>): AsyncGenerator<number> {
  for (const id of ids) yield await Promise.resolve(id);
}

function stream(prompt: string, text: string | number[]): Promise<string[]> {
  const encode = (text: string) => [...new TextEncoder().encode(text)];
  const ids = typeof text === "string" ? encode(text) : text;
  return Array.fromAsync(streamText(bytes, encode(prompt), each(ids)));
}

Deno.test("text comes token by token, with the space after the prompt", async () => {
  assert.deepEqual(await stream("Once", " up on"), [..." up on"]);
  assert.deepEqual(await stream("", " up"), [..."up"]);
});

Deno.test("a character spread over tokens comes when it is whole", async () => {
  assert.deepEqual(await stream("a", "ï日🙂."), ["ï", "日", "🙂", "."]);
});

Deno.test("bytes that never become a character come at the end, or with what follows", async () => {
  assert.deepEqual(await stream("a", [0x62, 0xf0, 0x9f]), ["b", "\ufffd"]);
  assert.deepEqual(await stream("a", [0xf0, 0x62]), ["\ufffdb"]);
  assert.deepEqual(await stream("a", []), []);
});

Deno.test("a text that ends it is not shown, nor what might have begun it before it is clear", async () => {
  const ids = each(new TextEncoder().encode("one END two STOP three"));
  const found = await Array.fromAsync(streamText(bytes, [], ids, ["EN.", "STOP"]));
  assert.equal(found.join(""), "one END two ");
  assert.ok(found.includes("END"), `${found}`);
  const open = await Array.fromAsync(streamText(bytes, [], each([0x53, 0x54]), ["STOP"]));
  assert.deepEqual(open, ["ST"]);
  assert.equal(stopAt("a b c", ["c", "b"]), 2);
  assert.equal(stopAt("a b c", []), -1);
});
