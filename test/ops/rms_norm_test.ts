import { rmsNorm } from "../../src/ops/mod.ts";
import { type OpCase, testOp } from "../harness.ts";
import * as reference from "../../src/reference/rms_norm.ts";

interface Sizes {
  T: number;
  /** Numbers of a row of x, and of a weight. */
  width: number;
  D: number;
  UNIT: number;
}

function rmsNormCase(name: string, { T, width, D, UNIT }: Sizes): OpCase {
  const EPS = 1e-5;
  return {
    name: `rmsNorm() of ${name}`,
    given: { x: { shape: [T, width] }, weight: { shape: [D], scaled: false } },
    build: (graph, { x, weight }) => ({ y: rmsNorm(graph, x!, weight!, EPS, UNIT) }),
    twin: ({ x, weight }) => ({
      y: reference.rmsNorm(x!, weight!, { T: T * width / D, D, EPS, UNIT }).y,
    }),
    gradient: { of: "y", by: ["x", "weight"] },
  };
}

testOp(rmsNormCase("tokens", { T: 12, width: 20, D: 20, UNIT: 0 }));
// More rows than there are parts of the weight's gradient.
testOp(rmsNormCase("heads", { T: 40, width: 24, D: 8, UNIT: 0 }));
testOp(rmsNormCase("tokens with unit 1", { T: 9, width: 12, D: 12, UNIT: 1 }));
