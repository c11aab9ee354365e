/**
 * Checkpoints of a run: params, moments and what its parts know after an update, enough to go on bit
 * for bit.
 *
 * @module
 */
import { join } from "node:path";
import { FileError } from "../errors.ts";
import { read, upload } from "../gpu/buffer.ts";
import type { Store } from "../graph/store.ts";
import { exists, onDisk } from "../io/files.ts";
import {
  openSafetensors,
  type TensorData,
  writeSafetensors,
} from "../io/safetensors/safetensors.ts";

/** The flat buffers that a run needs to go on. */
const KEPT = ["params", "m", "v"] as const;

/** How many checkpoints stay. */
const KEEP = 2;

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
 */
export async function saveCheckpoint(
  store: Store,
  folder: string,
  step: number,
  sections: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  onDisk(`Cannot make ${folder}`, () => Deno.mkdirSync(folder, { recursive: true }));
  const tensors: TensorData[] = [];
  for (const name of KEPT) {
    const data = await read(store.device, store.flat(name));
    tensors.push({ name, dtype: "F32", shape: [data.length / 4], data });
  }
  const kept = Object.entries(sections).map(([name, state]) => [name, JSON.stringify(state)]);
  const metadata = {
    ...Object.fromEntries(kept),
    step: String(step),
    params: store.paramNames.join(" "),
  };
  const path = join(folder, `step-${String(step).padStart(8, "0")}.safetensors`);
  writeSafetensors(path, tensors, metadata);
  for (const old of checkpoints(folder).slice(0, -KEEP)) Deno.removeSync(join(folder, old));
  return path;
}

/**
 * Loads the last checkpoint into the store.
 *
 * @throws {FileError} where it is damaged or of another model or adapter.
 */
export function loadCheckpoint(store: Store, folder: string): Resumed {
  const name = checkpoints(folder).at(-1);
  if (name === undefined) return { step: 0, sections: {} };
  const path = join(folder, name);
  using file = openSafetensors(path);
  if (file.metadata["params"] !== store.paramNames.join(" ")) {
    throw new FileError(`Cannot go on from ${path}: it holds other params than this run trains`);
  }
  for (const flat of KEPT) {
    const slice = store.flat(flat);
    const bytes = file.read(flat);
    if (bytes.length !== slice.size) {
      throw new FileError(`${path}: ${flat} has ${bytes.length} bytes, wanted ${slice.size}`);
    }
    upload(store.device, slice, bytes);
  }
  const { step, params: _, ...kept } = file.metadata;
  const sections = Object.entries(kept).map(([name, text]) => [name, parse(path, name, text)]);
  return { step: Number(step), sections: Object.fromEntries(sections) };
}

function parse(path: string, name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FileError(`${path}: what it holds of ${name} is no JSON`, { cause });
  }
}

/** Whether there is one to go on from. */
export const hasCheckpoint = (folder: string): boolean => checkpoints(folder).length > 0;

/** Names of the checkpoints, oldest first. */
function checkpoints(folder: string): string[] {
  if (!exists(folder)) return [];
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  return names.filter((name) => NAME.test(name)).sort();
}
