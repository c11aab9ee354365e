/**
 * The inputs of graphs that read a source with an encoder: rows of their own beside the decoder's.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import type { Graph, Value } from "../../graph/graph.ts";
import { cacheWrite, type Documents } from "../../ops/mod.ts";
import type { Family, RowInputs } from "./net.ts";

/**
 * Stops what is built for decoders alone.
 *
 * @throws {ConfigError} for a model with an encoder.
 */
export function refuseEncoder(
  { family, folder }: { readonly family: Family; readonly folder: string },
  what: string,
): void {
  if (!family.encode) return;
  throw new ConfigError(
    `${folder}: found an encoder beside the decoder (${family.modelTypes[0]}), ` +
      `wanted a decoder alone ${what}`,
  );
}

/** Packed sources, and which of their rows the decoder's rows see, as `batch` of data lays them out. */
export interface SourceRows {
  readonly tokens: Uint32Array; // [T]
  readonly positions: Uint32Array; // [T]
  readonly start: Uint32Array; // [T]
  readonly end: Uint32Array; // [T]
  /** Row i of the decoder sees those from `from[i]` on, up to `to[i]`, that one not included. */
  readonly from: Uint32Array; // [T]
  readonly to: Uint32Array; // [T]
  /** Row j of the source is seen by the decoder's from `first[j]` on, before `past[j]`. */
  readonly first: Uint32Array; // [T]
  readonly past: Uint32Array; // [T]
}

const nameOf = (input: keyof SourceRows): string => `source ${input}`;

/** Declares the inputs: the encoder's rows, and what the decoder sees of them. */
export function sourceInputs(graph: Graph, T: number): { rows: RowInputs; seen: Documents } {
  const input = (name: keyof SourceRows) => graph.input(nameOf(name), [T]);
  return {
    rows: {
      kind: "packed",
      bothWays: true,
      token: input("tokens"),
      position: input("positions"),
      start: input("start"),
      end: input("end"),
    },
    seen: {
      start: input("from"),
      end: input("past"),
      span: { stop: input("to"), first: input("first") },
    },
  };
}

/** Input of cached rows that see a source: its last row, [T]. */
export const SOURCE_LAST = "source_last";

/** The caches of a source's keys and values that a layer attends to, [slots, context, width]. */
export function sourceCaches(
  graph: Graph,
  layer: number,
  shape: readonly number[],
): [k: Value, v: Value] {
  const cache = (name: string) => graph.state(`source ${name} cache ${layer}`, shape);
  return [cache("key"), cache("value")];
}

/** What a replay writes to these inputs. */
export const sourceData = (source: SourceRows): [string, Uint32Array][] => {
  const { tokens, positions, start, end, from, to, first, past } = source;
  const inputs = { tokens, positions, start, end, from, to, first, past };
  return Object.entries(inputs).map(([name, data]) => [nameOf(name as keyof SourceRows), data]);
};

/** x in the cache of that name [slots, context, width], with what came before. */
export function inCache(
  graph: Graph,
  name: string,
  x: Value, // [T, width]
  rows: RowInputs & { readonly kind: "cached" },
): Value {
  const state = graph.state(name, [rows.slots, rows.context, x.shape[1]!]);
  return cacheWrite(graph, x, state, rows);
}
