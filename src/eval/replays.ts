/**
 * Packed rows through a program, for the numbers that it leaves of each. Ranks share them out.
 *
 * @module
 */
import type { Batch } from "../data/mod.ts";
import { deal } from "../distributed/dealing.ts";
import type { Slice } from "../gpu/buffer.ts";
import type { ReplayOptions } from "../gpu/program.ts";
import { type Arrival, Ring } from "../gpu/ring.ts";
import type { Compiled } from "../graph/compile.ts";
import { tell } from "../progress.ts";
import { heed } from "../stop.ts";

/** Replays whose numbers are gathered before they are asked for. */
const GATHERED = 64;

/** Numbers that the GPU is still to bring. */
export interface Queued<T> {
  readonly result: Promise<T>;
}

/** A program that takes packed rows. */
interface RowProgram {
  readonly compiled: Compiled;
  feed(packed: Batch): void;
  run(after: ReplayOptions["after"]): void;
}

/** What is read of a replay. */
export interface ReadSlice {
  /** Where its numbers lie. */
  readonly slice: Slice;
  /** How many of them count. */
  count(packed: Batch): number;
}

/**
 * Submits packed rows and returns without waiting for the numbers, which are of the model as it is when
 * the submitted work before has been done. Among ranks each makes every n-th replay, and they are waited
 * for: all have the bits of one that made all.
 *
 * @returns the numbers of each row, in the order given.
 */
export async function queueReplays(
  program: RowProgram,
  rows: readonly Batch[],
  { slice, count }: ReadSlice,
): Promise<Queued<Float32Array[]>> {
  const dealt = await deal(rows.map(count));
  const own = [...rows.keys()].filter((row) => dealt.isOwn(row));
  const slots = Math.max(1, Math.min(own.length, GATHERED));
  const ring = new Ring<number>(program.compiled.engine.device, slice.size / 4, { slots });
  const found: Float32Array[] = [];
  const take = (arrivals: readonly Arrival<number>[]) => {
    for (const { tag, values } of arrivals) found[tag] = values.slice(0, count(rows[tag]!));
  };
  try {
    for (const [i, row] of own.entries()) {
      heed();
      await ring.freeSlot();
      program.feed(rows[row]!);
      program.run((encoder) => ring.load(encoder, [slice]));
      ring.send(row);
      take(ring.arrived());
      tell("measuring", i + 1, own.length);
    }
  } catch (fault) {
    ring.destroy();
    throw fault;
  }
  const result = ring.drain().then(take).finally(() => ring.destroy())
    .then(() => dealt.complete(found));
  result.catch(() => {}); // whoever awaits it hears of a fault; until then it is nobody's
  if (dealt.isShared) await result;
  return { result };
}
