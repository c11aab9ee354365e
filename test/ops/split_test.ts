import { gated, split } from "../../src/ops/mod.ts";
import { testOp } from "../harness.ts";
import * as reference from "../reference/columns.ts";
import { gated as gatedTwin } from "../reference/gated.ts";

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

testOp({
  name: "split() and the gradient of all parts",
  given: { x: { shape: [19, 16] } },
  build(graph, { x }) {
    const [gate, up] = split(graph, x!, [8, 8]);
    return { y: gated(graph, gate!, up!, "silu") };
  },
  twin: ({ x }) => {
    const part = (from: number) => reference.columns(x!, { stride: 16, from, width: 8 });
    return { y: gatedTwin(part(0), part(8), "silu") };
  },
  gradient: { of: "y", by: ["x"] },
});
