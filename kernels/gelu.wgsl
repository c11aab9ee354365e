// gelu: y = x / 2 * (1 + tanh(u)),  u = sqrt(2 / pi) * (x + 0.044715 x^3): the tanh approximation
//
//   x  [N]  read        y  [N]  write
//
// (1 + tanh(u)) / 2 is written as 1 / (1 + exp(-2u)), which no driver can overflow.
// Dispatch: ceil(N / 1024) workgroups, 16 elements an invocation. N % 4 == 0.
// Twin: test/reference/gelu.ts

override N: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> y: array<vec4f>;

const WORKGROUP = 64u;
const SLOPE = 0.7978845608028654;  // sqrt(2 / pi)
const CUBIC = 0.044715;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * WORKGROUP;
  let first = index / 8 * 32 + index % 8;  // eight neighbours read 128 bytes side by side
  for (var i = first; i < min(first + 32, N / 4); i += 8) {
    let a = x[i];
    let u = SLOPE * a * (1 + CUBIC * a * a);
    y[i] = a / (1 + exp(-2 * u));
  }
}
