/** Losses that are finite and still tell of trouble. */
import assert from "node:assert/strict";
import type { Metrics } from "../../src/runs/events.ts";
import { Watch } from "../../src/train/trouble/watch.ts";
import { noise } from "../harness.ts";

/** What is said of losses, by step. */
function said(losses: readonly number[], norm = 1): [step: number, line: string][] {
  const watch = new Watch(Math.log(512));
  return losses.flatMap((loss, step): [number, string][] => {
    const line = watch.look({ step, loss, grad_norm: norm } as Metrics);
    return line === null ? [] : [[step, line]];
  });
}

/** Losses that fall from 4 to 2, with noise. */
const falling = [...noise(200, 1)].map((x, i) => 2 + 2 * Math.exp(-i / 50) + 0.3 * x);

Deno.test("nothing is said of a loss that falls, however noisy", () => {
  assert.deepEqual(said(falling), []);
  assert.deepEqual(said(falling.map((loss) => 6 - loss).slice(0, 60)), []);
});

Deno.test("a spike is said once, and divergence once for all", () => {
  const spiked = said(falling.with(120, 9));
  assert.deepEqual(spiked.map(([step]) => step), [120]);
  assert.match(
    spiked[0]![1],
    /^step 120: the loss of 9\.0000 is a spike above the 2\.\d+ of the 20/,
  );
  const diverging = said(falling.map((loss, i) => i < 100 ? loss : loss + (i - 100) / 8));
  const [told, ...more] = diverging.filter(([, line]) => line.includes("diverges"));
  assert.equal(more.length, 0);
  assert.match(told![1], /far above the \d\.\d+ at the start: the run diverges; lower train\.lr$/);
});

Deno.test("a model in which every token is as likely is said, not one that begins there", () => {
  const uniform = Array(5).fill(Math.log(512));
  const [[step, line], ...more] = said(uniform, 0) as [[number, string]];
  assert.deepEqual([step, more.length], [0, 0]);
  assert.match(line, /every token is as likely as any other .* = 6\.2383\) and the gradient is 0/);
  assert.deepEqual(said(uniform, 0.1), []);
});
