// sentinel: found = 1 where a number of x is NaN or infinite, else as it was
//
//   x      [N]  read, f32 numbers by their bits
//   found  [1]  write; the host sets it to 0
//
// Dispatch: any number of workgroups that reads at most 65,535 numbers an invocation.
// Twin: src/reference/sentinel.ts

@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> found: array<u32>;

const WORKGROUP = 64u;
const EXPONENT = 0x7f800000u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  for (var i = id.x; i < arrayLength(&x); i += groups.x * WORKGROUP) {
    if ((x[i] & EXPONENT) == EXPONENT) { found[0] = 1; }
  }
}
