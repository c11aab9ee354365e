/**
 * A worker that encodes blocks of rows as they are sent to it.
 *
 * @module
 */

import { parentPort, workerData } from "node:worker_threads";
import { loadTokenizer } from "../../io/tokenizer/tokenizer.ts";
import type { DataEntry } from "../entry.ts";
import type { TargetMarks } from "../example.ts";
import { rowTokenizer } from "../tokenize/row_tokenizer.ts";
import type { LoadOptions } from "./examples.ts";
import { BlockEncoder } from "./row_block.ts";

/** What a worker encodes for. */
export interface Job {
  readonly entries: readonly DataEntry[];
  /** The model's. */
  readonly folder: string;
  readonly target: TargetMarks | undefined;
  readonly virtual: readonly number[] | undefined;
  readonly options: LoadOptions;
}

const { entries, folder, target, virtual = [], options } = workerData as Job;
const encoder = new BlockEncoder(entries, options, () => {
  const tokenizer = rowTokenizer({ tokenizer: loadTokenizer(folder), folder, config: { target } });
  return Object.defineProperty(tokenizer, "virtual", { value: virtual });
});

parentPort!.on("message", (block: ArrayBuffer) => {
  const { fault, ...encoded } = encoder.encode(new Uint8Array(block));
  // An error loses its class on the way.
  const told = fault && { fault: { name: fault.name, message: fault.message } };
  parentPort!.postMessage({ ...encoded, ...told }, [encoded.words]);
});
