import { FORMATS } from "../../src/formats/mod.ts";
import { TOLD_APART } from "../formats/told_apart.ts";
import type { NumberType } from "../../src/graph/graph.ts";
import { logits } from "../../src/ops/mod.ts";
import { type OpCase, testOp } from "../harness.ts";
import { matmulNt } from "../../src/reference/matmul.ts";
import { gatherRows } from "../../src/reference/rows.ts";
import { softcap } from "../../src/reference/softcap.ts";

function logitsCase(type: NumberType, V: number, D: number, cap?: number): OpCase {
  const T = 8;
  const rows = [7, 0, 0xffffffff, 3];
  const N = rows.length;
  const stored = Math.ceil(V / 4) * 4;
  return {
    name: `logits() ${type} ${V}x${D}${cap ? `, capped at ${cap}` : ""}`,
    given: {
      x: { shape: [T, D] },
      w: { shape: [V, D], type, layout: "blocks", scaled: false },
      rows: { shape: [N], type: "u32", data: rows },
    },
    build: (graph, { x, w, rows }) => ({ logits: logits(graph, x!, w!, rows!, { cap }) }),
    twin({ x, w, rows }) {
      const hidden = gatherRows(x!, Uint32Array.from(rows!), { T, D, N });
      const padded = new Float64Array(stored * D);
      padded.set(w!);
      const plain = matmulNt(hidden, padded, { M: N, N: stored, K: D, SCALE: 1 });
      return { logits: softcap(plain, cap ?? 0) };
    },
  };
}

testOp(logitsCase("f32", 37, 12));
testOp(logitsCase("f32", 37, 12, 0.5));
// 64 rows of 64 bytes in each part but the last.
testOp({ ...logitsCase("bf16", 150, 32), name: "logits() in parts", maxBinding: 4096 });
for (const type of TOLD_APART) {
  const { group, bytes } = FORMATS[type];
  const maxBinding = Math.max(4608, bytes(128, group));
  testOp(logitsCase(type, 37, 3 * group));
  testOp({ ...logitsCase(type, 261, group), name: `logits() ${type} in parts`, maxBinding });
}
