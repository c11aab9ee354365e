/** Runs that train single tokens beside LoRA: guarded, stopped and resumed, gone on from. */
import assert from "node:assert/strict";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { Model } from "../../src/models/model.ts";
import { keptRowsOf } from "../../src/models/kept_rows.ts";
import { guarded, remeasure, reportOf } from "../forgetting/guarded_toy.ts";
import { Toy, type ToySettings } from "./toy.ts";

const TOKENS = ["a", 5, "e"];

Deno.test("a guarded run of tokens certifies what it ships, and ends with the same bytes if stopped", async () => {
  using toy = new Toy({ dtype: "BF16" });
  const settings: ToySettings = {
    ...guarded(toy, { every: 3, budget: "ppl:20%" }),
    adapter: { targets: ["q_proj"], trainable_token_indices: TOKENS },
    train: { steps: 9, lr: 0.01, checkpoint_every: 4 },
  };
  const { forgetting } = await toy.train("run", settings);
  const [first, ...rest] = toy.metrics("run");
  assert.equal(first!["guard_loss"], 0, "the adapter begins as the base");
  assert.ok(rest.at(-1)!.loss < first!.loss);
  assert.ok(forgetting!.certified);
  const { shift } = reportOf(toy, "run").domains[0].control;
  const found = await remeasure(toy, "run", "ppl:20%");
  assert.ok(Math.abs(found.mean - shift) < 1e-6, `${found.mean}, reported ${shift}`);

  const { tokens, config } = readPeft(toy.path("run", "adapter"));
  using model = new Model(toy.path("model"));
  const ids = [model.tokenizer.encode("a")[0]!, 5, model.tokenizer.encode("e")[0]!];
  assert.deepEqual(config["trainable_token_indices"], ids);
  assert.deepEqual(tokens!.map(({ module, ids }) => [module, ids]), [["model.embed_tokens", ids]]);
  assert.notDeepEqual(
    tokens![0]!.numbers,
    keptRowsOf(model.tensors, model.tensors.embedding, ids),
  );

  let asked = 0;
  await toy.train("stopped", settings, { stopWanted: () => ++asked === 5 });
  await toy.train("stopped", settings, { resume: true });
  assert.deepEqual(toy.adapter("stopped"), toy.adapter("run"));
});

Deno.test("where only the base is certain, tokens are written as the base's", async () => {
  using toy = new Toy();
  await toy.train("run", {
    ...guarded(toy, { budget: "kl:0.000000000001", weight: 0 }),
    adapter: { targets: ["q_proj"], trainable_token_indices: TOKENS },
    train: { steps: 4, lr: 0.05 },
  });
  const [chosen, trained] = ["adapter", "uncertified"].map((f) => readPeft(toy.path("run", f)));
  using model = new Model(toy.path("model"));
  const { ids, numbers } = chosen!.tokens![0]!;
  assert.deepEqual(numbers, keptRowsOf(model.tensors, model.tensors.embedding, ids));
  assert.notDeepEqual(trained!.tokens![0]!.numbers, numbers);
  assert.equal((await remeasure(toy, "run", "kl:1")).mean, 0);
});

Deno.test("tokens are gone on from, and other ones refused", async () => {
  using toy = new Toy();
  const train = { steps: 2 };
  const own = { targets: ["q_proj"], trainable_token_indices: TOKENS };
  await toy.train("first", { guard: false, train, adapter: own });
  const from = toy.path("first", "adapter");
  await toy.train("second", { guard: false, train, adapter: { from } });
  const [first, second] = ["first", "second"].map((run) => readPeft(toy.path(run, "adapter")));
  assert.deepEqual(second!.tokens![0]!.ids, first!.tokens![0]!.ids);
  await toy.train("third", { guard: false, train, adapter: { ...own, from } });
  await assert.rejects(
    toy.train("fourth", { guard: false, train, adapter: { trainable_token_indices: [7], from } }),
    /adapter\.trainable_token_indices: found \[7\], but the adapter in .* has \[/,
  );
});
