/**
 * The strength of an adapter: what its update is multiplied by. 1 is the adapter as trained, 0 the
 * base.
 *
 * @module
 */
import { read, upload } from "../gpu/buffer.ts";
import type { Store } from "../graph/store.ts";

/** The params of an adapter at one moment. */
export type Snapshot = Uint8Array<ArrayBuffer>;

/** Copies the params as they are when the submitted work has been done, without waiting. */
export const takeSnapshot = (store: Store): Promise<Snapshot> =>
  read(store.device, store.flat("params"));

/**
 * Puts a snapshot back, at a strength: every `lora_B` is multiplied by it, which is what the same
 * factor on `lora_alpha` does.
 */
export function applySnapshot(store: Store, snapshot: Snapshot, strength = 1): void {
  upload(store.device, store.flat("params"), snapshot);
  if (strength === 1) return;
  const base = store.flat("params").offset;
  for (const name of store.paramNames.filter((name) => name.endsWith(".lora_B.weight"))) {
    const slice = store.param(name);
    const b = new Float32Array(snapshot.buffer, slice.offset - base, slice.size / 4);
    upload(store.device, slice, b.map((x) => x * strength));
  }
}
