/**
 * Documents through a loss program: what it leaves of each supervised token, document by document.
 *
 * @module
 */
import { batch, type Example, type Examples, pack, packedLength } from "../data/mod.ts";
import type { LossProgram } from "../models/loss_program.ts";
import { type Queued, queueReplays } from "./replays.ts";

export type { Queued } from "./replays.ts";

/** Short documents share rows of this many tokens, which changes the time but not the result. */
const PACKED_ROWS = 512;

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
  const { compiled, T, capacity } = program;
  const slice = compiled.output(output);
  const count = slice.size / 4 / capacity;
  const rows = pack(examples.map(packedLength), T).map((chosen) => batch(examples, T, chosen));
  const { result } = await queueReplays(program, rows, {
    slice,
    count: ({ supervised }) => supervised * count,
  });
  const found = result.then((numbers) => {
    const of: Float32Array[] = examples.map(() => new Float32Array());
    for (const [i, { documents }] of rows.entries()) {
      for (const { example, isNext, rowBegin, rowEnd } of documents) {
        const own = numbers[i]!.slice(rowBegin * count, rowEnd * count);
        of[example] = isNext ? Float32Array.of(...of[example]!, ...own) : own;
      }
    }
    return of;
  });
  found.catch(() => {}); // as in queueReplays()
  return { result: found };
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
