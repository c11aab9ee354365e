/**
 * Checkpoints of a run: params and moments after an update, enough to go on bit for bit.
 *
 * @module
 */
import { join } from "node:path";
import { FileError } from "../errors.ts";
import { read, upload } from "../gpu/buffer.ts";
import type { Store } from "../graph/store.ts";
import { exists, onDisk } from "../io/files.ts";
import { openSafetensors, type TensorData, writeSafetensors } from "../io/safetensors.ts";

/** The flat buffers that a run needs to go on. */
const KEPT = ["params", "m", "v"] as const;

/** How many checkpoints stay. */
const KEEP = 2;

const NAME = /^step-(\d+)\.safetensors$/;

/** Writes the state after `step` updates and drops all but the last checkpoints. A sync point. */
export async function saveCheckpoint(store: Store, folder: string, step: number): Promise<void> {
  onDisk(`Cannot make ${folder}`, () => Deno.mkdirSync(folder, { recursive: true }));
  const tensors: TensorData[] = [];
  for (const name of KEPT) {
    const data = await read(store.device, store.flat(name));
    tensors.push({ name, dtype: "F32", shape: [data.length / 4], data });
  }
  const metadata = { step: String(step), params: store.paramNames.join(" ") };
  const name = `step-${String(step).padStart(8, "0")}.safetensors`;
  writeSafetensors(join(folder, name), tensors, metadata);
  for (const old of checkpoints(folder).slice(0, -KEEP)) Deno.removeSync(join(folder, old));
}

/**
 * Loads the last checkpoint.
 *
 * @returns how many updates it holds; 0 where there is none.
 * @throws {FileError} where it is damaged or of another model or adapter.
 */
export function loadCheckpoint(store: Store, folder: string): number {
  const name = checkpoints(folder).at(-1);
  if (name === undefined) return 0;
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
  return Number(file.metadata["step"]);
}

/** Names of the checkpoints, oldest first. */
function checkpoints(folder: string): string[] {
  if (!exists(folder)) return [];
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
  return names.filter((name) => NAME.test(name)).sort();
}
