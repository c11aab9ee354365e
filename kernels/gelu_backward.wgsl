// gelu_backward: dx = dy * (s + x * s * (1 - s) * 2u'),  s = 1 / (1 + exp(-2u)),
// where u = sqrt(2 / pi) * (x + 0.044715 x^3), as in gelu
//
//   x   [N]  read
//   dy  [N]  read and write, in place: becomes dx
//
// Dispatch: ceil(N / 1024) workgroups, 16 elements an invocation. N % 4 == 0.
// Twin: test/reference/gelu.ts

override N: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> dy: array<vec4f>;

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
    let du = SLOPE * (1 + 3 * CUBIC * a * a);
    let s = 1 / (1 + exp(-2 * u));
    dy[i] *= s + a * s * (1 - s) * 2 * du;
  }
}
