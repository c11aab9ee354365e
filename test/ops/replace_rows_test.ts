import assert from "node:assert/strict";
import { Graph } from "../../src/graph/graph.ts";
import { replaceRows, scale } from "../../src/ops/mod.ts";
import { replaceRows as twin } from "../../src/reference/replace_rows.ts";
import { type OpCase, testOp } from "../harness.ts";

const NONE = 0xffffffff;

function replaceCase(token: readonly number[], ids: readonly number[], D: number): OpCase {
  const [T, N] = [token.length, ids.length];
  return {
    name: `replaceRows() ${T}x${D}, ${N} of them`,
    given: {
      x: { shape: [T, D] },
      rows: { shape: [N, D] },
      token: { shape: [T], type: "u32", data: token },
      ids: { shape: [N], type: "u32", data: ids },
    },
    build: (graph, { x, rows, token, ids }) => {
      const places = { token: token!, ids: ids! };
      return { y: replaceRows(graph, scale(graph, x!, 2), rows!, places, 1.5) };
    },
    twin: ({ x, rows }) => ({
      y: twin(x!.map((x) => 2 * x), rows!, { token, ids, D, SCALE: 1.5 }),
    }),
    gradient: { of: "y", by: ["rows", "x"] },
  };
}

// Tokens that repeat, one that is none of the ids, an id that no token is, and padding.
testOp(replaceCase([3, 0, 900, 3, 17, 3, 5, 0, 901, 17, 3], [3, 901, 17, 44, 900, NONE, NONE], 12));
testOp(replaceCase([5], [5], 4));
testOp(replaceCase([1, 2, 1], [7], 20));

Deno.test("replaceRows() refuses rows that do not fit", () => {
  const graph = new Graph();
  const value = (name: string, shape: number[]) => graph.weight(name, shape, "f32", "rows");
  const replace = (T: number, rows: number[], N: number) => () =>
    replaceRows(graph, value(`x ${T}`, [T, 8]), value(`rows ${rows}`, rows), {
      token: graph.input(`token ${T}`, [T]),
      ids: graph.weight(`ids ${N}`, [N], "u32", "rows"),
    });
  assert.throws(replace(4, [2, 12], 2), /rows \[2,12\] for 2 ids of x 4 \[4,8\], wanted \[2,8\]/);
  assert.throws(replace(4, [3, 8], 2), /wanted \[2,8\]/);
  assert.throws(replace(65_536, [2, 8], 2), /Found 65536 tokens, wanted at most 65535/);
});
