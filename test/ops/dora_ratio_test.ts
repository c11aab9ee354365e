import assert from "node:assert/strict";
import { readFloats } from "../../src/gpu/buffer.ts";
import type { KernelSet } from "../../src/gpu/device.ts";
import { compile } from "../../src/graph/compile.ts";
import { Graph, type NumberType } from "../../src/graph/graph.ts";
import { doraRatio } from "../../src/ops/mod.ts";
import { engine, noise, type OpCase, testOp } from "../harness.ts";
import { pack } from "../../src/check/layout.ts";
import { adaptedNorms } from "../../src/reference/dora.ts";

const BOTH: KernelSet[] = ["register", "shared"];

interface Sizes {
  N: number;
  K: number;
  R: number;
}

/** A weight as the device has it, and the norms of its rows. */
function weight(type: NumberType, { N, K }: Sizes) {
  const w = pack(noise(N * K, 3), [N, K], type, "blocks").rounded;
  const norms = Float32Array.from(
    { length: N },
    (_, row) => Math.hypot(...w.subarray(row * K, (row + 1) * K)),
  );
  return { w, norms };
}

function ratioCase(type: NumberType, sizes: Sizes): OpCase {
  const { N, K, R } = sizes;
  const scale = 1.5;
  const { w, norms } = weight(type, sizes);
  return {
    name: `doraRatio() of ${type} [${N}, ${K}] with rank ${R}`,
    given: {
      w: { shape: [N, K], type, layout: "blocks", data: w, scaled: false },
      norms: { shape: [N], data: norms, scaled: false },
      a: { shape: [R, K] },
      b: { shape: [N, R], scaled: false },
      magnitude: { shape: [N], scaled: false },
    },
    build: (graph, { w, norms, a, b, magnitude }) => ({
      ratio: doraRatio(graph, {
        ...{ w: w!, norms: norms!, a: a!, b: b!, magnitude: magnitude!, scale },
      }),
    }),
    twin({ w, a, b, magnitude }) {
      const n = adaptedNorms(w!, a!, b!, { ...sizes, scale });
      return { ratio: magnitude!.map((m, row) => m / n[row]!) };
    },
    gradient: { of: "ratio", by: ["magnitude"] },
  };
}

testOp(ratioCase("f32", { N: 20, K: 12, R: 4 }), BOTH);
testOp(ratioCase("bf16", { N: 44, K: 36, R: 8 }), BOTH);
testOp(ratioCase("f16", { N: 12, K: 100, R: 12 }));
testOp(ratioCase("q4_1", { N: 12, K: 96, R: 4 }));

Deno.test("without an update the ratio is 1 exactly, also of a row of zeros", async () => {
  const shared = await engine();
  const sizes = { N: 40, K: 36, R: 4 };
  const { w, norms } = weight("f32", sizes);
  w.fill(0, 0, sizes.K);
  norms[0] = 0;
  const graph = new Graph();
  const given = {
    w: graph.input("w", [sizes.N, sizes.K], "f32"),
    norms: graph.input("norms", [sizes.N], "f32"),
    a: graph.input("a", [sizes.R, sizes.K], "f32"),
    b: graph.input("b", [sizes.N, sizes.R], "f32"),
    magnitude: graph.input("magnitude", [sizes.N], "f32"),
  };
  Object.assign(given.w, { layout: "blocks" });
  graph.output("ratio", doraRatio(graph, { ...given, scale: 2 }));
  const compiled = await compile(shared, graph);
  const numbers = {
    ...{ w: pack(w, [sizes.N, sizes.K], "f32", "blocks").stored, norms, magnitude: norms },
    ...{ a: noise(sizes.R * sizes.K, 5), b: new Float32Array(sizes.N * sizes.R) },
  };
  for (const [name, data] of Object.entries(numbers)) compiled.write(name, data);
  compiled.program.replay();
  const ratio = await readFloats(shared.device, compiled.output("ratio"));
  assert.deepEqual(ratio, new Float32Array(sizes.N).fill(1));
  compiled.destroy();
});
