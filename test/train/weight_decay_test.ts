/** What weight decay makes smaller, and what it leaves alone. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { openSafetensors } from "../../src/io/safetensors/safetensors.ts";
import { Toy, type ToySettings } from "./toy.ts";

/** The names of the tensors that differ in the files of two runs. */
function differing(toy: Toy, file: string): { names: string[]; changed: string[] } {
  using a = openSafetensors(toy.path("without", file));
  using b = openSafetensors(toy.path("with", file));
  const names = [...a.tensors.keys()];
  const changed = names.filter((name) => a.read(name).toHex() !== b.read(name).toHex());
  return { names, changed };
}

async function both(toy: Toy, { adapter = {} }: ToySettings, kind: "adapter" | "pretrain") {
  for (const [out, weight_decay] of [["without", 0], ["with", 5]] as const) {
    const train = { steps: 1, warmup: 0, clip: 0, weight_decay };
    await toy.train(out, { adapter, train }, { kind });
  }
}

const isLeft = (name: string) => /norm|bias/.test(name);

Deno.test("weight decay leaves norms alone in full training", async () => {
  using toy = new Toy();
  await both(toy, {}, "pretrain");
  const { names, changed } = differing(toy, join("model", "model.safetensors"));
  assert.ok(names.some(isLeft));
  assert.deepEqual(changed, names.filter((name) => !isLeft(name)));
});

Deno.test("weight decay leaves norms that an adapter trains alone, and no factor of it", async () => {
  using toy = new Toy();
  await both(toy, { adapter: { modules_to_save: ["norm"], method: "dora" } }, "adapter");
  const { names, changed } = differing(toy, join("adapter", "adapter_model.safetensors"));
  const left = names.filter((name) => !name.includes("lora_"));
  assert.ok(left.length > 0);
  // B begins with zeros, which have nothing to lose.
  assert.deepEqual(changed, names.filter((name) => /lora_(A|magnitude)/.test(name)));
});
