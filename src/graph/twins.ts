/**
 * Twins: textures beside buffers, where kernels read matrices through textures. A twin is filled by
 * a copy after its buffer has been written and before it is read. No copy can stand inside a pass,
 * so those of neighbouring launches are made together.
 *
 * @module
 */
import { writtenBindings } from "../gpu/kernel.ts";
import { READS } from "../gpu/reads.ts";
import { texelBytes, type TexelFormat } from "../gpu/texture.ts";
import { type Bound, bytesOf, type Launch, type Target, type Value, valueOf } from "./graph.ts";
import { type Plan, shareSlots } from "./plan.ts";

/** Bytes of a slot of the plan, or of a value with memory of its own. */
export interface Range {
  readonly home: number | Value;
  readonly offset: number;
  readonly size: number;
}

/** A range as some launches read it. */
export interface Twin {
  readonly range: Range;
  readonly format: TexelFormat;
  /** The smallest gate of its readers; undefined where one has none. */
  gate: number | undefined;
  /** Of a frozen tensor: it is copied once, before the first replay. */
  readonly frozen: boolean;
  /** The launch before which it is copied, and the last that reads it. */
  first: number;
  last: number;
  readonly bytes: number;
}

/** The twins of a list of launches, and the textures that they share. */
export interface Twins {
  readonly twins: readonly Twin[];
  readonly slots: readonly { readonly bytes: number; readonly format: TexelFormat }[];
  readonly slotOf: ReadonlyMap<Twin, number>;
  /** The twin through which a launch reads what it binds; undefined where it reads no twin. */
  find(launch: Launch, bound: Bound, format: TexelFormat): Twin | undefined;
}

/** Launches that a twin waits unread for its next reader, rather than being copied again. */
const KEPT = 8;

/** Launches by which a copy may come too soon to share a break between passes; more save no break. */
const AHEAD = 4;

/** Frozen matrices in blocks lie in textures from the start. */
export const isTexels = ({ kind, layout }: Value, { matrixReads }: Target): boolean =>
  matrixReads === "texture" && kind === "weight" && layout === "blocks";

/** What a launch reads as matrices, and in which format. */
function matricesOf(launch: Launch): [Bound, TexelFormat][] {
  const { bind, weight = [], matrices = 0, before = false } = launch;
  const words = weight.filter((bound) => bound && valueOf(bound).layout === "blocks");
  return [
    ...bind.slice(before ? 0 : 1, 1 + matrices).map((bound) => [bound, "rgba32float"] as const),
    ...words.map((bound) => [bound!, "rgba32uint"] as const),
  ].map(([bound, format]) => [bound, format]);
}

/**
 * Plans the twins of launches over planned memory; none where the device reads buffers. `guard`
 * bytes behind each temporary value belong to it.
 */
export function planTwins(
  launches: readonly Launch[],
  plan: Pick<Plan, "slotOf" | "homeOf">,
  target: Target,
  guard = 0,
): Twins {
  const finder = new Finder(plan, target, guard);
  if (target.matrixReads === "texture") {
    for (const [index, launch] of launches.entries()) finder.add(launch, index);
  }
  finder.gather();
  return { ...share(finder.twins, launches.length), find: finder.find };
}

/** A twin with what is needed to place its copy. */
type Found = Twin & { ready: number; placed: boolean };

class Finder {
  readonly twins: Found[] = [];
  readonly #written = new Map<Range["home"], (Range & { index: number })[]>();
  /** Twins whose ranges have not been written since. */
  readonly #fresh = new Map<Range["home"], Map<string, Found>>();
  readonly #reads = new Map<Launch, Found[]>();

  constructor(
    readonly plan: Pick<Plan, "slotOf" | "homeOf">,
    readonly target: Target,
    readonly guard: number,
  ) {}

  add(launch: Launch, index: number): void {
    for (const [bound, format] of matricesOf(launch)) {
      if (!isTexels(valueOf(bound), this.target)) this.#read(launch, index, bound, format);
    }
    const kernel = { ...launch.kernel, imports: { ...READS.texture, ...launch.kernel.imports } };
    for (const binding of writtenBindings(kernel)) {
      const range = this.#rangeOf(launch.bind[binding]!);
      const writes = this.#written.get(range.home) ?? [];
      this.#written.set(range.home, writes);
      writes.push({ ...range, index });
      const fresh = this.#fresh.get(range.home);
      for (const [key, twin] of fresh ?? []) {
        if (overlap(twin.range, range)) fresh!.delete(key);
      }
    }
  }

  /** Moves copies forward to breaks between passes that there are anyway. */
  gather(): void {
    for (const [i, { first, placed }] of this.twins.entries()) {
      if (placed) continue;
      for (const other of this.twins.slice(i)) {
        if (other.first > first + AHEAD) break;
        if (other.placed || other.ready > first) continue;
        Object.assign(other, { first, placed: true });
      }
    }
  }

  find = (launch: Launch, bound: Bound, format: TexelFormat): Twin | undefined => {
    const { home, offset, size } = this.#rangeOf(bound);
    return this.#reads.get(launch)?.find(({ range, format: is }) =>
      range.home === home && range.offset === offset && range.size === size && is === format
    );
  };

  #read(launch: Launch, index: number, bound: Bound, format: TexelFormat): void {
    const range = this.#rangeOf(bound);
    const key = keyOf(range, format);
    const fresh = this.#fresh.get(range.home) ?? new Map<string, Found>();
    this.#fresh.set(range.home, fresh);
    let twin = fresh.get(key);
    const frozen = typeof range.home !== "number" && range.home.kind === "weight";
    if (!twin || (!frozen && index - twin.last > KEPT)) {
      const writes = (this.#written.get(range.home) ?? []).filter((by) => overlap(by, range));
      const ready = 1 + (writes.at(-1)?.index ?? -1);
      const bytes = texelBytes(range.size);
      const { gate } = launch;
      const life = { first: index, last: index, placed: frozen };
      twin = { range, format, bytes, gate, frozen, ready, ...life };
      this.twins.push(twin);
      fresh.set(key, twin);
    }
    twin.last = index;
    if (launch.gate === undefined || twin.gate === undefined) twin.gate = undefined;
    else twin.gate = Math.min(twin.gate, launch.gate);
    this.#reads.set(launch, [...(this.#reads.get(launch) ?? []), twin]);
  }

  #rangeOf(bound: Bound): Range {
    const value = valueOf(bound);
    const home = this.plan.slotOf.get(value) ?? this.plan.homeOf.get(value) ?? value;
    if ("value" in bound) return { home, offset: bound.offset, size: bound.size };
    return { home, offset: 0, size: bytesOf(value) + (typeof home === "number" ? this.guard : 0) };
  }
}

const keyOf = ({ offset, size }: Range, format: TexelFormat): string =>
  `${offset} ${size} ${format}`;

const overlap = (a: Range, b: Range): boolean =>
  a.offset < b.offset + b.size && b.offset < a.offset + a.size;

/** Textures shared by lifetime; one has one format. */
function share(twins: readonly Twin[], end: number): Omit<Twins, "find"> {
  const slots: { bytes: number; format: TexelFormat }[] = [];
  const slotOf = new Map<Twin, number>();
  for (const format of ["rgba32float", "rgba32uint"] as const) {
    const spans = twins.filter((twin) => twin.format === format).map((twin) => {
      const { bytes, frozen, first, last } = twin;
      return { twin, bytes, ...(frozen ? { first: 0, last: end } : { first, last }) };
    });
    const shared = shareSlots(spans, end);
    for (const [{ twin }, slot] of shared.slotOf) slotOf.set(twin, slots.length + slot);
    slots.push(...shared.slots.map((bytes) => ({ bytes, format })));
  }
  return { twins, slots, slotOf };
}
