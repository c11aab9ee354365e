/**
 * Matrices put together as one.
 *
 * @module
 */
import text from "../../kernels/columns.wgsl" with { type: "text" };
import type { Graph, Launch, Op, Value } from "../graph/graph.ts";
import { perRow, requireMultiple, sizeOf } from "./launch.ts";

/** Whether parts lie below each other or side by side. */
type Along = "rows" | "columns";

type Parts = Readonly<Record<string, Value>>;

/**
 * Parts [R_i, C] below each other or [R, C_i] side by side.
 *
 * @throws {RangeError} where their other sizes differ, or sizes are no multiples of 4.
 */
export function join(graph: Graph, parts: readonly Value[], along: Along): Value {
  const [joined, other] = along === "rows" ? [0, 1] : [1, 0];
  const size = parts[0]!.shape[other]!;
  for (const { name, shape } of parts) {
    requireMultiple(4, { [`rows of ${name}`]: shape[0]!, [`columns of ${name}`]: shape[1]! });
    if (shape[other] === size) continue;
    throw new RangeError(`Cannot join [${shape}] to [${parts[0]!.shape}] along ${along}`);
  }
  const sum = parts.reduce((sum, { shape }) => sum + shape[joined]!, 0);
  const ins = Object.fromEntries(parts.map((part, i) => [`part ${i}`, part]));
  const shape = along === "rows" ? [sum, size] : [size, sum];
  return graph.call(JOIN, ins, { y: { shape } }, { along }).y;
}

export const JOIN: Op<Parts, { y: Value }, { along: Along }> = {
  name: "join",
  launches: ({ ins, outs: { y }, attrs: { along } }) =>
    placesOf(ins, along).map(({ part, from }) => {
      const { T, D, stride, column } = placed(part, y, along, from);
      return copy(part, y, { T, D, X_STRIDE: D, Y_STRIDE: stride, Y_COLUMN: column });
    }),
  backward(graph, { ins, outs: { y }, attrs: { along } }, gradients) {
    const dy = gradients.of(y)!;
    for (const { part, from } of placesOf(ins, along)) {
      if (!part.needs) continue;
      const { dx } = graph.call(JOIN_BACKWARD, { dy }, { dx: { shape: part.shape } }, {
        along,
        from,
      });
      gradients.add(part, dx);
    }
  },
};

/** dx: what of dy lies where one part did. */
export const JOIN_BACKWARD: Op<{ dy: Value }, { dx: Value }, { along: Along; from: number }> = {
  name: "join_backward",
  launches({ ins: { dy }, outs: { dx }, attrs: { along, from } }) {
    const { T, D, stride, column } = placed(dx, dy, along, from);
    return [copy(dy, dx, { T, D, X_STRIDE: stride, X_COLUMN: column, Y_STRIDE: D })];
  },
};

const copy = (x: Value, y: Value, constants: Launch["constants"] & { T: number }): Launch => ({
  kernel: { name: "columns", text },
  constants,
  bind: [x, y],
  groups: perRow(constants.T),
});

/** The parts with the row or column where each begins in the whole. */
function placesOf(parts: Parts, along: Along): { part: Value; from: number }[] {
  let next = 0;
  return Object.values(parts).map((part) => {
    const from = next;
    next += part.shape[along === "rows" ? 0 : 1]!;
    return { part, from };
  });
}

/** Numbers below each other lie one after another: they are copied 16 at a time. */
function placed(part: Value, whole: Value, along: Along, from: number) {
  const [rows, columns] = part.shape as [number, number];
  return along === "rows"
    ? { T: sizeOf(part) / 16, D: 16, stride: 16, column: from * columns }
    : { T: rows, D: columns, stride: whole.shape[1]!, column: from };
}
