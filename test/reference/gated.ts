import { gelu } from "./gelu.ts";

/** f64 twin of gated.wgsl: y = activation(gate) * up; gated_backward.wgsl is its derivative. */
export function gated(
  gate: Float64Array,
  up: Float64Array,
  activation: "silu" | "gelu",
): Float64Array {
  const y = activation === "gelu" ? gelu(gate) : gate.map((a) => a / (1 + Math.exp(-a)));
  return y.map((value, i) => value * up[i]!);
}
