/**
 * The rows of a source, encoded by several cores where there are many.
 *
 * @module
 */

import { readContents } from "./contents.ts";
import type { DataEntry } from "../entry.ts";
import type { Example } from "../example.ts";
import { findFiles } from "../sources/read.ts";
import { examplesIn } from "../store/record.ts";
import {
  addCounts,
  encodeRows,
  type LoadCounts,
  type LoadOptions,
  noCounts,
  requireRows,
} from "./examples.ts";
import { type EncoderSource, EncodingPool, faultOf, usefulWorkers } from "./pool.ts";
import type { Portion } from "./portion.ts";
import { lineOf } from "../store/lines.ts";
import { Block, type WaitingRow } from "./block.ts";

/** Fewer bytes are encoded before workers would be up: 4 MiB take a core about 3 seconds. */
const LARGE = 4 * 2 ** 20;

/** Whether some sources have so many bytes that it takes long to encode them. */
export async function areLarge(entries: readonly DataEntry[]): Promise<boolean> {
  const files = await Promise.all(entries.map(({ path }) => findFiles(path)));
  const sizes = await Promise.all(files.flat().map((file) => Deno.stat(file)));
  return sizes.reduce((sum, { size }) => sum + size, 0) >= LARGE;
}

/**
 * Reads and encodes a source as `loadExamples` does, and gives each example to `take`, in order. The
 * examples and the first error are the same for any number of workers.
 */
export async function forEachExample(
  entry: DataEntry,
  from: EncoderSource,
  options: LoadOptions,
  take: (example: Example) => void,
  workers?: number,
): Promise<LoadCounts> {
  const count = workers ?? await workersFor(entry);
  const counts = noCounts();
  if (count > 0) {
    await using pool = new EncodingPool([entry], from, options, count);
    for await (const portion of portionsOf(pool, blocksOf(entry, counts))) {
      for (const example of examplesIn(new Uint32Array(portion.words))) take(example);
      addCounts(counts, portion.counts[0]!);
      if (portion.fault) throw faultOf(portion.fault);
    }
  } else {
    for await (const example of encodeRows(entry, from.encoder, options, counts)) take(example);
  }
  requireRows(entry, counts, options);
  return counts;
}

/** None for little data, and where no core would be free for one. */
async function workersFor(entry: DataEntry): Promise<number> {
  return usefulWorkers() > 1 && await areLarge([entry]) ? usefulWorkers() : 0;
}

/** The rows of an entry in blocks; an error comes after the rows before it. */
async function* blocksOf(entry: DataEntry, counts: LoadCounts): AsyncGenerator<Block> {
  let block = new Block();
  try {
    for await (const drawn of readContents(entry, (what) => counts.noted[what]++)) {
      block.push(lineOf([0, drawn] satisfies WaitingRow));
      if (!block.isFull) continue;
      yield block;
      block = new Block();
    }
  } catch (fault) {
    if (block.length > 0) yield block;
    throw fault;
  }
  if (block.length > 0) yield block;
}

/** What becomes of blocks, in their order; an error in reading them comes after those before it. */
async function* portionsOf(
  pool: EncodingPool,
  blocks: AsyncIterable<Block>,
): AsyncGenerator<Portion> {
  const underWay: Promise<Portion>[] = [];
  let failed: { readonly fault: unknown } | null = null;
  try {
    for await (const block of blocks) {
      if (underWay.length === pool.room) yield await underWay.shift()!;
      underWay.push(pool.encode(block.bytes()));
    }
  } catch (fault) {
    failed = { fault };
  }
  for (const portion of underWay) yield await portion;
  if (failed) throw failed.fault;
}
