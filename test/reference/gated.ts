import { activate } from "./activate.ts";

/** f64 twin of gated.wgsl: y = activation(gate) * up; gated_backward.wgsl is its derivative. */
export function gated(
  gate: Float64Array,
  up: Float64Array,
  activation: Parameters<typeof activate>[1],
): Float64Array {
  return activate(gate, activation).map((value, i) => value * up[i]!);
}
