import { longContextAngles, rope } from "../../src/ops/mod.ts";
import { add } from "../../src/ops/add.ts";
import { type Given, testOp } from "../harness.ts";
import * as reference from "../../src/reference/rope.ts";
import * as twin from "../../src/reference/long_context_angles.ts";

/** Documents of 7, 6 and 3 rows, of which the first alone is long. */
const lengths = [7, 6, 3];
const [T, H, D, positions, than] = [16, 2, 8, 7, 6];
const from = (document: number) => lengths.slice(0, document).reduce((sum, n) => sum + n, 0);
const perRow = (of: (document: number, row: number) => number) =>
  Uint32Array.from(lengths.flatMap((n, d) => Array.from({ length: n }, (_, i) => of(d, i))));
const start = perRow(from);
const end = perRow((document) => from(document + 1));
const position = perRow((_, i) => i);
const angles = Float32Array.from({ length: 2 * positions * D }, (_, i) => Math.sin(i * i));
const rows: Given = { shape: [T], type: "u32" };

testOp({
  name: "rope() by longContextAngles()",
  given: {
    x: { shape: [T, H * D] },
    zero: { shape: [T, H * D], data: new Float32Array(T * H * D) },
    start: { ...rows, data: start },
    end: { ...rows, data: end },
    position: { ...rows, data: position },
    angles: { shape: [2 * positions, D], data: angles, scaled: false },
  },
  build(graph, { x, zero, start, end, position, angles }) {
    const attrs = { than, offset: positions };
    const row = longContextAngles(graph, { start: start!, end: end! }, position!, attrs);
    return { y: rope(graph, add(graph, x!, zero!), row, angles!, D) };
  },
  twin({ x, angles }) {
    const row = twin.longContextAngles({ start, end, position }, { THAN: than, OFFSET: positions });
    return { y: reference.rope(x!, row, angles!, { T, H, D, ROTARY: D, SIGN: 1 }) };
  },
  gradient: { of: "y", by: ["x"] },
});
