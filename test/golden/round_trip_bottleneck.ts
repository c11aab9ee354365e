/**
 * Trains bottleneck adapters of each kind on golden bases, and leaves them with their logits for
 * check_bottleneck.py.
 *
 *     deno run -A test/golden/round_trip_bottleneck.ts OUT
 */
import { join } from "node:path";
import { Adapter } from "../../src/adapters/adapter.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { Model } from "../../src/models/model.ts";
import { train } from "../../src/train/run.ts";
import { engine } from "../harness.ts";
import { freshEngine } from "../models/tiny.ts";
import { packedLogits, readGolden, T, writeGolden } from "./golden.ts";

const [out] = Deno.args;
if (out === undefined) throw new TypeError("Usage: round_trip_bottleneck.ts OUT");
const CASES = [["llama", "seq_bn"], ["mistral", "double_seq_bn"], ["gpt2", "par_bn"]] as const;
const { device } = await engine();
for (const [base, bottleneck] of CASES) {
  const golden = readGolden(base);
  const folder = join(out, bottleneck);
  Deno.mkdirSync(out, { recursive: true });
  writeGolden(folder, golden);
  const rows = join(folder, "rows.jsonl");
  const lines = golden.ids.map((input_ids, i) => ({ input_ids, labels: golden.labels[i] }));
  Deno.writeTextFileSync(rows, lines.map((line) => JSON.stringify(line)).join("\n"));
  const parsed = parseConfig({
    values: {
      model: folder,
      data: [{ path: rows, format: "tokens" }],
      adapter: { method: "bottleneck", bottleneck, reduction_factor: 3 },
      train: { lr: 0.02, steps: 20, tokens_per_batch: T, micro_batch_tokens: T },
      ...{ guard: false, eval: { samples: 0 }, out: join(folder, "run") },
    },
  });
  await train(parsed, { kind: "adapter", device });
  using model = new Model(folder);
  const own = await freshEngine();
  const adapter = Adapter.of(own, model, readPeft(join(folder, "run/adapter")));
  const { adapt } = adapter;
  const { graph } = model.lossGraph(own, { T: 8, adapt });
  own.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  adapter.load(own.store, 0);
  const logits = await packedLogits(own, model, golden.examples, { adapt });
  const ours = { base, logits: logits.map((numbers) => [...numbers]) };
  Deno.writeTextFileSync(join(folder, "ours.json"), JSON.stringify(ours));
  own.store.destroy();
}
