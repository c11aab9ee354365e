/**
 * Rows of an embedding or a head that are trained in place of the base's.
 *
 * @module
 */
import type { Graph, Value } from "../../graph/graph.ts";
import type { Contents } from "../../graph/resources.ts";
import { add, type LowRank, replaceRows } from "../../ops/mod.ts";
import type { Attended, Matrix, TrainedRows } from "./adapt.ts";
import type { NetOptions } from "./options.ts";

/** A graph, and the tables that are made for it. */
interface Tabled {
  readonly graph: Graph;
  readonly tables: Map<string, Contents>;
}

/** Stands where there is no token. */
const NO_ID = 0xffffffff;

/** x with scale times the trained rows in place of those of their tokens. */
export function withTrained(
  net: Tabled,
  { ids, rows }: Pick<TrainedRows, "ids" | "rows">,
  x: Value, // [T, width]
  token: Value, // [T]
  scale = 1,
): Value {
  const table = tableOf(net, `tokens ${ids}`, [ids.length], "u32", () => Uint32Array.from(ids));
  return replaceRows(net.graph, x, rows, { token, ids: table }, scale);
}

/** x with what is trained of virtual tokens in place of their rows, or 0. */
export function withVirtual(
  net: Tabled,
  x: Value, // [T, width]
  token: Value, // [T]
  count = 0,
  vocabSize: number,
  rows: Value | undefined, // [count or more, width]; what is beyond is of no token
): Value {
  if (count === 0) return x;
  const shape = [count, x.shape[1]!];
  const found = rows ??
    tableOf(net, `no rows ${shape}`, shape, "f32", () => new Float32Array(shape[0]! * shape[1]!));
  const ids = Array.from({ length: found.shape[0]! }, (_, i) => i < count ? vocabSize + i : NO_ID);
  return withTrained(net, { ids, rows: found }, x, token);
}

/** The keys or values of a layer, with those of virtual tokens that are trained. */
export function withAttended(
  net: Tabled,
  { adapt, rows: { token } }: Pick<NetOptions, "adapt" | "rows">,
  { layer, part, vocabSize }: {
    readonly layer: number;
    readonly part: Attended;
    readonly vocabSize: number;
  },
  x: Value, // [T, width]
): Value {
  const rows = adapt?.virtual?.attended(net.graph, layer, part, x.shape[1]!);
  return rows ? withVirtual(net, x, token, adapt?.virtual?.count, vocabSize, rows) : x;
}

/** What trained rows add to the base's of a head: exactly 0 where they are the same. */
export function headUpdate(
  net: Tabled,
  { ids, rows, base }: TrainedRows,
  [vocabSize]: Matrix,
): LowRank {
  const [stored, count] = [Math.ceil(vocabSize / 4) * 4, ids.length];
  const less = tableOf(
    net,
    `less than rows ${ids}`,
    rows.shape,
    "f32",
    () => base().map((x) => -x),
  );
  const b = tableOf(net, `places of rows ${ids}`, [stored, count], "f32", () => {
    const places = new Float32Array(stored * count);
    for (const [i, id] of ids.entries()) if (id < vocabSize) places[id * count + i] = 1;
    return places;
  });
  return { a: add(net.graph, rows, less), b, scale: 1 };
}

/** A tensor that is made here rather than read from the checkpoint. */
function tableOf(
  { graph, tables }: Tabled,
  name: string,
  shape: readonly number[],
  type: "f32" | "u32",
  contents: Contents,
): Value {
  tables.set(name, contents);
  return graph.weight(name, shape, type, "rows");
}
