/**
 * The strength of an adapter: what its update is multiplied by. 1 is the adapter as trained, 0 the
 * base.
 *
 * @module
 */
import { towards } from "../../adapters/methods/method.ts";
import { read, upload } from "../../gpu/buffer.ts";
import type { Store } from "../../graph/store.ts";
import type { Model } from "../../models/model.ts";

/** Strengths that are tried: 0.05, 0.10, ..., 1. */
export const STRENGTHS: readonly number[] = Array.from({ length: 20 }, (_, i) => (i + 1) / 20);

/** Those that what is trained on a model has: virtual tokens are all there, or the base is read. */
export const strengthsOf = ({ virtualTokens }: Pick<Model, "virtualTokens">): readonly number[] =>
  virtualTokens > 0 ? [1] : STRENGTHS;

/** The params of an adapter at one moment. */
export type Snapshot = Uint8Array<ArrayBuffer>;

/** Copies the params as they are when the submitted work has been done, without waiting. */
export const takeSnapshot = (store: Store): Promise<Snapshot> =>
  read(store.device, store.flat("params"));

/** What a param is in the base; undefined for one that may keep its numbers. */
export type BaseOf = (param: string) => Float32Array | undefined;

/** Puts a snapshot back as it was. */
export function putSnapshot(store: Store, snapshot: Snapshot): void {
  upload(store.device, store.flat("params"), snapshot);
}

/**
 * Puts a snapshot back, at a strength: every param that the base has otherwise goes that part of the
 * way from there. One factor of an update comes from 0, which is what a factor on `lora_alpha` does.
 */
export function applySnapshot(
  store: Store,
  snapshot: Snapshot,
  strength: number,
  baseOf: BaseOf,
): void {
  putSnapshot(store, snapshot);
  if (strength === 1) return;
  const { offset } = store.flat("params");
  for (const name of store.paramNames) {
    const base = baseOf(name);
    if (!base) continue;
    const domain = store.param(name);
    const trained = new Float32Array(snapshot.buffer, domain.offset - offset, domain.size / 4);
    upload(store.device, domain, trained.map((x, i) => towards(base[i]!, x, strength)));
  }
}

/** {@link applySnapshot} where the programs of a model find it; at 0 they leave out virtual tokens. */
export function putAt(
  { model, store, base }: {
    readonly model: Model;
    readonly store: Store;
    readonly base: BaseOf;
  },
  snapshot: Snapshot,
  strength: number,
): void {
  model.hidesVirtual = model.virtualTokens > 0 && strength === 0;
  applySnapshot(store, snapshot, strength, base);
}
