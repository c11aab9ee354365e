/**
 * Workers that encode rows.
 *
 * @module
 */

import { Worker } from "node:worker_threads";
import { ConfigError, FileError } from "../../errors.ts";
import type { Job, Portion } from "./worker.ts";

/** MiB for what lives shortly; left alone, V8 takes 60 more, and is no faster. */
const YOUNG = 8;
/** Blocks that a worker has at a time: one that it encodes, and the next. */
const AHEAD = 2;
/** Each takes memory for a tokenizer. */
const MOST_WORKERS = 3;

/** How many workers a machine has use for. */
export const usefulWorkers = (): number => Math.min(navigator.hardwareConcurrency, MOST_WORKERS);

/** Some workers for one job. */
export class EncodingPool {
  readonly #workers: EncodingWorker[];

  constructor(job: Job, workers: number) {
    this.#workers = Array.from({ length: workers }, () => new EncodingWorker(job));
  }

  /** Blocks that keep all of them busy. */
  get room(): number {
    return AHEAD * this.#workers.length;
  }

  /** Encodes the rows of a block of lines (see `waitingLine`), which is gone then. */
  encode(block: Uint8Array<ArrayBuffer>): Promise<Portion> {
    const [idlest] = this.#workers.toSorted((a, b) => a.underWay - b.underWay);
    return idlest!.encode(block);
  }

  /** Ends them, whatever they are at. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.close()));
  }
}

class EncodingWorker {
  readonly #worker: Worker;
  readonly #asked: PromiseWithResolvers<Portion>[] = [];

  constructor(job: Job) {
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG };
    const program = new URL("./worker.ts", import.meta.url);
    this.#worker = new Worker(program, { workerData: job, resourceLimits });
    this.#worker.on("message", (portion: Portion) => this.#asked.shift()!.resolve(portion));
    this.#worker.on("error", (fault) => {
      for (const { reject } of this.#asked.splice(0)) reject(fault);
    });
  }

  get underWay(): number {
    return this.#asked.length;
  }

  encode(block: Uint8Array<ArrayBuffer>): Promise<Portion> {
    const asked = Promise.withResolvers<Portion>();
    asked.promise.catch(() => {/* whoever takes the portion sees it */});
    this.#asked.push(asked);
    this.#worker.postMessage(block, [block.buffer]);
    return asked.promise;
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

/** The error of a portion: an error loses its class on the way. */
export function faultOf({ name, message }: NonNullable<Portion["fault"]>): Error {
  const Known = [ConfigError, FileError, RangeError, SyntaxError, TypeError]
    .find((Known) => Known.name === name);
  return Known ? new Known(message) : new Error(message);
}
