import { gelu } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import * as reference from "../reference/gelu.ts";

testOp({
  name: "gelu()",
  given: { x: { shape: [37, 36] } },
  build: (graph, { x }) => ({ y: gelu(graph, x!) }),
  twin: ({ x }) => ({ y: reference.gelu(x!) }),
  gradient: { of: "y", by: ["x"] },
  magnitudes: [1, 4, 32], // curved up to 4, then flat or straight
});
