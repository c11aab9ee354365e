// swiglu: y = silu(gate) * up,  silu(a) = a / (1 + exp(-a))
//
//   gate  [N]  read        y  [N]  write
//   up    [N]  read
//
// Dispatch: ceil(N / 1024) workgroups, 16 elements an invocation. N % 4 == 0.
// Twin: test/reference/swiglu.ts

override N: u32;

@group(0) @binding(0) var<storage, read> gate: array<vec4f>;
@group(0) @binding(1) var<storage, read> up: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * WORKGROUP;
  let first = index / 8 * 32 + index % 8;  // eight neighbours read 128 bytes side by side
  for (var i = first; i < min(first + 32, N / 4); i += 8) {
    let a = gate[i];
    y[i] = a / (1 + exp(-a)) * up[i];
  }
}
