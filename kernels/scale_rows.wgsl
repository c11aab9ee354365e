// scale_rows: y[t, c] = x[t, c] * by[t]
//
//   x   [N / D, D]  read        y  [N / D, D]  write
//   by  [N / D]     read
//
// Dispatch: ceil(N / 256) workgroups, 4 elements an invocation. D % 4 == 0.
// Twin: src/reference/scale_rows.ts

override N: u32;
override D: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> by: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= N / 4) { return; }
  y[i] = x[i] * by[i / (D / 4)];
}
