/** Ranks of one process that train together. */
import assert from "node:assert/strict";
import { Communicator } from "../../src/distributed/communicator.ts";
import { inProcess } from "../../src/distributed/transport.ts";
import type { Toy, ToyOptions, ToySettings } from "../train/toy.ts";

/** Trains as so many ranks at once; each fault is told to the others, as a command does. */
export async function together(
  toy: Toy,
  size: number,
  settings: (rank: number) => ToySettings,
  options: ToyOptions & { readonly out: string },
) {
  const { out, ...rest } = options;
  const all = inProcess(size).map((transport) => new Communicator(transport, 60));
  return await Promise.all(all.map(async (ranks) => {
    try {
      const result = await toy.train(out, settings(ranks.rank), { ...rest, ranks });
      await ranks.close();
      return result;
    } catch (fault) {
      await ranks.fail((fault as Error).message);
      return fault as Error;
    }
  }));
}

/** Four micro-batches an update, in four partial sums. */
export const SHARED = { steps: 3, tokens_per_batch: 256, partial_sums: 4 };
/** A guard of the toy that measures every second update. */
export const GUARD = { text: ["text.txt"], share: 0.5, every: 2, budget: "ppl:50%", task_rows: 3 };

/** Metrics without what the clock has put into them. */
export const untimed = (metrics: readonly Record<string, unknown>[]) =>
  metrics.map(({ tokens_per_second: _, waited: __, slowest_rank: ___, ...rest }) => rest);

/** Fails unless so many ranks leave the adapter and the metrics of one alone, bit by bit. */
export async function assertSameBits(toy: Toy, settings: ToySettings, sizes: readonly number[]) {
  await toy.train("alone", settings);
  for (const size of sizes) {
    const out = `of-${size}`;
    const results = await together(toy, size, () => settings, { out });
    for (const result of results) assert.ok(!(result instanceof Error), String(result));
    assert.deepEqual(toy.adapter(out), toy.adapter("alone"), `${size} ranks`);
    assert.deepEqual(untimed(toy.metrics(out)), untimed(toy.metrics("alone")));
  }
}
