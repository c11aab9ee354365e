import assert from "node:assert/strict";
import { bytesOf, Graph, type NumberType, type Target } from "../../src/graph/graph.ts";
import { FORMATS } from "../../src/formats/mod.ts";
import { TOLD_APART } from "../formats/told_apart.ts";
import { embed } from "../../src/ops/mod.ts";
import { type OpCase, testOp } from "../harness.ts";
import * as reference from "../../src/reference/embed.ts";

/** Tokens that repeat, the ends of 64 rows and of the table among them; most ids stay unused. */
const tokensOf = (V: number) =>
  [3, 0, V - 1, 3, 3, 17, 5, 0, V - 2, 63, 64, 3, 127, 128, 17].filter((id) => id < V);

/** Positions sorted by token id, and where those of each id begin. */
function sort(token: readonly number[], V: number) {
  const ids = Array.from({ length: V + 1 }, (_, id) => id);
  return {
    order: token.map((_, t) => t).sort((a, b) => token[a]! - token[b]!),
    first: ids.map((id) => token.filter((other) => other < id).length),
  };
}

interface Sizes {
  V: number;
  D: number;
}

function embedCase(type: NumberType, { V, D }: Sizes): OpCase {
  const token = tokensOf(V);
  const scale = 1.5;
  return {
    name: `embed() ${type} ${V}x${D}`,
    given: {
      token: { shape: [token.length], type: "u32", data: token },
      table: { shape: [V, D], type, layout: "blocks" },
    },
    build: (graph, { token, table }) => ({ x: embed(graph, token!, table!, { scale }) }),
    twin({ token, table }) {
      const x = new Float64Array(token!.length * D);
      const sizes = { D, ROW0: 0, ROWS: V, SCALE: scale };
      return { x: reference.embed(Uint32Array.from(token!), x, table!, sizes) };
    },
  };
}

function trainedCase({ V, D }: Sizes): OpCase {
  const frozen = embedCase("f32", { V, D });
  const { order, first } = sort(tokensOf(V), V);
  return {
    ...frozen,
    name: `${frozen.name}, trained`,
    given: {
      ...frozen.given,
      order: { shape: [order.length], type: "u32", data: order },
      first: { shape: [V + 1], type: "u32", data: first },
    },
    build(graph, { token, table, order, first }) {
      const sorted = { order: order!, first: first! };
      return { x: embed(graph, token!, table!, { scale: 1.5, sorted }) };
    },
    gradient: { of: "x", by: ["table"] },
  };
}

testOp(trainedCase({ V: 37, D: 12 }));
testOp(embedCase("bf16", { V: 37, D: 12 }));
testOp(embedCase("f16", { V: 37, D: 12 }));
for (const type of TOLD_APART) {
  const { group, bytes } = FORMATS[type];
  testOp(embedCase(type, { V: 37, D: 3 * group }));
  // 64 or 128 rows in each part but the last: parts begin at whole units, 256-aligned.
  const parts = { name: `embed() ${type} in parts`, maxBinding: Math.max(4608, bytes(128, group)) };
  testOp({ ...embedCase(type, { V: 301, D: group }), ...parts });
}
// 64 rows of 128 bytes in each part but the last.
testOp({ ...embedCase("f32", { V: 150, D: 32 }), name: "embed() in parts", maxBinding: 8192 });

Deno.test("embed() binds every row of a large table in one of its parts", () => {
  const graph = new Graph();
  const table = graph.weight("table", [1001, 8], "bf16", "blocks");
  embed(graph, graph.input("token", [4]), table);
  const call = graph.calls[0]!;
  const launches = call.op.launches(call, { maxWords: 2100 } as Target);
  let row = 0;
  for (const { constants: { ROW0, ROWS }, weight } of launches) {
    assert.equal(ROW0, row);
    assert.deepEqual(weight, [{ value: table, offset: row * 16, size: Number(ROWS) * 16 }]);
    assert.ok(Number(ROWS) * 16 <= 2100 && row * 16 % 256 === 0);
    row += Number(ROWS);
  }
  assert.equal(row * 16, bytesOf(table));
});
