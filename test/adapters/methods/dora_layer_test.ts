/** A linear layer under DoRA against PEFT's arithmetic in f64, its norm detached. */
import type { KernelSet } from "../../../src/gpu/device.ts";
import { DORA } from "../../../src/adapters/methods/dora.ts";
import { DRAW } from "../../../src/ops/mod.ts";
import { noise, type OpCase, testOp } from "../../harness.ts";
import { adaptedNorms } from "../../../src/reference/dora.ts";
import * as dropout from "../../../src/reference/dropout.ts";
import { linear } from "../../../src/reference/linear.ts";

const BOTH: KernelSet[] = ["register", "shared"];
const [M, N, K, R, scale] = [8, 12, 20, 4, 1.5];
const KEYS = { rate: 0.3, seed: 5, layer: 2 };

/** PEFT's `DoraLinearVariant.forward`; the norm is taken once, so that no difference sees it move. */
function peft(drops: boolean): OpCase["twin"] {
  let norms: Float64Array | undefined;
  return ({ x, w, a, b, magnitude, residual, draw }) => {
    norms ??= adaptedNorms(w!, a!, b!, { N, K, R, scale });
    const zero = new Float64Array(w!.length);
    const sizes = { M, N, K, R, scale };
    const product = (x: Float64Array, w: Float64Array, lora: boolean) =>
      linear(x, w, lora ? a : undefined, b, undefined, sizes);
    const seen = drops ? dropout.dropout(x!, { ...KEYS, draw: draw![0]! }) : x!;
    const [result, base, lora] = [
      product(x!, w!, false),
      product(seen, w!, false),
      product(seen, zero, true),
    ];
    return {
      y: result.map((y, i) => {
        const ratio = magnitude![i % N]! / norms![i % N]!;
        return y + (ratio - 1) * base[i]! + ratio * lora[i]! + residual![i]!;
      }),
    };
  };
}

function layerCase(drops: boolean): OpCase {
  const w = noise(N * K, 3);
  const norms = Float32Array.from(
    { length: N },
    (_, row) => Math.hypot(...w.subarray(row * K, (row + 1) * K)),
  );
  return {
    name: `a linear layer under DoRA${drops ? " with dropout" : ""}`,
    given: {
      x: { shape: [M, K] },
      w: { shape: [N, K], layout: "blocks", data: w },
      norms: { shape: [N], data: norms },
      a: { shape: [R, K] },
      b: { shape: [N, R] },
      magnitude: { shape: [N] },
      residual: { shape: [M, N] },
      ...(drops ? { [DRAW]: { shape: [1], type: "u32" as const, data: [77] } } : {}),
    },
    build(graph, { x, w, norms, a, b, magnitude, residual }) {
      const values = { x: x!, w: w!, residual, bias: () => undefined, rowNorms: () => norms! };
      const layer = { module: "m", seed: 5, ...values };
      const params = { a: a!, b: b!, magnitude: magnitude! };
      const dropout = drops ? KEYS : undefined;
      return { y: DORA.linear(graph, layer, { params, scale, isFeedForward: false, dropout }) };
    },
    twin: peft(drops),
    gradient: { of: "y", by: ["x", "a", "b", "magnitude", "residual"] },
    magnitudes: [1],
  };
}

testOp(layerCase(false), BOTH);
testOp(layerCase(true), BOTH);
