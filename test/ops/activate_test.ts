import { activate } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import * as reference from "../reference/activate.ts";

for (const activation of ["silu", "gelu", "gelu_erf"] as const) {
  testOp({
    name: `activate() by ${activation}`,
    given: { x: { shape: [37, 36] } },
    build: (graph, { x }) => ({ y: activate(graph, x!, activation) }),
    twin: ({ x }) => ({ y: reference.activate(x!, activation) }),
    gradient: { of: "y", by: ["x"] },
    magnitudes: [1, 4, 32, 200], // curved up to 4, then flat or straight
  });
}
