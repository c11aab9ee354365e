import assert from "node:assert/strict";
import { join } from "node:path";
import { main } from "../../src/cli/commands.ts";
import { exists, writeJson } from "../../src/io/files.ts";
import { Model } from "../../src/models/model.ts";
import { snapshot, Toy } from "../train/toy.ts";
import { capture } from "./capture.ts";

/** A folder as `pretrain` wants it: an architecture and a tokenizer, no weights. */
function withoutWeights(toy: Toy): void {
  Deno.removeSync(join(toy.model, "model.safetensors"));
}

Deno.test("pretrain makes a model from nothing that opens and has learnt", async () => {
  using toy = new Toy();
  withoutWeights(toy);
  const config = toy.path("run.json");
  const data = [{ path: toy.text, format: "text" }];
  const train = { steps: 20, lr: 0.02, tokens_per_batch: 64 };
  writeJson(
    config,
    toy.values("run", { adapter: { rank: undefined }, data, eval: { data }, train }),
  );
  const { code, stdout, stderr } = await capture(main, "pretrain", config);
  assert.equal(code, 0, stderr);
  const losses = toy.metrics("run").map(({ loss }) => loss);
  assert.ok(Math.abs(losses[0]! - Math.log(61)) < 0.1, `knows nothing at first: ${losses[0]}`);
  assert.ok(losses.at(-1)! < 3, `has learnt: ${losses.at(-1)}`);
  assert.match(stdout, /^eval loss {3}2\.\d{4} \(perplexity \d+\.\d{3}\)\nsaved {7}/);

  using model = new Model(toy.path("run", "model"));
  assert.equal(model.checkpoint.tensors.size, 20);
  assert.ok([...model.checkpoint.tensors.values()].every(({ dtype }) => dtype === "BF16"));
  assert.equal(model.checkpoint.config["torch_dtype"], "bfloat16");
  assert.deepEqual(model.tokenizer.encode("ann"), [3, 16, 16]);
});

Deno.test("a pretraining that is stopped and resumed ends with the same bytes", async () => {
  using toy = new Toy();
  withoutWeights(toy);
  const settings = { train: { steps: 4, checkpoint_every: 2 } };
  await toy.train("whole", settings, { kind: "pretrain" });
  let asked = 0;
  const { stopped } = await toy.train("half", settings, {
    kind: "pretrain",
    stopWanted: () => ++asked === 3,
  });
  assert.ok(stopped);
  assert.ok(!exists(toy.path("half", "model")));
  await toy.train("half", settings, { kind: "pretrain", resume: true });
  const weights = (run: string) => Deno.readFileSync(toy.path(run, "model", "model.safetensors"));
  assert.deepEqual(weights("half"), weights("whole"));
});

Deno.test("pretrain refuses a guard, and an architecture that it cannot read", async () => {
  using toy = new Toy();
  const config = toy.path("run.json");
  writeJson(config, toy.values("run", { adapter: { rank: undefined } }));
  const refused = async (wanted: RegExp, code: number, ...flags: string[]) => {
    const before = snapshot(toy.folder);
    const found = await capture(main, "pretrain", config, ...flags);
    assert.match(found.stderr, wanted);
    assert.equal(found.code, code);
    assert.deepEqual(snapshot(toy.folder), before);
  };
  await refused(/^error: guard: a model from nothing has nothing/, 2, "--guard.text", toy.text);
  writeJson(join(toy.model, "config.json"), { model_type: "lama" });
  await refused(/^error: .*config\.json.*"lama".*\n$/, 1);
});
