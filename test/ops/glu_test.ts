import { add, glu } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import * as reference from "../../src/reference/glu.ts";

const shape = [37, 36];

for (const activation of ["silu", "gelu"] as const) {
  testOp({
    name: `glu() by ${activation}`,
    given: { gate: { shape }, up: { shape }, zero: { shape, data: new Float32Array(37 * 36) } },
    build(graph, { gate, up, zero }) {
      // Backward writes over both.
      const [a, b] = [add(graph, gate!, zero!), add(graph, up!, zero!)];
      return { y: glu(graph, a, b, activation) };
    },
    twin: ({ gate, up }) => ({ y: reference.glu(gate!, up!, activation) }),
    gradient: { of: "y", by: ["gate", "up"] },
    magnitudes: [1, 32, 200], // exp(-gate) overflows from -88 on
  });
}
