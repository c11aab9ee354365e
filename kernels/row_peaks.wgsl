// row_peaks: peak[t] = the largest x[t, c] of the row
//
//   x  [T, D]  read        peak  [T]  write
//
// Dispatch: T invocations, one row each. D % 4 == 0.
// Twin: src/reference/document_scales.ts

override T: u32;
override D: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> peak: array<f32>;

const WORKGROUP = 8u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let t = id.x + id.y * groups.x * WORKGROUP;
  if (t >= T) { return; }
  var most = x[t * (D / 4)];
  for (var c = 1u; c < D / 4; c++) { most = max(most, x[t * (D / 4) + c]); }
  peak[t] = max(max(most.x, most.y), max(most.z, most.w));
}
