import { add, columnSquares } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import { columnSquares as twin } from "../../src/reference/column_squares.ts";

for (const [T, D, used] of [[1, 4, 1], [37, 36, 29], [8, 68, 0]] as const) {
  testOp({
    name: `columnSquares [${T},${D}], ${used} rows`,
    given: {
      x: { shape: [T, D] },
      before: { shape: [D] },
      zero: { shape: [D], data: new Float32Array(D) },
      used: { shape: [1], type: "u32", data: [used] },
    },
    build(graph, { x, before, zero, used }) {
      const squares = add(graph, before!, zero!); // it is written over
      return { sum: columnSquares(graph, x!, used!, squares) };
    },
    twin: ({ x, before }) => ({ sum: twin(x!, used, before!) }),
  });
}
