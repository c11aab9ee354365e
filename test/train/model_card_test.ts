import assert from "node:assert/strict";
import { join } from "node:path";
import { modelCard } from "../../src/runs/model_card.ts";
import { folderOf, withFolder } from "../io/helpers.ts";

const CONFIG = {
  model: "/home/me/models/base",
  data: [
    { path: "/home/me/secret/rows.jsonl", format: "alpaca", template: "plain" },
    { path: "/home/me/a`b.csv", template: { prompt: "{instruction}", promptInput: "" } },
    { path: "/home/me/chats.jsonl" },
  ],
  adapter: { rank: 8, alpha: 16, targets: ["q_proj", "v_proj"] },
  objective: { kind: "dpo", beta: 0.1, loss: "ipo" },
  train: { lr: 2e-4, schedule: "cosine", tokens_per_batch: 4096, seed: 42 },
  guard: { text: ["/home/me/stories.txt"] },
  out: "/home/me/runs/mine",
  $origin: {},
};

const SUBJECT = { repo: "me/mine", hasEncoder: false, base: "org/base" };

Deno.test("modelCard() tells figures, settings and names of data, and no folder", () =>
  withFolder((parent) => {
    const run = folderOf(parent, "run", { "config.json": CONFIG });
    const lines = [{ step: 0, loss: 2.5 }, { step: 99, loss: 1.25 }];
    Deno.writeTextFileSync(
      join(run, "metrics.jsonl"),
      lines.map((line) => `${JSON.stringify(line)}\n`).join(""),
    );
    const card = modelCard({ ...SUBJECT, kind: "adapter", run });
    for (
      const line of [
        'base_model: "org/base"',
        '- "base_model:adapter:org/base"',
        "# mine",
        "| updates | 100 |",
        "| loss | 2.5000 -> 1.2500 |",
        "| objective | dpo, beta 0.1, loss ipo |",
        "| rank, alpha | 8, 16 |",
        "| target modules | q_proj, v_proj |",
        "| learning rate | 0.0002, cosine |",
        "- `rows.jsonl` (format alpaca, template plain)",
        "- `a'b.csv` (template written out)",
        "- `chats.jsonl`",
        "- `stories.txt`, which was not to be forgotten",
        'model = PeftModel.from_pretrained(model, "me/mine")',
        'deno task generate org/base --adapter me/mine --instruction "..."',
      ]
    ) assert.ok(card.split("\n").includes(line), `${line} is not in:\n${card}`);
    assert.ok(!card.includes("/home"), card);
    assert.ok(!card.includes("undefined") && !card.includes("NaN"), card);
  }));

Deno.test("modelCard() of a merged model loads it alone", () => {
  const card = modelCard({ ...SUBJECT, kind: "model" });
  assert.match(card, /library_name: transformers/);
  assert.ok(card.includes('AutoModelForCausalLM.from_pretrained("me/mine")'));
  assert.ok(!card.includes("peft") && !card.includes("## Figures"));
});

Deno.test("modelCard() loads an encoder with its decoder by their own class", () => {
  const card = modelCard({ ...SUBJECT, kind: "adapter", hasEncoder: true });
  assert.match(card, /^pipeline_tag: text2text-generation$/m);
  assert.match(card, /model = AutoModelForSeq2SeqLM\.from_pretrained\("org\/base"\)/);
  assert.doesNotMatch(card, /CausalLM/);
});
