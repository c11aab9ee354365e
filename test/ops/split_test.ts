import { glu, split } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import * as reference from "../../src/reference/columns.ts";
import { glu as gluTwin } from "../../src/reference/glu.ts";

const widths = [12, 4, 8];
const stride = 24;

for (const [part, name] of ["first", "second", "third"].entries()) {
  const from = widths.slice(0, part).reduce((sum, width) => sum + width, 0);
  testOp({
    name: `split(), the ${name} part`,
    given: { x: { shape: [19, stride] } },
    build: (graph, { x }) => ({ y: split(graph, x!, widths)[part]! }),
    twin: ({ x }) => ({ y: reference.columns(x!, { stride, from, width: widths[part]! }) }),
  });
}

for (const [part, name] of ["first", "second"].entries()) {
  testOp({
    name: `split() of three heads, the ${name} part`,
    given: { x: { shape: [5, 3 * 12] } },
    build: (graph, { x }) => ({ y: split(graph, x!, [8, 4], 3)[part]! }),
    twin: ({ x }) => ({
      y: reference.columns(x!, { stride: 12, from: part * 8, width: part === 0 ? 8 : 4 }),
    }),
  });
}

for (const heads of [1, 2]) testGradient(heads);

function testGradient(heads: number): void {
  testOp({
    name: `split() of ${heads} heads and the gradient of all parts`,
    given: { x: { shape: [19, 16] } },
    build(graph, { x }) {
      const [gate, up] = split(graph, x!, [8 / heads, 8 / heads], heads);
      return { y: glu(graph, gate!, up!, "silu") };
    },
    twin: ({ x }) => {
      const part = (from: number) =>
        reference.columns(x!, { stride: 16 / heads, from, width: 8 / heads });
      return { y: gluTwin(part(0), part(8 / heads), "silu") };
    },
    gradient: { of: "y", by: ["x"] },
  });
}
