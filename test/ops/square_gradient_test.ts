import { add } from "../../src/ops/mod.ts";
import { ADD_SQUARES } from "../../src/ops/square_gradient.ts";
import { testOp } from "../harness.ts";
import { addSquares } from "../../src/reference/add_squares.ts";

for (const shape of [[4, 4], [37, 36]]) {
  const zeros = new Float32Array(shape[0]! * shape[1]!);
  testOp({
    name: `ADD_SQUARES ${shape}`,
    given: { x: { shape }, before: { shape }, zero: { shape, data: zeros } },
    build(graph, { x, before, zero }) {
      const squares = add(graph, before!, zero!); // it is written over
      const { sum } = graph.call(ADD_SQUARES, { x: x!, squares }, { sum: { shape } }, {});
      return { sum: sum! };
    },
    twin: ({ x, before }) => ({ sum: addSquares(x!, before!) }),
  });
}
