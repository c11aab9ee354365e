// gelu: y = x / 2 * (1 + tanh(u)),  u = sqrt(2 / pi) * (x + 0.044715 x^3): the tanh approximation
//
//   x  [N]  read        y  [N]  write
//
// Dispatch: ceil(N / 1024) workgroups, 16 elements an invocation. N % 4 == 0.
// Twin: test/reference/gelu.ts

#import activation

override N: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * WORKGROUP;
  let first = index / 8 * 32 + index % 8;  // eight neighbours read 128 bytes side by side
  for (var i = first; i < min(first + 32, N / 4); i += 8) {
    y[i] = activation(x[i]);
  }
}
