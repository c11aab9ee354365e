// scale_columns: y[t, c] = z[t, c] * s[c], plus residual[t, c] where RESIDUAL
//
//   z         [N / D, D]  read        y  [N / D, D]  write
//   s         [D]         read
//   residual  [N / D, D]  read, anything without RESIDUAL
//
// Dispatch: ceil(N / 1024) workgroups, 16 elements an invocation. D % 4 == 0.
// Twin: src/reference/scale_columns.ts

override N: u32;
override D: u32;
override RESIDUAL: bool = false;

@group(0) @binding(0) var<storage, read> z: array<vec4f>;
@group(0) @binding(1) var<storage, read> s: array<vec4f>;
@group(0) @binding(2) var<storage, read> residual: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * WORKGROUP;
  let first = index / 8 * 32 + index % 8;  // eight neighbours read 128 bytes side by side
  for (var i = first; i < min(first + 32, N / 4); i += 8) {
    let scaled = z[i] * s[i % (D / 4)];
    if (RESIDUAL) { y[i] = residual[i] + scaled; } else { y[i] = scaled; }
  }
}
