/** A model as programs use it. */
import assert from "node:assert/strict";
import { type LanguageModel, loadModel } from "../../mod.ts";
import { engine } from "../harness.ts";
import { SMOLLM2, withTinyChat } from "../inference/tiny_chat.ts";
import { withTiny } from "../models/tiny.ts";

const write = async (model: LanguageModel, prompt: string, maxTokens: number) =>
  (await Array.fromAsync(model.write(prompt, { maxTokens, stop: [] }))).join("");

Deno.test("a model writes again and again, also where the second text is longer", () =>
  withTiny({}, async (folder) => {
    const { device } = await engine();
    const before = device.allocated;
    using model = await loadModel(folder, { device });
    const short = await write(model, "once", 5);
    const weights = device.allocated - before;
    const long = await write(model, "once upon a time", 40);
    assert.equal(long.length > short.length, true);
    assert.equal(await write(model, "once", 5), short);
    assert.equal(device.allocated - before, weights, "nothing is left of a text");
  }));

Deno.test("a model answers a chat, two texts at a time, each as it does alone", () =>
  withTinyChat(SMOLLM2, async (folder) => {
    const { device } = await engine();
    using model = await loadModel(folder, { device });
    const turns = [{ role: "user", content: "Hello!" }] as const;
    const chat = () => model.chat(turns, { maxTokens: 20 });
    const alone = (await Array.fromAsync(chat())).join("");
    const longer = await write(model, "Hello, you", 40);
    const [first, second] = await Promise.all([
      Array.fromAsync(chat()),
      write(model, "Hello, you", 40),
    ]);
    assert.deepEqual([first.join(""), second], [alone, longer]);
    const stopStrings = [alone.slice(3, 5)];
    const cut = await Array.fromAsync(model.chat(turns, { maxTokens: 20, stopStrings }));
    assert.equal(cut.join(""), alone.slice(0, alone.indexOf(stopStrings[0]!)));
    await assert.rejects(Array.fromAsync(model.chat([])), /a chat without a turn/);
  }));

Deno.test("a model that was disposed of, and a negative count of tokens, are refused by type", () =>
  withTiny({}, async (folder) => {
    const { device } = await engine();
    const model = await loadModel(folder, { device });
    await assert.rejects(write(model, "once", -1), RangeError);
    await assert.rejects(write(model, "once", NaN), /Found NaN maxTokens, wanted 0 or more/);
    model[Symbol.dispose]();
    model[Symbol.dispose]();
    await assert.rejects(write(model, "once", 5), TypeError);
    await assert.rejects(model.perplexity(["once"]), /a model that has been disposed of/);
  }));
