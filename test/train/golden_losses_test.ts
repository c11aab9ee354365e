/** Five updates of a PEFT adapter against a reference in f64 (../shared/data/golden). */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { exists } from "../../src/io/files.ts";
import { openSafetensors } from "../../src/io/safetensors/safetensors.ts";
import { parseConfig } from "../../src/config/mod.ts";
import { train } from "../../src/train/run.ts";
import { assertClose, engine } from "../harness.ts";
import { numbersIn } from "./toy.ts";

const SHARED = fileURLToPath(new URL("../../../shared/data/", import.meta.url));
const MODEL = join(SHARED, "models/stories260K");
const GOLDEN = join(SHARED, "golden/lora_stories260K_r4_qv");
const isAbsent = !exists(GOLDEN) || !exists(MODEL);

interface Reference {
  readonly batch: readonly { input_ids: number[]; labels: number[] }[];
  readonly losses_step0_to_N: readonly number[];
  readonly global_grad_norm_per_step: readonly number[];
}

Deno.test({
  name: isAbsent
    ? "golden losses (skipped: ../shared/data is not there)"
    : "train() makes the golden losses, gradient norms and adapter",
  ignore: isAbsent,
  fn: async () => {
    const folder = Deno.makeTempDirSync({ prefix: "graft_test_" });
    try {
      await checkGolden(folder);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
});

async function checkGolden(folder: string): Promise<void> {
  const reference: Reference = JSON.parse(Deno.readTextFileSync(join(GOLDEN, "reference.json")));
  const rows = join(folder, "rows.jsonl");
  Deno.writeTextFileSync(rows, reference.batch.map((row) => JSON.stringify(row)).join("\n"));
  const data = [{ path: rows, format: "tokens" }];
  const norms = reference.global_grad_norm_per_step;
  const plainest = { schedule: "constant", warmup: 0, clip: 0, shuffle: false };
  const parsed = parseConfig({
    values: {
      model: MODEL,
      data,
      adapter: { from: GOLDEN },
      train: { ...plainest, steps: norms.length, lr: 0.01, tokens_per_batch: 256 },
      eval: { data },
      out: join(folder, "run"),
    },
  });
  const { device } = await engine();
  const { measured, saved } = await train(parsed, { device });

  const lines = Deno.readTextFileSync(join(folder, "run/metrics.jsonl")).trimEnd().split("\n");
  const metrics = lines.map((line) => JSON.parse(line));
  const losses = [...metrics.map(({ loss }) => loss), measured["eval_loss"]!];
  assertClose(losses, reference.losses_step0_to_N, 1e-5, "loss");
  assertClose(metrics.map((line) => line.grad_norm), norms, 1e-5, "gradient norm");
  const golden = join(GOLDEN, "adapter_after_5_steps.safetensors");
  using file = openSafetensors(golden);
  const adapter = join(saved, "adapter_model.safetensors");
  for (const name of file.tensors.keys()) {
    assertClose(numbersIn(adapter, name), numbersIn(golden, name), 1e-4, name);
  }
}
