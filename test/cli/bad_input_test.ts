/** Whatever is wrong with its input, `train` says one sentence, exits with 1 or 2 and writes nothing. */
import assert from "node:assert/strict";
import { main } from "../../src/cli/commands.ts";
import { writeJson } from "../../src/io/files.ts";
import { parseConfig, savedConfig } from "../../src/config/mod.ts";
import { snapshot, Toy, type ToySettings } from "../train/toy.ts";
import { type BadInput, MODEL, reconfigure, weights } from "./bad_models.ts";
import { capture } from "./capture.ts";

/** Writes rows of the test's own and trains on them. */
function rows(toy: Toy, ...lines: unknown[]): ToySettings {
  const path = toy.path("bad.jsonl");
  const text = lines.map((line) => typeof line === "string" ? line : JSON.stringify(line));
  Deno.writeTextFileSync(path, text.join("\n"));
  return { data: [{ path }] };
}

const GOOD = { input_ids: [1, 5, 6], labels: [-100, 5, 6] };

const CONFIG: BadInput[] = [
  {
    name: "an unknown key of the config",
    settings: { train: { warmpu: 3 } },
    code: 2,
    says: "FOLDER/run.json: train.warmpu: unknown key, the nearest is train.warmup",
  },
  {
    name: "an unknown key on the command line",
    flags: ["--train.lrr", "1"],
    code: 2,
    says: /train\.lrr.*train\.lr/,
  },
  {
    name: "a value of the wrong kind",
    flags: ["--train.lr", "fast"],
    code: 2,
    says: '--train.lr: found "fast", wanted a number above 0',
  },
  {
    name: "a rank of zero",
    settings: { adapter: { rank: 0 } },
    code: 2,
    says: "FOLDER/run.json: adapter.rank: found 0, wanted a whole number of at least 1",
  },
  {
    name: "a rank above the module's size",
    settings: { adapter: { rank: 20 } },
    code: 2,
    says: "adapter.rank is 20, but model.layers.0.self_attn.k_proj is only [16, 32]",
  },
  {
    name: "a target that the model lacks",
    settings: { adapter: { targets: ["q_proj", "query"] } },
    code: 2,
    says: 'adapter.targets has "query", the model has q_proj, k_proj, v_proj, o_proj, gate_proj, ' +
      "up_proj, down_proj, lm_head, embed_tokens",
  },
  {
    name: "a config that is no JSON",
    damage: (toy) => Deno.writeTextFileSync(toy.path("run.json"), "{,"),
    code: 2,
    says: /^Cannot read FOLDER\/run\.json: not valid JSON \(/,
  },
];

const DATA: BadInput[] = [
  {
    name: "data that is not there",
    settings: { data: [{ path: "nothing.jsonl" }] },
    code: 1,
    says: /nothing\.jsonl: cannot be read \(no such file\)$/,
  },
  {
    name: "a row that is no JSON",
    damage: (toy) => rows(toy, GOOD, "{,"),
    code: 1,
    says: /^FOLDER\/bad\.jsonl:2: found malformed JSON/,
  },
  {
    name: "a row without a supervised token",
    damage: (toy) => rows(toy, GOOD, { input_ids: [1, 5], labels: [-100, -100] }),
    code: 1,
    says: "FOLDER/bad.jsonl:2: found no supervised token, wanted at least one, " +
      'or "unsupervised" in train.allow',
  },
  {
    name: "a row that begins with BOS twice",
    damage: (toy) => rows(toy, GOOD, { input_ids: [1, 1, 5], labels: [-100, -100, 5] }),
    code: 1,
    says: "FOLDER/bad.jsonl:2: found BOS twice at the beginning, as when template and tokenizer " +
      "both write it, wanted it once (data.special_tokens reads one that is written out in a " +
      'row), or "double-bos" in train.allow',
  },
  {
    name: "a fault that is not known",
    settings: { train: { allow: ["double-boss"] } },
    code: 2,
    says:
      'FOLDER/run.json: train.allow.0: found "double-boss", wanted unsupervised, double-bos, double-eos, unknown-token, no-end or all-supervised',
  },
  {
    name: "a token beyond the vocabulary",
    damage: (toy) => rows(toy, { input_ids: [1, 61], labels: [-100, 61] }),
    code: 1,
    says:
      "FOLDER/bad.jsonl:1: found token id 61 at position 1, wanted ids below the vocabulary of 61",
  },
  {
    name: "a row longer than the micro-batch",
    settings: { train: { micro_batch_tokens: 16, on_too_long: "error" } },
    code: 1,
    says: "FOLDER/rows.jsonl:4: found 18 tokens, wanted at most 16",
  },
  {
    name: "a row longer than the model's context",
    settings: { train: { on_too_long: "error" } },
    damage: (toy) => reconfigure(toy, { max_position_embeddings: 20 }),
    code: 1,
    says: "FOLDER/rows.jsonl:5: found 21 tokens, wanted at most 20",
  },
  {
    name: "rows that are all too long",
    settings: { train: { micro_batch_tokens: 8 } },
    code: 1,
    says: "FOLDER/rows.jsonl: found 12 documents, all left out, wanted one that fits 8 tokens",
  },
  {
    name: "retention text that is not there",
    settings: { guard: { text: ["nothing.txt"] } },
    code: 1,
    says: /nothing\.txt: cannot be read \(no such file\)$/,
  },
  {
    name: "evaluation data that is not there",
    settings: { eval: { data: [{ path: "nothing.jsonl" }] } },
    code: 1,
    says: /nothing\.jsonl: cannot be read \(no such file\)$/,
  },
  {
    name: "an adapter to start from that is not there",
    settings: { adapter: { from: "nowhere" } },
    code: 1,
    says: /^Cannot read .*nowhere\/adapter_config\.json: no such file or directory$/,
  },
];

const FOLDERS: BadInput[] = [
  {
    name: "an output folder that holds another run",
    damage: (toy) => holdRun(toy),
    code: 1,
    says: "FOLDER/run holds another run; add --resume to go on with it, or choose another --out",
  },
  {
    name: "an output folder that holds other files",
    damage: (toy) => {
      Deno.mkdirSync(toy.path("run"));
      Deno.writeTextFileSync(toy.path("run", "thesis.txt"), "years of work");
    },
    code: 1,
    says: 'Cannot write FOLDER/run: found "thesis.txt" in it, wanted a new or empty folder',
  },
  {
    name: "an output folder that is a file",
    damage: (toy) => Deno.writeTextFileSync(toy.path("run"), "a file"),
    code: 1,
    says: /^Cannot \S+ (at )?FOLDER\/run/,
  },
  {
    name: "no run to resume",
    flags: ["--resume"],
    code: 1,
    says: "FOLDER/run holds no run to resume",
  },
  {
    name: "a run to resume that has another config",
    flags: ["--resume", "--train.lr", "0.5"],
    damage: (toy) => holdRun(toy),
    code: 2,
    says: "Cannot resume: train.lr is 0.5, wanted 0.01 as in FOLDER/run/config.json",
  },
  {
    name: "a run to resume with half a checkpoint",
    flags: ["--resume"],
    damage: (toy) => {
      holdRun(toy);
      Deno.mkdirSync(toy.path("run", "checkpoints"));
      const half = toy.path("run", "checkpoints", "step-00000003.safetensors");
      Deno.writeFileSync(half, Deno.readFileSync(weights(toy)).subarray(0, 900));
    },
    code: 1,
    says: /^Cannot read FOLDER\/run\/checkpoints\/step-00000003\.safetensors: /,
  },
];

/** What a run leaves that was killed at once. */
function holdRun(toy: Toy): void {
  Deno.mkdirSync(toy.path("run"));
  writeJson(
    toy.path("run", "config.json"),
    savedConfig(parseConfig({ values: toy.values("run") })),
  );
  Deno.writeTextFileSync(toy.path("run", "metrics.jsonl"), '{"step":0}\n');
}

async function check({ settings = {}, flags = [], damage, code, says }: BadInput): Promise<void> {
  using toy = new Toy();
  const config = toy.path("run.json");
  writeJson(config, toy.values("run", settings));
  const more = damage?.(toy);
  if (more) writeJson(config, toy.values("run", { ...settings, ...more }));
  const before = snapshot(toy.folder);
  const found = await capture(main, "train", config, ...flags);
  assert.deepEqual(snapshot(toy.folder), before, "something was written");
  assert.equal(found.stdout, "");
  const lines = found.stderr.trimEnd().replaceAll(toy.folder, "FOLDER").split("\n");
  assert.equal(lines.findIndex((line) => line.startsWith("error: ")), lines.length - 1, `${lines}`);
  const sentence = lines.at(-1)!.replace("error: ", "");
  if (typeof says === "string") assert.equal(sentence, says);
  else assert.match(sentence, says);
  assert.doesNotMatch(sentence, /\.$/);
  assert.equal(found.code, code);
}

for (const [what, cases] of Object.entries({ CONFIG, MODEL, DATA, FOLDERS })) {
  Deno.test(`train refuses bad input: ${what.toLowerCase()}`, async (t) => {
    for (const bad of cases) await t.step(bad.name, () => check(bad));
  });
}
