/**
 * A worker that encodes rows as they are sent to it.
 *
 * @module
 */

import { parentPort, workerData } from "node:worker_threads";
import { loadTokenizer } from "../../io/tokenizer/tokenizer.ts";
import type { DataEntry } from "../entry.ts";
import { Numbers } from "../order/numbers.ts";
import { recordOf } from "../order/record.ts";
import type { TargetMarks } from "../encode/pair.ts";
import { encoderOf } from "./encoder.ts";
import {
  type EncodeRow,
  type LoadCounts,
  type LoadOptions,
  noCounts,
  rowEncoder,
} from "./examples.ts";
import { linesIn, waitingRow } from "./waiting.ts";

/** What a worker encodes for. */
export interface Job {
  readonly entries: readonly DataEntry[];
  /** The model's. */
  readonly folder: string;
  readonly target: TargetMarks | undefined;
  readonly options: LoadOptions;
}

/** What came of some rows, up to the first with an error. */
export interface Portion {
  /** The records of the examples, one after the other. */
  readonly words: Uint32Array;
  /** How many examples each row came to. */
  readonly examples: readonly number[];
  /** Of each entry. */
  readonly counts: readonly LoadCounts[];
  readonly fault?: { readonly name: string; readonly message: string };
}

const { entries, folder, target, options } = workerData as Job;
// In one piece of memory: many small ones would fill it with holes.
const words = new Numbers(Uint32Array);
let encoders: EncodeRow[] | null = null;

/** Encodes them; the first time with a tokenizer to load, where an error is that of the first row. */
function portionOf(block: Uint8Array): Portion {
  const counts = entries.map(noCounts);
  const examples: number[] = [];
  words.clear();
  try {
    encoders ??= openEncoders();
    for (const line of linesIn(block)) {
      const { source, drawn } = waitingRow(line);
      const found = encoders[source]!(drawn, counts[source]!);
      for (const example of found) words.append(recordOf(example));
      examples.push(found.length);
    }
    return { words: words.copy(), examples, counts };
  } catch (thrown) {
    const { name, message } = thrown as Error;
    return { words: words.copy(), examples, counts, fault: { name, message } };
  }
}

function openEncoders(): EncodeRow[] {
  const encoder = encoderOf({ tokenizer: loadTokenizer(folder), folder, config: { target } });
  return entries.map((entry) => rowEncoder(entry, encoder, options));
}

parentPort!.on("message", (block: Uint8Array) => {
  const portion = portionOf(block);
  parentPort!.postMessage(portion, [portion.words.buffer as ArrayBuffer]);
});
