import assert from "node:assert/strict";
import { endPanel } from "../../src/cli/lib/end_panel.ts";
import type { Config } from "../../src/config/mod.ts";
import { ChatTemplate, type DataEntry } from "../../src/data/mod.ts";
import type { RunResult } from "../../src/train/options.ts";

const OWN = new ChatTemplate("of the model", "{{ messages[0].content }}");

Deno.test("what to type next asks in the words of the training, and chats only where chat can", () => {
  const out = Deno.makeTempDirSync({ prefix: "graft_test_" });
  try {
    Deno.writeTextFileSync(`${out}/adapter_config.json`, "{}");
    Deno.writeTextFileSync(`${out}/own.jinja`, "{{ messages[0].content }}");
    const ask = (entry: Partial<DataEntry>, template: ChatTemplate | null = null): string => {
      const config = { model: "base", out, data: [{ path: "rows.jsonl", ...entry }] };
      const result = { saved: out, out, measured: {}, reports: {} };
      const facts = { template, bosToken: "", eosToken: "", specialTokens: [] };
      const lines = endPanel(result as unknown as RunResult, config as unknown as Config, facts);
      return lines.find((line) => line.startsWith("next"))!
        .replace(/^next +deno task /, "").replace(` base --adapter ${out}`, "");
    };
    assert.equal(ask({}, OWN), "chat");
    assert.equal(ask({ template: "model" }, OWN), "chat");
    assert.equal(ask({ template: "plain" }, OWN), ask({ template: "plain" }));
    assert.equal(ask({}), 'generate --instruction "..."');
    assert.equal(ask({ template: "plain" }), 'generate --template plain --instruction "..."');
    assert.equal(ask({ template: ["plain", "alpaca"] }), ask({ template: "plain" }));
    assert.equal(ask({ template: "chatml" }), "chat --template chatml");
    const own = `${out}/own.jinja`;
    assert.equal(ask({ template: { file: own } }), `chat --template ${own}`);
    const written = { prompt: "Q: {instruction}", promptInput: "Q: {instruction} {input}" };
    assert.equal(ask({ template: written }), 'generate --prompt "..."');
    assert.equal(ask({ format: "text" }), 'generate --prompt "..."');
  } finally {
    Deno.removeSync(out, { recursive: true });
  }
});
