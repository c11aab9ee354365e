import { activate } from "./activate.ts";

/** f64 twin of glu.wgsl: y = activation(gate) * up; glu_backward.wgsl is its derivative. */
export function glu(
  gate: Float64Array,
  up: Float64Array,
  activation: Parameters<typeof activate>[1],
): Float64Array {
  return activate(gate, activation).map((value, i) => value * up[i]!);
}
