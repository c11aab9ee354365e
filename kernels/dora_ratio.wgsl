// dora_ratio: ratio = magnitude / n,  n = |row of W + SCALE B A|,  inverse = 1 / n
//
// n^2 = base^2 + 2 SCALE (b . q), for q = a (W + SCALE / 2 B A)^T: with d = SCALE b A the row of the
// update, |w + d|^2 = |w|^2 + 2 w . d + d . d.
//
//   magnitude  [N]     read        ratio    [N]  write
//   base       [N]     read, |w|   inverse  [N]  write
//   b          [N, R]  read
//   q          [R, N]  read
//
// Where there is no update, n is base as it was read, and where n is the magnitude the ratio is 1: the
// base stays what it is bit for bit. A row that comes to nothing, as far as f32 can tell, has the
// inverse 0.
// Dispatch: N invocations, one row each. N % 4 == 0, R % 4 == 0.
// Twin: src/reference/dora.ts

override N: u32;
override R: u32;
override SCALE: f32;

@group(0) @binding(0) var<storage, read> magnitude: array<f32>;
@group(0) @binding(1) var<storage, read> base: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read> q: array<f32>;
@group(0) @binding(4) var<storage, read_write> ratio: array<f32>;
@group(0) @binding(5) var<storage, read_write> inverse: array<f32>;

const ROUNDING = 1e-7;  // of n^2, as a share of base^2

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = id.x + id.y * groups.x * 8;
  if (row >= N) { return; }

  var sum = 0.0;
  for (var r = 0u; r < R; r++) {
    sum += b[row * R + r] * q[r * N + row];
  }
  let w = base[row];
  var n = w;
  if (sum != 0) { n = sqrt(max(w * w + 2 * SCALE * sum, ROUNDING * w * w)); }

  if (n == 0) { inverse[row] = 0; } else { inverse[row] = 1 / n; }
  if (magnitude[row] == n) { ratio[row] = 1; } else { ratio[row] = magnitude[row] * inverse[row]; }
}
