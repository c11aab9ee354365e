/**
 * Checkpoints of a run: params, moments and what its parts know after an update, enough to go on bit
 * for bit.
 *
 * @module
 */
import { join } from "node:path";
import { FileError } from "../errors.ts";
import { read, upload } from "../gpu/buffer.ts";
import type { Flat, Store } from "../graph/store.ts";
import { makeFolder, namesIn, remove } from "../io/folders.ts";
import { FiniteCheck } from "../io/safetensors/finite.ts";
import { openSafetensors } from "../io/safetensors/safetensors.ts";
import { readSealed, type WholeTensor, writeSealed } from "../io/safetensors/seal.ts";
import { Trouble } from "./trouble/trouble.ts";

/** The flat buffers that a run needs to go on, each as a tensor of its type. */
const keptOf = ({ moments }: Store): readonly { name: Flat; dtype: "F32" | "U32" }[] => [
  { name: "params", dtype: "F32" },
  ...moments.map(({ name, type }) => ({ name, dtype: type === "f32" ? "F32" : "U32" } as const)),
];

/** How many checkpoints stay. */
const KEEP = 3;

const NAME = /^step-(\d+)\.safetensors$/;

/** What a checkpoint holds beside the params and moments. */
export interface Resumed {
  /** Updates that were done; 0 where there is no checkpoint. */
  readonly step: number;
  /** What it kept of each part, by name. */
  readonly sections: Readonly<Record<string, unknown>>;
}

/**
 * Writes the state after `step` updates and drops all but the last checkpoints. A sync point.
 *
 * @param sections what is kept of each part of the run, as JSON.
 * @returns the path of the checkpoint.
 * @throws {Trouble} where a number is not finite: no checkpoint is ever poisoned.
 */
export async function saveCheckpoint(
  store: Store,
  folder: string,
  step: number,
  sections: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const tensors: WholeTensor[] = [];
  for (const { name, dtype } of keptOf(store)) {
    const data = await read(store.device, store.flat(name));
    const at = new FiniteCheck(dtype).take(data, true);
    if (at >= 0) throw new Trouble(step, `${name}[${at}]`, new Float32Array(data.buffer)[at]!);
    tensors.push({ name, dtype, shape: [data.length / 4], data });
  }
  const kept = Object.entries(sections).map(([name, state]) => [name, JSON.stringify(state)]);
  const metadata = {
    ...Object.fromEntries(kept),
    step: String(step),
    params: store.paramNames.join(" "),
  };
  makeFolder(folder);
  const path = join(folder, `step-${String(step).padStart(8, "0")}.safetensors`);
  writeSealed(path, tensors, metadata);
  for (const old of checkpoints(folder).slice(0, -KEEP)) remove(join(folder, old));
  return path;
}

/** Which checkpoint to load. */
export interface LoadOptions {
  /** Only one of fewer updates. */
  readonly before?: number;
  /** So many whole ones are passed over, from the newest on. */
  readonly skip?: number;
  /** Told of each that is damaged. */
  readonly say?: (line: string) => void;
}

/**
 * Loads the newest whole checkpoint into the store.
 *
 * @returns 0 updates where there is none to load.
 * @throws {FileError} where all are damaged, or it is of another model or adapter.
 */
export function loadCheckpoint(
  store: Store,
  folder: string,
  { before = Infinity, skip = 0, say = () => {} }: LoadOptions = {},
): Resumed {
  const faults: FileError[] = [];
  let whole = 0;
  const names = checkpoints(folder).filter((name) => stepOf(name) < before);
  for (const name of names.reverse()) {
    try {
      const read = readCheckpoint(join(folder, name));
      if (whole++ < skip) continue;
      return put(store, join(folder, name), read);
    } catch (fault) {
      if (!(fault instanceof FileError) || fault instanceof OtherParams) throw fault;
      faults.push(fault);
      say(`${fault.message}; looking for an older checkpoint`);
    }
  }
  if (faults.length === 0 || whole > 0) return { step: 0, sections: {} };
  throw new FileError(
    `${faults.map(({ message }) => message).join("; ")}: found no whole checkpoint to go on from`,
  );
}

/** Removes the checkpoints of more updates than `step`. */
export function dropCheckpointsAfter(folder: string, step: number): void {
  for (const name of checkpoints(folder)) if (stepOf(name) > step) remove(join(folder, name));
}

/** A whole checkpoint of another model or adapter. */
class OtherParams extends FileError {}

/** What a checkpoint file says, once it is known to be whole. */
type Contents = Resumed & {
  readonly params: string;
  readonly tensors: ReadonlyMap<string, Uint8Array>;
};

function readCheckpoint(path: string): Contents {
  using file = openSafetensors(path);
  const { tensors, metadata: { step, params = "", ...kept } } = readSealed(file);
  const sections = Object.entries(kept).map(([name, text]) => [name, JSON.parse(text)]);
  return { step: Number(step), params, tensors, sections: Object.fromEntries(sections) };
}

function put(store: Store, path: string, { step, params, tensors, sections }: Contents): Resumed {
  if (params !== store.paramNames.join(" ")) {
    throw new OtherParams(`Cannot go on from ${path}: it holds other params than this run trains`);
  }
  const kept = keptOf(store).map(({ name }) => name);
  if (new Set(kept).symmetricDifference(new Set(tensors.keys())).size > 0) {
    const [found, wanted] = [[...tensors.keys()], kept].map((names) => names.join(", "));
    throw new OtherParams(`${path}: found ${found}, wanted ${wanted}: it is of another optimizer`);
  }
  const flats = kept.map((flat) => ({ flat, slice: store.flat(flat), bytes: tensors.get(flat)! }));
  for (const { flat, slice, bytes } of flats) {
    if (bytes.length === slice.size) continue;
    throw new OtherParams(`${path}: ${flat} has ${bytes.length} bytes, wanted ${slice.size}`);
  }
  for (const { slice, bytes } of flats) upload(store.device, slice, bytes);
  return { step, sections };
}

/** Whether there is one to go on from. */
export const hasCheckpoint = (folder: string): boolean => checkpoints(folder).length > 0;

/** Names of the checkpoints, oldest first. */
function checkpoints(folder: string): string[] {
  return namesIn(folder).filter((name) => NAME.test(name)).sort();
}

const stepOf = (name: string): number => Number(NAME.exec(name)![1]);
