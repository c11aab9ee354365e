/**
 * A worker that encodes its part of a source: every so many documents, of all that it reads.
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
import { encodeRows, type LoadCounts, type LoadOptions, noCounts } from "./examples.ts";

/** What a worker is to do. */
export interface Job {
  readonly entry: DataEntry;
  /** The model's. */
  readonly folder: string;
  readonly target: TargetMarks | undefined;
  readonly options: LoadOptions;
  /** Its index among so many workers. */
  readonly worker: number;
  readonly workers: number;
}

/** What a worker sends when it is asked: examples, an error, or at the end its counts. */
export interface Portion {
  /** The number of the first document, or that at which the error is; Infinity at the end. */
  readonly from: number;
  /** Their records, one after the other. */
  readonly words: Uint32Array;
  readonly fault?: { readonly name: string; readonly message: string };
  readonly done?: LoadCounts;
}

/** Documents one after the other that are encoded by the same worker. */
const BLOCK = 256;
const NONE = new Uint32Array();

/** The portions of a job, the last an error or the counts; after that, the same again. */
async function* portionsOf(job: Job): AsyncGenerator<Portion, never> {
  const { entry, folder, options, worker, workers } = job;
  const blockOf = (number: number) => Math.floor(number / BLOCK);
  const isOwn = (number: number) => blockOf(number) % workers === worker;
  const counts = noCounts();
  let number = 0; // of the document that was last looked at
  let last: Portion;
  try {
    const config = { target: job.target };
    const encoder = encoderOf({ tokenizer: loadTokenizer(folder), folder, config });
    let from = 0;
    // In one piece of memory: many small ones would fill it with holes.
    const words = new Numbers(Uint32Array);
    const isWanted = (next: number) => isOwn(number = next);
    for await (const example of encodeRows(entry, encoder, options, counts, isWanted)) {
      if (words.length > 0 && blockOf(number) !== blockOf(from)) {
        yield { from, words: words.copy() };
        words.clear();
      }
      if (words.length === 0) from = number;
      words.append(recordOf(example));
    }
    if (words.length > 0) yield { from, words: words.copy() };
    last = { from: Infinity, words: NONE, done: counts };
  } catch (thrown) {
    const { name, message } = thrown as Error;
    // Another worker's document was not encoded here: the error is one of what comes after it.
    const from = isOwn(number) ? number : number + 1;
    last = { from, words: NONE, fault: { name, message } };
  }
  for (;;) yield last;
}

const portions = portionsOf(workerData as Job);
parentPort!.on("message", async () => {
  const { value } = await portions.next();
  const isLast = value.from === Infinity || value.fault;
  parentPort!.postMessage(value, isLast ? [] : [value.words.buffer as ArrayBuffer]);
});
