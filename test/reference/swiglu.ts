/** f64 twin of swiglu.wgsl: y = silu(gate) * up. */
export function swiglu(gate: Float64Array, up: Float64Array): Float64Array {
  return gate.map((a, i) => a * sigmoid(a) * up[i]!);
}

/** f64 twin of swiglu_backward.wgsl. */
export function swigluBackward(
  gate: Float64Array,
  up: Float64Array,
  dy: Float64Array,
): { dgate: Float64Array; dup: Float64Array } {
  const dsilu = (a: number) => sigmoid(a) + a * sigmoid(a) * sigmoid(-a);
  return {
    dgate: gate.map((a, i) => dy[i]! * up[i]! * dsilu(a)),
    dup: gate.map((a, i) => dy[i]! * a * sigmoid(a)),
  };
}

function sigmoid(a: number): number {
  return 1 / (1 + Math.exp(-a));
}
