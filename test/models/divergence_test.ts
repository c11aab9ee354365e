/** The divergence of an adapter from its base, family by family, against logits of transformers and PEFT. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { Adapter } from "../../src/adapters/adapter.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { queueDocuments } from "../../src/eval/documents.ts";
import { LossProgram } from "../../src/models/loss_program.ts";
import { Model } from "../../src/models/model.ts";
import { KL_STATS } from "../../src/ops/mod.ts";
import { type Golden, readGolden, T, writeGolden } from "../golden/golden.ts";
import { klDivergence } from "../../src/reference/kl_divergence.ts";
import { freshEngine } from "./tiny.ts";

const FAMILIES = [
  "llama",
  "gemma2",
  "gemma3_text",
  "phi3",
  "phi3_longrope",
  "qwen2",
  "gpt2",
  "gpt_neox",
];

/** Divergence and likelihoods are sums over the vocabulary of what is off by up to 2e-4 a logit. */
const BOUND = 5e-4;

for (const name of FAMILIES) {
  Deno.test(`${name}: the divergence from the base is that of the golden logits`, async () => {
    const golden = readGolden(name);
    const parent = Deno.makeTempDirSync({ prefix: "graft_test_" });
    try {
      const folder = join(parent, "model");
      writeGolden(folder, golden);
      await checkDivergence(folder, golden);
    } finally {
      Deno.removeSync(parent, { recursive: true });
    }
  });
}

async function checkDivergence(folder: string, golden: Golden): Promise<void> {
  const engine = await freshEngine();
  using model = new Model(folder);
  const lora = Adapter.of(engine, model, readPeft(join(folder, "adapter")));
  const { adapt } = lora;
  const { graph } = model.lossGraph(engine, { T, adapt });
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  lora.load(engine.store, 0);
  const examples = golden.ids.map((ids) => ({
    ids: Uint32Array.from(ids),
    labels: Int32Array.from(ids, (id, i) => i === 0 ? -100 : id),
    origin: "golden",
  }));
  const program = await LossProgram.open(engine, model, { T, adapt, loss: "kl" });
  const found = await (await queueDocuments(program, examples, "stats")).result;
  let most = 0;
  for (const [i, stats] of found.entries()) {
    const wanted = statsOf(golden, i);
    assert.equal(stats.length, wanted.length);
    for (const [j, value] of stats.entries()) {
      if (j % KL_STATS === KL_STATS - 1) continue; // a near tie may fall either way
      assert.ok(Math.abs(value - wanted[j]!) < BOUND, `${value}, wanted ${wanted[j]}`);
      if (j % KL_STATS === 0) most = Math.max(most, value);
    }
  }
  assert.ok(most > 10 * BOUND, `the adapter of the fixture moves the base by ${most} only`);
  program.compiled.destroy();
  engine.store.destroy();
}

/** What the twin makes of the recorded logits of one document. */
function statsOf(golden: Golden, document: number): Float64Array {
  const ids = golden.ids[document]!;
  const N = ids.length - 1; // the last row has no next token
  const rowsOf = (which: string) => {
    const { numbers } = golden.tensors.get(`${which}/${document}`)!;
    return Float64Array.from(numbers.subarray(0, numbers.length / ids.length * N));
  };
  const [base, tuned] = [rowsOf("logits"), rowsOf("lora_logits")];
  const V = base.length / N;
  const label = Uint32Array.from(ids.slice(1));
  const weight = new Float64Array(N).fill(1);
  return klDivergence(tuned, base, label, weight, { N, V, STRIDE: V }).stats;
}
