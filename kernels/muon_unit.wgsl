// muon_unit: Gram matrices as they are where the matrix has the norm 1
//
//   a[k] = g[k] / max(sqrt(trace(g[k])), 1e-7)^2
//
//   g, a  [K, STRIDE] of which [R, R] count  read, write
//
// Dispatch: K * R * R / 4 invocations. R % 4 == 0.
// Twin: src/reference/muon.ts
override K: u32;
override R: u32;
override STRIDE: u32;

@group(0) @binding(0) var<storage, read> g: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> a: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * 64;
  if (index >= K * R * R / 4) { return; }
  let k = index / (R * R / 4) * STRIDE / 4;
  var trace = 0.0;
  for (var i = 0u; i < R; i++) { trace += g[k + (i * R + i) / 4][i % 4]; }
  let norm = max(sqrt(trace), 1e-7);
  let at = k + index % (R * R / 4);
  a[at] = g[at] / norm / norm;
}
