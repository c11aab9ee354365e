// muon_product: products of many small matrices, z[k] = x[k] y[k]; POLYNOMIAL: 3.4445 I - 4.775 x[k] + 2.0315 z[k]
//
//   x, y, z  [K, STRIDE] of which [R, R] count  read, read, write
//
// The coefficients are those of the quintic step of Newton and Schulz that Muon takes.
// Dispatch: K * R * R / 4 invocations, four numbers of a row each. R % 4 == 0.
// Twin: src/reference/muon.ts
override K: u32;
override R: u32;
override STRIDE: u32;
override POLYNOMIAL: bool;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> y: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> z: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * 64;
  if (index >= K * R * R / 4) { return; }
  let k = index / (R * R / 4) * STRIDE / 4;
  let i = index % (R * R / 4) / (R / 4);
  let j = index % (R / 4);
  var sum = vec4f(0);
  for (var c = 0u; c < R; c++) {
    sum += x[k + (i * R + c) / 4][c % 4] * y[k + c * R / 4 + j];
  }
  let at = k + i * R / 4 + j;
  if (POLYNOMIAL) {
    let one = select(vec4f(0), vec4f(1), vec4u(4 * j, 4 * j + 1, 4 * j + 2, 4 * j + 3) == vec4u(i));
    sum = 3.4445 * one - 4.775 * x[at] + 2.0315 * sum;
  }
  z[at] = sum;
}
