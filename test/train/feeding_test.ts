import assert from "node:assert/strict";
import { GpuCalls, withClockStopped } from "../gpu/calls.ts";
import { Toy, type ToySettings } from "./toy.ts";

const STEPS = 20;

/**
 * How many submits went before each wait for the device while a run trained. The clock stands still,
 * for losses are also fetched once a second.
 */
async function submitsBetweenWaits(settings: (toy: Toy) => ToySettings): Promise<number[]> {
  using toy = new Toy();
  using calls = new GpuCalls();
  let training = "";
  await withClockStopped(() =>
    toy.train("run", { train: { steps: STEPS }, ...settings(toy) }, {
      on(event) {
        if (event.kind === "start") calls.take();
        if (event.kind === "update") training += calls.take();
      },
    })
  );
  return training.split(/m+/).map(({ length }) => length).filter((submits) => submits > 0);
}

Deno.test("eight updates are fed before the host waits for the device", async () => {
  const waits = await submitsBetweenWaits(() => ({ guard: false }));
  const update = waits.reduce((sum, submits) => sum + submits, 0) / STEPS;
  // The first wait is for the first replay, which tells how long one takes.
  assert.deepEqual(waits.slice(1, -1), [8 * update, 8 * update]);
});

Deno.test("with a guard that looks back four updates, four are fed before the host waits", async () => {
  const waits = await submitsBetweenWaits(({ text }) => ({ guard: { text: [text], every: 100 } }));
  assert.ok(waits.length <= STEPS / 4 + 4, `${waits}`); // 4: the first replay, three measurements
});
