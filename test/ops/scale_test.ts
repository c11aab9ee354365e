import { scale } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import * as reference from "../../src/reference/scale.ts";

testOp({
  name: "scale()",
  given: { x: { shape: [37, 36] } },
  build: (graph, { x }) => ({ y: scale(graph, x!, 0.3) }),
  twin: ({ x }) => ({ y: reference.scale(x!, Math.fround(0.3)) }),
  gradient: { of: "y", by: ["x"] },
});
