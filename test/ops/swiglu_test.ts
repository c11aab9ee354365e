import { add, swiglu } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import * as reference from "../reference/swiglu.ts";

const shape = [37, 36];

testOp({
  name: "swiglu()",
  given: { gate: { shape }, up: { shape }, zero: { shape, data: new Float32Array(37 * 36) } },
  build(graph, { gate, up, zero }) {
    // Backward writes over both.
    return { y: swiglu(graph, add(graph, gate!, zero!), add(graph, up!, zero!)) };
  },
  twin: ({ gate, up }) => ({ y: reference.swiglu(gate!, up!) }),
  gradient: { of: "y", by: ["gate", "up"] },
  magnitudes: [1, 32, 200], // exp(-gate) overflows from -88 on
});
