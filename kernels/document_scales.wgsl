// document_scales: by[t] = counted[t] / |largest peak of the rows from start[t] to end[t]|
//
//   peak     [T]  read        counted  [T]  read
//   start    [T]  read        end      [T]  read, at most T
//   by       [T]  write
//
// Dispatch: T invocations, one row each. T < 65,536.
// Twin: src/reference/document_scales.ts

override T: u32;

@group(0) @binding(0) var<storage, read> peak: array<f32>;
@group(0) @binding(1) var<storage, read> counted: array<f32>;
@group(0) @binding(2) var<storage, read> start: array<u32>;
@group(0) @binding(3) var<storage, read> end: array<u32>;
@group(0) @binding(4) var<storage, read_write> by: array<f32>;

const WORKGROUP = 8u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let t = id.x + id.y * groups.x * WORKGROUP;
  if (t >= T) { return; }
  var most = peak[start[t]];
  for (var row = start[t] + 1; row < end[t]; row++) { most = max(most, peak[row]); }
  by[t] = 0;
  if (counted[t] != 0) { by[t] = counted[t] / abs(most); }
}
