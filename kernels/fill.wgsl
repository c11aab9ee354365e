// fill: y = VALUE
//
//   y  [N]  write
//
// Dispatch: N / 16 invocations, 16 elements each. N % 4 == 0.
// Twin: test/reference/fill.ts

override N: u32;
override VALUE: f32 = 0;

@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let first = 4 * (id.x + id.y * groups.x * WORKGROUP);
  for (var i = first; i < min(first + 4, N / 4); i++) {
    y[i] = vec4f(VALUE);
  }
}
