/**
 * The rows of a source, encoded by several cores where there are many.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import { ConfigError, FileError } from "../../errors.ts";
import type { DataEntry } from "../entry.ts";
import type { Encoder, Example } from "../example.ts";
import { findFiles } from "../files/read.ts";
import {
  encodeRows,
  type LoadCounts,
  type LoadOptions,
  noCounts,
  requireRows,
} from "./examples.ts";
import { examplesIn } from "../order/record.ts";
import type { Job, Portion } from "./worker.ts";

/** Where the tokenizer of a model is from: a worker reads one of its own. */
export interface EncoderSource {
  readonly encoder: Encoder;
  readonly folder: string;
}

/** Fewer bytes are encoded before workers would be up: 4 MiB take a core about 3 seconds. */
const LARGE = 4 * 2 ** 20;
/** Each takes memory for a tokenizer, and reads all of the source to encode its part. */
const MOST_WORKERS = 3;
/** MiB for what lives shortly; left alone, V8 takes 60 more, and is no faster. */
const YOUNG = 8;
/** Portions that a worker makes before they are asked for. */
const AHEAD = 2;

/**
 * Reads and encodes a source as `loadExamples` does, and gives each example to `take`, in order. The
 * examples and the first error are the same for any number of workers.
 */
export async function forEachExample(
  entry: DataEntry,
  { encoder, folder }: EncoderSource,
  options: LoadOptions,
  take: (example: Example) => void,
  workers?: number,
): Promise<LoadCounts> {
  const count = workers ?? await workersFor(entry);
  const counts = noCounts();
  const examples = count > 0
    ? encodeInWorkers({ entry, folder, target: encoder.target, options, workers: count }, counts)
    : encodeRows(entry, encoder, options, counts);
  for await (const example of examples) take(example);
  requireRows(entry, counts, options);
  return counts;
}

/** None for little data, nor for part of a split: that is read whole, which workers would each do. */
async function workersFor({ path, split }: DataEntry): Promise<number> {
  const cores = Math.min(navigator.hardwareConcurrency, MOST_WORKERS);
  if (split || cores < 2) return 0;
  const files = await findFiles(path);
  const sizes = await Promise.all(files.map((file) => Deno.stat(file)));
  return sizes.reduce((sum, { size }) => sum + size, 0) < LARGE ? 0 : cores;
}

/** Takes the portions of all workers in the order of the rows. */
async function* encodeInWorkers(
  job: Omit<Job, "worker">,
  counts: LoadCounts,
): AsyncGenerator<Example> {
  const workers = Array.from({ length: job.workers }, (_, worker) => {
    return new EncodingWorker({ ...job, worker });
  });
  try {
    const next = await Promise.all(workers.map((worker) => worker.next()));
    for (;;) {
      const froms = next.map(({ from }) => from);
      const worker = froms.indexOf(Math.min(...froms));
      const { fault, done } = next[worker]!;
      if (fault) throw faultOf(fault);
      if (done) break;
      yield* examplesIn(next[worker]!.words);
      next[worker] = await workers[worker]!.next();
    }
    for (const { done } of next) add(counts, done!);
  } finally {
    await Promise.all(workers.map((worker) => worker.close()));
  }
}

/** A worker that is always asked for some portions more than were taken. */
class EncodingWorker {
  readonly #worker: Worker;
  readonly #asked: PromiseWithResolvers<Portion>[] = [];
  readonly #coming: Promise<Portion>[] = [];

  constructor(job: Job) {
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG };
    const program = new URL("./worker.ts", import.meta.url);
    this.#worker = new Worker(program, { workerData: job, resourceLimits });
    this.#worker.on("message", (portion: Portion) => this.#asked.shift()!.resolve(portion));
    this.#worker.on("error", (fault) => {
      for (const { reject } of this.#asked.splice(0)) reject(fault);
    });
    for (let i = 0; i < AHEAD; i++) this.#ask();
  }

  next(): Promise<Portion> {
    this.#ask();
    return this.#coming.shift()!;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #ask(): void {
    const asked = Promise.withResolvers<Portion>();
    asked.promise.catch(() => {/* whoever takes the portion sees it */});
    this.#asked.push(asked);
    this.#coming.push(asked.promise);
    this.#worker.postMessage(null);
  }
}

/** An error loses its class on the way. */
function faultOf({ name, message }: { readonly name: string; readonly message: string }): Error {
  const Known = [ConfigError, FileError, RangeError, SyntaxError, TypeError]
    .find((Known) => Known.name === name);
  return Known ? new Known(message) : new Error(message);
}

function add(to: LoadCounts, { rows, skipped, cut, noted }: LoadCounts): void {
  to.rows += rows;
  to.skipped += skipped;
  to.cut += cut;
  for (const [what, count] of Object.entries(noted)) {
    to.noted[what as keyof LoadCounts["noted"]] += count;
  }
}
