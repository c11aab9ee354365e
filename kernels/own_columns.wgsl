// own_columns: y[t, c] = z[t, c] * scale[c] where owner[c] = row_of[t], else 0
//
//   y      [N / D, D]  write
//   z      [N / D, D]  read
//   scale  [D]         read
//   owner  [D]         read, numbers of adapters
//   row_of [N / D]     read, the number of each row's; one that owns no column for none
//
// Dispatch: ceil(N / 256) workgroups, 4 elements an invocation. D % 4 == 0.
// Twin: src/reference/own_columns.ts

override N: u32;
override D: u32;

@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(1) var<storage, read> z: array<vec4f>;
@group(0) @binding(2) var<storage, read> scale: array<vec4f>;
@group(0) @binding(3) var<storage, read> owner: array<vec4f>;
@group(0) @binding(4) var<storage, read> row_of: array<u32>;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = id.x + id.y * groups.x * WORKGROUP;
  if (i >= N / 4) { return; }
  let c = i % (D / 4);
  let is_own = owner[c] == vec4f(f32(row_of[i / (D / 4)]));
  y[i] = select(vec4f(), z[i] * scale[c], is_own);
}
