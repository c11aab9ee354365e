/**
 * Workers that encode blocks of rows.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import { ConfigError, FileError } from "../../errors.ts";
import type { DataEntry } from "../entry.ts";
import type { RowTokenizer } from "../example.ts";
import type { LoadOptions } from "./examples.ts";
import { BlockEncoder, type EncodedBlock } from "./row_block.ts";
import type { Job } from "./worker.ts";

/** Where the tokenizer of a model is from: a worker reads one of its own. */
export interface TokenizerSource {
  readonly tokenizer: RowTokenizer;
  readonly folder: string;
}

/**
 * MiB for what lives shortly, and for the rest: a tokenizer of 256,000 tokens and 520,000 merges takes
 * 300. V8 lets a heap that may grow beyond 1 GiB take several times of what lives in it.
 */
const HEAP = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 1024 };
/** Bytes of a row beyond which it is not left to a worker: where its heap is full, Deno says nothing. */
const LARGEST = 4 << 20;
/** Blocks that a worker has at a time: one that it encodes, and the next. */
const AHEAD = 2;

/** A program that imports the worker's file: Node's `Worker` takes a file, not an address. */
const PROGRAM = new URL(
  "data:text/javascript," +
    encodeURIComponent(`import ${JSON.stringify(import.meta.resolve("./worker.ts"))};`),
);

/** Some workers for the rows of some entries; without any, this thread encodes. */
export class EncodingPool {
  readonly #workers: EncodingWorker[];
  readonly #own: BlockEncoder;

  constructor(
    entries: readonly DataEntry[],
    { tokenizer, folder }: TokenizerSource,
    options: LoadOptions,
    workers: number,
  ) {
    const job: Job = {
      entries,
      folder,
      target: tokenizer.target,
      virtual: tokenizer.virtual,
      options,
    };
    this.#workers = Array.from({ length: workers }, () => new EncodingWorker(job));
    this.#own = new BlockEncoder(entries, options, () => tokenizer);
  }

  /** Blocks that keep all of them busy. */
  get capacity(): number {
    return Math.max(1, AHEAD * this.#workers.length);
  }

  /** Encodes a block of lines (see `PendingRow`), which is gone then. */
  async encode(block: Uint8Array<ArrayBuffer>): Promise<EncodedBlock> {
    const [idlest] = this.#workers.toSorted((a, b) => a.pending - b.pending);
    if (!idlest || block.length > LARGEST) return this.#own.encode(block);
    return await idlest.encode(block);
  }

  /** Ends them, whatever they are at. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }
}

class EncodingWorker {
  readonly #worker: Worker;
  readonly #asked: PromiseWithResolvers<EncodedBlock>[] = [];

  constructor(job: Job) {
    this.#worker = new Worker(PROGRAM, { workerData: job, resourceLimits: HEAP });
    this.#worker.on("message", ({ fault, ...encoded }: EncodedBlock) => {
      this.#asked.shift()!.resolve({ ...encoded, ...(fault && { fault: errorOf(fault) }) });
    });
    this.#worker.on("error", (fault) => {
      for (const { reject } of this.#asked.splice(0)) reject(fault);
    });
  }

  get pending(): number {
    return this.#asked.length;
  }

  encode({ buffer }: Uint8Array<ArrayBuffer>): Promise<EncodedBlock> {
    const asked = Promise.withResolvers<EncodedBlock>();
    this.#asked.push(asked);
    // A bare buffer, here and back: of a typed array, Deno would look at each element.
    this.#worker.postMessage(buffer, [buffer]);
    return asked.promise;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** An error of the class that its name tells. */
function errorOf({ name, message }: Pick<Error, "name" | "message">): Error {
  const Known = [ConfigError, FileError, RangeError, SyntaxError, TypeError]
    .find((Known) => Known.name === name);
  return Known ? new Known(message) : new Error(message);
}
