import assert from "node:assert/strict";
import { engine } from "../harness.ts";
import { Toy } from "../train/toy.ts";

Deno.test("a run with tiles that were measured ends with the bytes of one without", async () => {
  using toy = new Toy();
  const { device } = await engine();
  const settings = { guard: false, train: { steps: 3 } } as const;
  await toy.train("default", settings);
  const { tuned } = device;
  let asked = 0;
  device.tuned = ({ kernel }) => {
    if (!kernel.startsWith("linear")) return undefined;
    asked++;
    return "tile_8x16";
  };
  try {
    await toy.train("tuned", settings);
  } finally {
    device.tuned = tuned;
  }
  assert.ok(asked > 0);
  assert.deepEqual(toy.adapter("tuned"), toy.adapter("default"));
  const losses = (out: string) => toy.metrics(out).map(({ loss, grad_norm }) => [loss, grad_norm]);
  assert.deepEqual(losses("tuned"), losses("default"));
});
