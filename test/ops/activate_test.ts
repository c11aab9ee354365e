import { activate } from "../../src/ops/mod.ts";
import { noise, testOp } from "../harness.ts";
import * as reference from "../../src/reference/activate.ts";

/** Up to 4, where they are curved; beyond they are flat or straight. */
const data = noise(37 * 36, 1).map((x) => 4 * x);

for (const activation of ["silu", "gelu", "gelu_erf", "relu", "tanh"] as const) {
  testOp({
    name: `activate() by ${activation}`,
    given: { x: { shape: [37, 36], data } },
    build: (graph, { x }) => ({ y: activate(graph, x!, activation) }),
    twin: ({ x }) => ({ y: reference.activate(x!, activation) }),
    gradient: { of: "y", by: ["x"] },
    magnitudes: [0.1, 1, 8, 50],
  });
}
