/**
 * Trains an adapter for every golden checkpoint, and one as each golden adapter is, merges it, and
 * leaves folders and logits for check_round_trip.py, which opens them with PEFT and transformers:
 *
 *     deno run -A test/golden/round_trip.ts OUT [NAME ...] && \
 *       python test/golden/check_round_trip.py OUT
 */
import { join } from "node:path";
import { nameOfMethod } from "../../src/adapters/methods/mod.ts";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { Generator } from "../../src/inference/generator.ts";
import { Model } from "../../src/models/model.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { train } from "../../src/train/run.ts";
import { engine } from "../harness.ts";
import { freshEngine } from "../models/tiny.ts";
import {
  type Golden,
  packedLogits,
  readAdapterGolden,
  readGolden,
  T,
  writeGolden,
} from "./golden.ts";

type Json = Readonly<Record<string, unknown>>;

const [out, ...wanted] = Deno.args;
if (!out) throw new TypeError("Wanted a folder to write to");
for (const name of namesIn("./")) await roundTrip(name, readGolden(name), { rank: 4, alpha: 8 });
for (const init of ["pissa", "eva", "corda_ipm"].filter(isWanted)) {
  await roundTrip(init, readGolden("llama"), { rank: 4, alpha: 8, init });
}
for (const name of namesIn("./peft/").filter(isAdapter)) {
  const golden = readAdapterGolden(name);
  await roundTrip(name, golden, settingsOf(golden.adapter));
}
Deno.exit(0); // the device would keep the process

function namesIn(folder: string): string[] {
  const files = [...Deno.readDirSync(new URL(folder, import.meta.url))].map(({ name }) => name);
  return files.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -5))
    .filter(isWanted).sort();
}

function isWanted(name: string): boolean {
  return wanted.length === 0 || wanted.includes(name);
}

/** Whether it is of one adapter that changes modules, not of several or of something else. */
function isAdapter(name: string): boolean {
  const path = new URL(`./peft/${name}.json`, import.meta.url);
  const { adapter } = JSON.parse(Deno.readTextFileSync(path));
  return adapter?.target_modules !== undefined;
}

/** A golden adapter's settings by the keys of the config table. */
function settingsOf(adapter: Json): Json {
  const { target_modules: targets, rank_pattern, use_rslora: rslora, bias } = adapter;
  const { modules_to_save, trainable_token_indices: tokens, feedforward_modules } = adapter;
  const method = nameOfMethod(adapter);
  const shared = { method, targets, modules_to_save: modules_to_save ?? [] };
  if (method === "ia3") return { ...shared, feedforward_modules };
  if (method === "vera") return { ...shared, rank: 6 };
  return {
    ...{ ...shared, rank: 4, alpha: 8, rank_pattern, rslora, bias },
    ...(tokens != null && { trainable_token_indices: tokens }),
  };
}

async function roundTrip(name: string, golden: Golden, adapter: Json): Promise<void> {
  const folder = join(out!, name);
  writeGolden(folder, golden);
  const rows = join(folder, "rows.jsonl");
  const lines = golden.ids.map((input_ids, i) => ({ input_ids, labels: golden.labels[i] }));
  Deno.writeTextFileSync(rows, lines.map((line) => JSON.stringify(line)).join("\n"));
  const parsed = parseConfig({
    values: {
      model: folder,
      data: [{ path: rows, format: "tokens" }],
      adapter,
      train: { steps: 5, lr: 0.02, tokens_per_batch: T, micro_batch_tokens: T },
      eval: { samples: 0 },
      out: join(folder, "run"),
    },
  });
  const { device } = await engine();
  const { saved } = await train(parsed, { device });
  const merged = join(folder, "merged");
  const tied = golden.config["tie_word_embeddings"] === true;
  mergeAdapter(folder, saved, merged, { untie: tied && "targets" in adapter });

  const own = await freshEngine();
  using model = new Model(merged);
  const logits = (await packedLogits(own, model, golden.examples)).map((numbers) => [...numbers]);
  using generator = await Generator.open(own, model);
  const greedy = await Array.fromAsync(
    generator.generate(golden.ids[1]!, { maxTokens: 20, stop: [] }),
  );
  const { config, ids, labels } = golden;
  const result = { config, adapter: saved, merged, ids, labels, logits, greedy };
  Deno.writeTextFileSync(join(folder, "ours.json"), JSON.stringify(result));
}
