/**
 * Binding: the launches of a planned graph become dispatches over buffers and textures.
 *
 * @module
 */
import type { Slice } from "../gpu/buffer.ts";
import type { Copy, Dispatch } from "../gpu/program.ts";
import { READS } from "../gpu/reads.ts";
import type { TexelFormat, Texels } from "../gpu/texture.ts";
import {
  type Bound,
  bytesOf,
  describe,
  type Launch,
  type Target,
  type Value,
  valueOf,
} from "./graph.ts";
import type { Store } from "./store.ts";
import { isTexels, type Twin, type Twins } from "./twins.ts";

/** A launch, and what it makes. */
export type Labelled = Launch & { readonly label: string };

/** Where everything lies. */
export interface Memory {
  readonly store: Store;
  readonly target: Target;
  readonly twins: Twins;
  /** The textures of the twins. */
  readonly textures: readonly Texels[];
  /** The buffers of the plan. */
  readonly slots: readonly GPUBuffer[];
  sliceOf(value: Value): Slice;
}

/** Binds launches, once a list. */
export class Binder {
  readonly #copies = new Map<number, Copy[]>();
  /** What is copied once, before the first replay. */
  readonly frozen: Copy[] = [];

  constructor(readonly memory: Memory) {
    for (const twin of memory.twins.twins) {
      if (twin.frozen) {
        this.frozen.push(this.#copy(twin));
        continue;
      }
      const copies = this.#copies.get(twin.first) ?? [];
      this.#copies.set(twin.first, [...copies, this.#copy(twin)]);
    }
  }

  dispatches(launches: readonly Labelled[]): Dispatch[] {
    const { target } = this.memory;
    return launches.map((launch, index) => {
      const { kernel, bind, matrices = 0, before = false, weight = [] } = launch;
      const reads = before && target.matrixReads === "texture";
      const copies = this.#copies.get(index);
      return {
        ...launch,
        kernel: { ...kernel, imports: { ...READS[target.matrixReads], ...kernel.imports } },
        bind: bind.map((bound, binding) => {
          const isMatrix = binding > 0 && binding <= matrices;
          return this.#bind(launch, bound, isMatrix ? "rgba32float" : null);
        }),
        weight: weight.map((bound) => {
          if (!bound) return undefined;
          const isWords = valueOf(bound).layout === "blocks";
          return this.#bind(launch, bound, isWords ? "rgba32uint" : null);
        }),
        before: reads ? this.#bind(launch, bind[0]!, "rgba32float") : undefined,
        ...(copies ? { copies } : {}),
      };
    });
  }

  #bind(launch: Launch, bound: Bound, format: TexelFormat | null): Slice | Texels {
    const { twins, textures, store, target } = this.memory;
    const value = valueOf(bound);
    if (format !== null && isTexels(value, target)) {
      return store.texels(value, "value" in bound ? bound : { offset: 0, size: bytesOf(value) });
    }
    const twin = format === null ? undefined : twins.find(launch, bound, format);
    if (twin) {
      requireBindable(value, twin.range.size, target.maxWords);
      return textures[twins.slotOf.get(twin)!]!;
    }
    const slice = this.memory.sliceOf(value);
    const part = "value" in bound
      ? { buffer: slice.buffer, offset: slice.offset + bound.offset, size: bound.size }
      : slice;
    requireBindable(value, part.size, target.maxBinding);
    return part;
  }

  #copy(twin: Twin): Copy {
    const { slots, sliceOf, textures, twins } = this.memory;
    const { range: { home, offset, size }, gate } = twin;
    const at = typeof home === "number" ? { buffer: slots[home]!, offset: 0 } : sliceOf(home);
    return {
      from: { buffer: at.buffer, offset: at.offset + offset, size },
      to: textures[twins.slotOf.get(twin)!]!,
      ...(gate === undefined ? {} : { gate }),
    };
  }
}

function requireBindable(value: Value, bytes: number, most: number): void {
  if (bytes > most) throw new RangeError(tooLarge(value, bytes, most));
}

const tooLarge = (value: Value, bytes: number, most: number): string =>
  `${describe(value)} takes ${bytes} bytes, this adapter binds at most ${most}`;

/** The first value that a device cannot bind, in words; null where it can bind all. */
export function unbindable(launches: readonly Launch[], target: Target): string | null {
  for (const { bind, matrices = 0 } of launches) {
    for (const [binding, bound] of bind.entries()) {
      const isTexture = target.matrixReads === "texture" && binding > 0 && binding <= matrices;
      const most = isTexture ? target.maxWords : target.maxBinding;
      const value = valueOf(bound);
      const bytes = "value" in bound ? bound.size : bytesOf(value);
      const isInParts = isTexture && isTexels(value, target);
      if (bytes > most && !isInParts) return tooLarge(value, bytes, most);
    }
  }
  return null;
}
