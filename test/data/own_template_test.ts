/** The template around instructions where none is named: the model's own, or alpaca. */
import assert from "node:assert/strict";
import { type DataEntry, loadExamples, rowTokenizer } from "../../src/data/mod.ts";
import { Model } from "../../src/models/model.ts";
import { withTiny } from "../models/tiny.ts";

Deno.test("a model's own chat template goes around instructions, alpaca where it has none", () =>
  withTiny({}, async (folder) => {
    const path = `${folder}/rows.jsonl`;
    Deno.writeTextFileSync(path, JSON.stringify({ instruction: "a b", input: "", output: "c" }));
    const read = async (entry: Partial<DataEntry> = {}) => {
      using model = new Model(folder);
      const options = { maxTokens: 200, allow: ["unknown-token", "no-end"] as const };
      const { examples } = await loadExamples({ path, ...entry }, rowTokenizer(model), options);
      return [...examples[0]!.ids];
    };
    const [alpaca, asAlpaca] = [await read(), await read({ template: "alpaca" })];
    assert.deepEqual(alpaca, asAlpaca);
    const config = `${folder}/tokenizer_config.json`;
    const settings = JSON.parse(Deno.readTextFileSync(config));
    const template = "{% for m in messages %}{{ m.role[0] }} {{ m.content }}\n{% endfor %}";
    Deno.writeTextFileSync(config, JSON.stringify({ ...settings, chat_template: template }));
    const [own, asModel] = [await read(), await read({ template: "model" })];
    assert.deepEqual(own, asModel);
    assert.notDeepEqual(own, alpaca);
    assert.deepEqual(await read({ template: "alpaca" }), alpaca);
  }));
