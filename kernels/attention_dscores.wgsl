// attention_dscores: ds[h, i, j] = SCALE * p[h, i, j] * (dy[i, h] . v[j, g] - delta[i, h])
// The gradient of the unscaled scores q . k, so that dq = dS K and dk = dS^T Q. g = h / (H / G)
//
//   dy     [T, H, D]  read
//   v      [T, G, D]  read
//   delta  [T, H]     read
//   start  [T]        read, the first key that row i sees; the last is i. start never falls
//   p      [H, T, T]  read and write, in place: probabilities in, ds out (make dv before)
//
// The tiles, the dispatch of (T / 8 * H, T / 8) invocations and the rules are those of
// attention_scores; hidden pairs stay 0 because p is.
// Twin: test/reference/attention.ts

#import fold

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

fn gradients(i: u32, h: u32, c: u32) -> mat4x4f {
  let stride = H * D / 4;
  let at = i * stride + h * (D / 4) + c;
  return mat4x4f(dy[at], dy[at + stride], dy[at + 2 * stride], dy[at + 3 * stride]);
}

fn values(j: u32, g: u32, c: u32) -> mat4x4f {
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

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let h = id.x % H;
  let g = h / (H / G);
  let i = fold(id.y, T / 8) * 8;
  let j = id.x / H * 8;
  if (j > i || j + 8 <= start[i]) { return; }

  var dp00 = mat4x4f();
  var dp01 = mat4x4f();
  var dp10 = mat4x4f();
  var dp11 = mat4x4f();
  for (var c = 0u; c < D / 4; c++) {
    let v0 = values(j, g, c);
    let v1 = values(j + 4, g, c);
    let dy0 = gradients(i, h, c);
    dp00 += v0 * dy0;
    dp01 += v1 * dy0;
    let dy1 = gradients(i + 4, h, c);
    dp10 += v0 * dy1;
    dp11 += v1 * dy1;
  }
  store(h, i, j, dp00);
  store(h, i, j + 4, dp01);
  store(h, i + 4, j, dp10);
  store(h, i + 4, j + 4, dp11);
}
