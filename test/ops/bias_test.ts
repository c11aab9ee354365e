import { bias } from "../../src/ops/mod.ts";
import { add } from "../../src/ops/add.ts";
import { testOp } from "../harness.ts";
import * as reference from "../../src/reference/bias.ts";

testOp({
  name: "bias()",
  given: {
    x: { shape: [37, 12] },
    b: { shape: [12] },
    zero: { shape: [37, 12], data: new Float32Array(37 * 12) },
  },
  build: (graph, { x, b, zero }) => ({ y: bias(graph, add(graph, x!, zero!), b!) }), // in place
  twin: ({ x, b }) => ({ y: reference.bias(x!, b!) }),
  gradient: { of: "y", by: ["x", "b"] },
});
