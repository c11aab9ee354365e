import type { Launch } from "../../src/graph/graph.ts";
import { LAYER_NORM, LAYER_NORM_BACKWARD } from "../../src/ops/layer_norm.ts";
import { add, layerNorm } from "../../src/ops/mod.ts";
import { noise, type OpCase, testOp } from "../harness.ts";
import * as reference from "../../src/reference/layer_norm.ts";

const EPS = 1e-5;

/** Rows whose mean is far larger than their spread. */
const farFromZero = (length: number) => noise(length, 5).map((x) => 30 + x);

function layerNormCase(name: string, T: number, D: number, data?: Float32Array): OpCase {
  return {
    name: `layerNorm() of ${name}`,
    given: {
      x: { shape: [T, D], ...(data && { data }) },
      weight: { shape: [D], scaled: false },
      bias: { shape: [D], scaled: false },
    },
    build: (graph, { x, weight, bias }) => ({ y: layerNorm(graph, x!, weight!, bias!, EPS) }),
    twin: ({ x, weight, bias }) => ({
      y: reference.layerNorm(x!, weight!, bias!, { T, D, EPS }).y,
    }),
    gradient: { of: "y", by: ["x", "weight", "bias"] },
  };
}

testOp(layerNormCase("tokens", 12, 20), ["register", "shared"]);
// More rows than there are parts of the weight's gradient; more fours than lanes.
testOp(layerNormCase("many rows", 70, 12), ["register", "shared"]);
testOp(layerNormCase("long rows", 3, 292), ["register", "shared"]);
testOp(
  { ...layerNormCase("a large mean", 9, 64, farFromZero(9 * 64)), tolerance: 2e-5 }, // x itself has 2e-6
  ["register", "shared"],
);

/** Backward on top of `before`, on grids of three columns as those beyond 65,535 rows are. */
function foldedCase(T: number, D: number): OpCase {
  const fold = (launch: Launch): Launch => ({
    ...launch,
    groups: [3, Math.ceil(launch.groups[0] / 3)],
  });
  const forward: typeof LAYER_NORM = {
    ...LAYER_NORM,
    launches: (...call) => LAYER_NORM.launches(...call).map(fold),
  };
  const backward: typeof LAYER_NORM_BACKWARD = {
    ...LAYER_NORM_BACKWARD,
    launches: (...call) => LAYER_NORM_BACKWARD.launches(...call).map(fold),
  };
  const rows = { shape: [T, D] };
  const vector = { shape: [D], scaled: false };
  return {
    name: `LAYER_NORM and LAYER_NORM_BACKWARD of ${T} rows of ${D}`,
    given: { x: rows, weight: vector, bias: vector, dy: rows, before: rows },
    build(graph, { x, weight, bias, dy, before }) {
      const outs = { y: rows, mean: { shape: [T] }, rstd: { shape: [T] } };
      const ins = { x: x!, weight: weight!, bias: bias! };
      const { y, mean, rstd } = graph.call(forward, ins, outs, { eps: EPS });
      const twice = add(graph, before!, before!); // the op may take it over: it is no input
      const all = { x: x!, weight: weight!, mean, rstd, dy: dy!, before: twice };
      return { y, dx: graph.call(backward, all, { dx: rows }, {}).dx };
    },
    twin({ x, weight, bias, dy, before }) {
      const { y, mean, rstd } = reference.layerNorm(x!, weight!, bias!, { T, D, EPS });
      const twice = before!.map((d) => 2 * d);
      const sizes = { T, D, ADD: true };
      const dx = reference.layerNormBackward(x!, weight!, mean, rstd, dy!, twice, sizes);
      return { y, dx };
    },
  };
}

testOp(foldedCase(10, 20), ["shared"]);
testOp(foldedCase(7, 1228), ["shared"]);
