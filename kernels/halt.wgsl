// halt: halted = 1 once a gradient is no finite number, and for good: adamw then leaves all as it was
//
//   norm    [1]  read, sum of squares of all gradients: NaN or infinite where one of them is
//   halted  [1]  read and write, in place; the host sets it to 0
//
// By bits, for a comparison with NaN may be folded away.
// Dispatch: 1 invocation.
// Twin: src/reference/halt.ts

@group(0) @binding(0) var<storage, read> norm: array<f32>;
@group(0) @binding(1) var<storage, read_write> halted: array<u32>;

const EXPONENT = 0x7f800000u;

@compute @workgroup_size(1)
fn main() {
  if ((bitcast<u32>(norm[0]) & EXPONENT) == EXPONENT) { halted[0] = 1; }
}
