/**
 * Virtual tokens in front of every document that a model reads.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import type { Graph } from "../graph/graph.ts";
import type { Adapt } from "./layers/adapt.ts";
import type { NetOptions } from "./layers/net.ts";

/** What says how many there are. */
interface Prepended {
  readonly virtualTokens: number;
}

/** What says so, and whether their adapter is at strength 0. */
interface Hiding extends Prepended {
  readonly hidesVirtual: boolean;
}

/** An adapter that changes nothing: virtual tokens that nobody has given embeddings. */
export function unchanging({ virtualTokens: count }: Prepended): Adapt {
  const none = () => undefined;
  const virtual = { count, embeddings: none, attended: none };
  return { virtual, linear: none, lowRank: none, table: none, tensor: none };
}

/** @throws {ConfigError} where there is another number of them already. */
export function refuseOther(before: number, wanted: number): void {
  if (before === 0 || before === wanted) return;
  throw new ConfigError(
    `Found adapters of ${before} and of ${wanted} virtual tokens on one open model, wanted one`,
  );
}

/** Inputs of graphs that read documents as if no virtual tokens stood in front of them. */
export const OWN = { position: "own position", start: "own start" } as const;

/** How many virtual tokens a decoder with that adapter, or none, is to leave out now. */
export const hiddenBy = (
  { virtualTokens, hidesVirtual }: Hiding,
  adapt: Adapt | undefined,
): number => adapt?.virtual && !hidesVirtual ? 0 : virtualTokens;

/**
 * What a graph reads where virtual tokens stand in front of documents: without their adapter the
 * documents as they are by themselves, of which no token sees those. Over a cache it is for who feeds
 * it to leave them out.
 *
 * @throws {ConfigError} for an adapter of another number of them.
 */
export function besideVirtual<Options extends Pick<NetOptions, "rows" | "adapt">>(
  graph: Graph,
  model: Prepended,
  options: Options,
): Options {
  const { rows, adapt } = options;
  if (adapt?.virtual) refuseOther(model.virtualTokens, adapt.virtual.count);
  const hides = model.virtualTokens > 0 && !adapt?.virtual;
  if (!hides || rows.kind !== "packed") return options;
  const input = (name: string) => graph.input(name, rows.token.shape);
  const own = { ...rows, position: input(OWN.position), start: input(OWN.start) };
  return { ...options, rows: own, adapt: { ...unchanging(model), ...adapt } };
}

/** {@link OWN} of packed documents, each of which begins with so many virtual tokens. */
export function ownRows(
  { positions, start }: { readonly positions: Uint32Array; readonly start: Uint32Array },
  virtualTokens: number,
) {
  const isOwn = (row: number) => positions[row]! >= virtualTokens;
  return {
    position: positions.map((position, row) => isOwn(row) ? position - virtualTokens : position),
    start: start.map((first, row) => isOwn(row) ? first + virtualTokens : first),
  };
}
