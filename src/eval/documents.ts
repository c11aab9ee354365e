/**
 * Documents through a loss program: what it leaves of each supervised token, document by document.
 *
 * @module
 */
import { type Batch, batch, type Example, type Examples, pack, packedLength } from "../data/mod.ts";
import { type Arrival, Ring } from "../gpu/ring.ts";
import type { LossProgram } from "../models/loss_program.ts";
import { tell } from "../progress.ts";
import { heed } from "../stop.ts";

/** Replays whose numbers are gathered before they are asked for. */
const GATHERED = 64;

/** Short documents share rows of this many tokens, which changes the time but not the result. */
const PACKED_ROWS = 512;

/** Numbers that the GPU is still to bring. */
export interface Queued<T> {
  readonly result: Promise<T>;
}

/**
 * Submits documents and returns without waiting for the numbers, which are of the model as it is
 * when the submitted work before has been done. How documents are packed changes nothing, for
 * attention ends with a document.
 *
 * @param output a result of the program with a fixed count of numbers for each supervised token.
 * @returns the numbers of each example, in the order given, [supervised tokens x count]; of a
 * several answers one after the other.
 * @throws {RangeError} where a document is longer than the program's rows.
 */
export async function queueDocuments(
  program: LossProgram,
  examples: readonly Example[],
  output: "losses" | "stats" = "losses",
): Promise<Queued<Float32Array[]>> {
  const { compiled, T } = program;
  const slice = compiled.output(output);
  const rows = pack(examples.map(packedLength), T);
  const slots = Math.min(rows.length, GATHERED);
  const ring = new Ring<Batch>(compiled.engine.device, slice.size / 4, { slots });
  const found: Float32Array[] = examples.map(() => new Float32Array());
  const take = (arrivals: readonly Arrival<Batch>[]) => {
    for (const { tag: { documents }, values } of arrivals) {
      const count = values.length / program.capacity;
      for (const { example, isNext, rowBegin, rowEnd } of documents) {
        const numbers = values.slice(rowBegin * count, rowEnd * count);
        found[example] = isNext ? Float32Array.of(...found[example]!, ...numbers) : numbers;
      }
    }
  };
  try {
    for (const [i, chosen] of rows.entries()) {
      heed();
      const packed = batch(examples, T, chosen);
      await ring.freeSlot();
      program.feed(packed);
      program.run((encoder) => ring.load(encoder, [slice]));
      ring.send(packed);
      take(ring.arrived());
      tell("measuring", i + 1, rows.length);
    }
  } catch (fault) {
    ring.destroy();
    throw fault;
  }
  const result = ring.drain().then(take).finally(() => ring.destroy()).then(() => found);
  result.catch(() => {}); // whoever awaits it hears of a fault; until then it is nobody's
  return { result };
}

/** Rows of a program for some documents: a multiple of 8 that holds the longest. */
export function rowsFor(examples: Examples): number {
  let [total, longest] = [0, 0];
  for (let i = 0; i < examples.length; i++) {
    const length = packedLength(examples.at(i)!);
    total += length;
    longest = Math.max(longest, length);
  }
  return Math.ceil(Math.max(longest, Math.min(total, PACKED_ROWS)) / 8) * 8;
}
