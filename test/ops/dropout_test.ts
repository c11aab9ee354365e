import assert from "node:assert/strict";
import { readFloats } from "../../src/gpu/buffer.ts";
import type { KernelSet } from "../../src/gpu/device.ts";
import { compile } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { DRAW, linear } from "../../src/ops/mod.ts";
import { dropout } from "../../src/ops/dropout.ts";
import { engine, noise, type OpCase, testOp } from "../harness.ts";
import * as reference from "../../src/reference/dropout.ts";
import * as linearReference from "../../src/reference/linear.ts";

const BOTH: KernelSet[] = ["register", "shared"];

/** A seed of more than 31 bits, and a draw whose hash wraps. */
const KEYS = { rate: 0.3, seed: 0x9747b28c, layer: 5 };
const draw = { shape: [1], type: "u32" as const, data: [0xfffffff1] };
const sizes = { ...KEYS, draw: draw.data[0]! };

for (const rate of [0, 0.3, 0.9]) {
  testOp({
    name: `dropout() of ${rate}`,
    given: { x: { shape: [37, 12] }, [DRAW]: draw },
    build: (graph, { x }) => ({ y: dropout(graph, x!, { ...KEYS, rate }) }),
    twin: ({ x }) => ({ y: reference.dropout(x!, { ...sizes, rate }) }),
    gradient: { of: "y", by: ["x"] },
  }, BOTH);
}

function linearCase({ M, N, K, R }: Record<"M" | "N" | "K" | "R", number>): OpCase {
  const scale = 1.5;
  return {
    name: `linear() with dropout, ${M}x${N}x${K} with rank ${R}`,
    given: {
      x: { shape: [M, K] },
      w: { shape: [N, K], type: "bf16", layout: "blocks", scaled: false },
      a: { shape: [R, K] },
      b: { shape: [N, R], scaled: false },
      [DRAW]: draw,
    },
    build(graph, { x, w, a, b }) {
      // Twice, so that the second part of dx is added to the first.
      const y = (layer: number) =>
        linear(graph, x!, w!, { adapter: { a: a!, b: b!, scale, dropout: { ...KEYS, layer } } });
      const first = y(5);
      return { y: linear(graph, x!, w!, { residual: first, adapter: undefined }), first };
    },
    twin({ x, w, a, b }) {
      const plain = linearReference.linear(x!, w!, undefined, undefined, undefined, {
        ...{ M, N, K, R, scale },
      });
      const zero = new Float64Array(w!.length);
      const dropped = reference.dropout(x!, sizes);
      const update = linearReference.linear(dropped, zero, a, b, plain, { M, N, K, R, scale });
      return { y: update.map((value, i) => value + plain[i]!), first: update };
    },
    gradient: { of: "y", by: ["x", "a", "b"] },
  };
}

testOp(linearCase({ M: 8, N: 12, K: 20, R: 4 }), BOTH);
testOp(linearCase({ M: 20, N: 8, K: 12, R: 8 }));

Deno.test("the mean over many draws is what no dropout gives, within its standard error", async () => {
  const shared = await engine();
  const [M, N, K, R, draws] = [8, 12, 36, 4, 600];
  const graph = new Graph();
  const given = (name: string, shape: number[]) => graph.input(name, shape, "f32");
  const [x, a, b] = [given("x", [M, K]), given("a", [R, K]), given("b", [N, R])];
  const w = Object.assign(given("w", [N, K]), { layout: "blocks" });
  const update = { a, b, scale: 2 };
  graph.output("plain", linear(graph, x, w, { adapter: update }));
  const drop = { ...KEYS, rate: 0.25 };
  graph.output("dropped", linear(graph, x, w, { adapter: { ...update, dropout: drop } }));
  const compiled = await compile(shared, graph);
  for (const [i, { name, shape }] of [x, w, a, b].entries()) {
    compiled.write(name, noise(shape[0]! * shape[1]!, i + 1));
  }
  const sum = new Float64Array(M * N);
  const squares = new Float64Array(M * N);
  for (let i = 0; i < draws; i++) {
    compiled.write(DRAW, Uint32Array.of(i));
    compiled.program.replay();
    for (const [at, y] of (await readFloats(shared.device, compiled.output("dropped"))).entries()) {
      sum[at]! += y;
      squares[at]! += y * y;
    }
  }
  const plain = await readFloats(shared.device, compiled.output("plain"));
  // Each number is off by a normal one in units of its own standard error.
  const apart = plain.map((y, i) => {
    const mean = sum[i]! / draws;
    const variance = (squares[i]! / draws - mean * mean) * draws / (draws - 1);
    return (mean - y) / Math.sqrt(variance / draws);
  });
  const meanSquare = apart.reduce((total, z) => total + z * z, 0) / apart.length;
  assert.ok(apart.every((z) => Math.abs(z) < 4.5), `${apart}`);
  assert.ok(meanSquare > 0.5 && meanSquare < 1.6, `${meanSquare}`);
  compiled.destroy();
});
