/**
 * Trains an adapter for every golden checkpoint, merges it, and leaves folders and logits for
 * check_round_trip.py, which opens them with PEFT and transformers:
 *
 *     deno run -A test/golden/round_trip.ts OUT && python test/golden/check_round_trip.py OUT
 */
import { join } from "node:path";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { Generator } from "../../src/generate/generator.ts";
import { Model } from "../../src/models/model.ts";
import { parseConfig } from "../../src/train/config/mod.ts";
import { train } from "../../src/train/run.ts";
import { engine } from "../harness.ts";
import { freshEngine } from "../models/tiny.ts";
import { packedLogits, readGolden, T, writeGolden } from "./golden.ts";

const out = Deno.args[0];
if (!out) throw new TypeError("Wanted a folder to write to");
for (const { name } of Deno.readDirSync(new URL("./", import.meta.url))) {
  if (name.endsWith(".json")) await roundTrip(name.replace(/\.json$/, ""), out);
}
Deno.exit(0); // the device would keep the process

async function roundTrip(name: string, out: string): Promise<void> {
  const golden = readGolden(name);
  const folder = join(out, name);
  writeGolden(folder, golden);
  const rows = join(folder, "rows.jsonl");
  const lines = golden.ids.map((input_ids, i) => ({ input_ids, labels: golden.labels[i] }));
  Deno.writeTextFileSync(rows, lines.map((line) => JSON.stringify(line)).join("\n"));
  const parsed = parseConfig({
    values: {
      model: folder,
      data: [{ path: rows, format: "tokens" }],
      adapter: { rank: 4, alpha: 8 },
      train: { steps: 5, lr: 0.02, tokens_per_batch: T, micro_batch_tokens: T },
      eval: { samples: 0 },
      out: join(folder, "run"),
    },
  });
  const { device } = await engine();
  const { saved } = await train(parsed, { kind: "adapter", device });
  const merged = join(folder, "merged");
  mergeAdapter(folder, saved, merged);

  const own = await freshEngine();
  using model = new Model(merged);
  const logits = (await packedLogits(own, model, golden.examples)).map((numbers) => [...numbers]);
  using generator = await Generator.open(own, model);
  const greedy = await Array.fromAsync(
    generator.generate(golden.ids[1]!, { maxTokens: 20, stop: [] }),
  );
  const result = { adapter: saved, merged, ids: golden.ids, logits, greedy };
  Deno.writeTextFileSync(join(folder, "ours.json"), JSON.stringify(result));
}
