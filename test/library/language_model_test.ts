/** A model as programs use it. */
import assert from "node:assert/strict";
import { type LanguageModel, loadModel } from "../../mod.ts";
import { engine } from "../harness.ts";
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
