// attention_dscores: ds[h, i, j] = SCALE * p[h, i, j] * (dy[i, h] . v[j, g] - delta[i, h])
// The gradient of the unscaled scores q . k, so that dq = dS K and dk = dS^T Q. g = h / (H / G)
//
//   dy     [T, H, D]  read
//   v      [T, G, D]  read
//   delta  [T, H]     read
//   start  [T]        read, the first key that row i sees; the last is i. start never falls
//   p      [H, T, T]  read and write, in place: probabilities in, ds out (make dv before)
//
// Hidden pairs stay 0 because p is. Dispatch and rules: see score_tile.
// Twin: test/reference/attention.ts

#import score_tile

override T: u32;
override H: u32;
override G: u32;
override D: u32;
override SCALE: f32;

@group(0) @binding(0) var<storage, read> dy: array<vec4f>;
@group(0) @binding(1) var<storage, read> v: array<vec4f>;
@group(0) @binding(2) var<storage, read> delta: array<f32>;
@group(0) @binding(3) var<storage, read> start: array<u32>;
@group(0) @binding(4) var<storage, read_write> p: array<vec4f>;

fn left(i: u32, h: u32, c: u32) -> mat4x4f {
  let stride = H * D / 4;
  let at = i * stride + h * (D / 4) + c;
  return mat4x4f(dy[at], dy[at + stride], dy[at + 2 * stride], dy[at + 3 * stride]);
}

fn right(j: u32, g: u32, c: u32) -> mat4x4f {
  let stride = G * D / 4;
  let at = j * stride + g * (D / 4) + c;
  return transpose(mat4x4f(v[at], v[at + stride], v[at + 2 * stride], v[at + 3 * stride]));
}

fn store(h: u32, i: u32, j: u32, dp: mat4x4f) {
  for (var r = 0u; r < 4; r++) {
    let at = ((h * T + i + r) * T + j) / 4;
    p[at] = SCALE * p[at] * (dp[r] - delta[(i + r) * H + h]);
  }
}
