/** The day that chat templates are told: a setting, which a run keeps where it is not set. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { parseConfig, savedConfig } from "../../src/config/mod.ts";
import { dayOf, loadExamples, promptOf, today } from "../../src/data/mod.ts";
import { ConfigError } from "../../src/errors.ts";
import { writeJson } from "../../src/io/files.ts";
import { resolveModel } from "../../src/train/resolve_model.ts";
import { toyChatEncoder, withFiles } from "../data/toy.ts";

const TEMPLATE =
  "{{ strftime_now('%d %B %Y') }}{% for m in messages %}{{ m.content }}</s>{% endfor %}";
const encoder = {
  ...toyChatEncoder,
  chat: { template: null, bosToken: "<s>", eosToken: "</s>", specialTokens: [] },
};
const ROW = { messages: [{ role: "user", content: "a" }, { role: "assistant", content: "b" }] };

Deno.test("a run keeps the day on which it began, unless one is set", () =>
  withFiles({ "rows.jsonl": JSON.stringify(ROW), "model/config.json": "{}" }, async (folder) => {
    const out = join(folder, "run");
    const dates = async (flags: Record<string, string> = {}, resume = false) => {
      const model = join(folder, "model");
      const rows = join(folder, "rows.jsonl");
      const all = { model, data: rows, "eval.data": rows, out, ...flags };
      const { parsed } = await resolveModel(parseConfig({ flags: all }), { resume });
      const { data, eval: { data: tested } } = parsed.config;
      return { parsed, days: [...data, ...tested].map(({ date }) => date) };
    };
    const { parsed, days } = await dates();
    assert.deepEqual(days, [today(), today()]);
    const [before, named] = ["2026-01-02", "2026-03-04"];
    const { data, eval: tested } = parsed.config;
    const saved = {
      ...savedConfig(parsed),
      data: data.map((entry) => ({ ...entry, date: before })),
      eval: { ...tested, data: tested.data.map((entry) => ({ ...entry, date: before })) },
    };
    Deno.mkdirSync(out);
    writeJson(join(out, "config.json"), saved);
    assert.deepEqual((await dates({}, true)).days, [before, before]);
    assert.deepEqual((await dates({ "data.date": named }, true)).days, [named, before]);
    // A run of before there were days goes on without one.
    writeJson(join(out, "config.json"), { ...saved, data: [{ path: "rows.jsonl" }], eval: {} });
    assert.deepEqual((await dates({}, true)).days, [undefined, undefined]);
    const wrong = { model: "a", data: "b", "data.date": "2026-02-30" };
    assert.throws(() => parseConfig({ flags: wrong }), ConfigError);
  }));

Deno.test("strftime_now tells the day of the setting, and today without one", () =>
  withFiles({ "rows.jsonl": JSON.stringify(ROW), "t.jinja": TEMPLATE }, async (folder) => {
    const textOf = async (date?: string) => {
      const template = { file: join(folder, "t.jinja") };
      const entry = { path: join(folder, "rows.jsonl"), template, ...(date && { date }) };
      const { examples } = await loadExamples(entry, toyChatEncoder, { maxTokens: 99 });
      const bytes = [...examples.at(0)!.ids].filter((id) => id < 256);
      return new TextDecoder().decode(Uint8Array.from(bytes));
    };
    assert.equal(await textOf("2026-02-03"), "03 February 2026ab");
    assert.match(await textOf(), new RegExp(`^\\d\\d \\w+ ${today().slice(0, 4)}ab$`));
  }));

Deno.test("a prompt tells the day that is asked for", () =>
  withFiles({ "t.jinja": TEMPLATE }, (folder) => {
    const template = { file: join(folder, "t.jinja") };
    const request = { kind: "chat", turns: [{ role: "user", content: "a" }] } as const;
    const asked = (date: string) => promptOf(request, encoder, { template, date }).text;
    assert.equal(asked(dayOf("2026-02-03")), "03 February 2026a</s>");
    assert.throws(() => dayOf("2026-2-3"), /Found date "2026-2-3", wanted a day such as/);
    return Promise.resolve();
  }));
