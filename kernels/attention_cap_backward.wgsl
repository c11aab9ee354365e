// attention_cap_backward: ds[h, i, j] *= 1 - tanh(SCALE * q[i, h] . k[j, g] / CAP)^2, the slope of
// the capped scores, where g = h / (H / G)
//
//   q      [T, H, D]  read        ds  [H, T, T]  read and write, in place
//   k      [T, G, D]  read
//   start  [T]        read, the first key that row i sees; the last is i. start never falls
//
// The tiles, the dispatch of (T / 8 * H, T / 8) invocations and the rules are those of
// attention_scores.
// Twin: test/reference/attention.ts

#import fold
#import softcap

override T: u32;
override H: u32;
override G: u32;
override D: u32;
override SCALE: f32;
override CAP: f32;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> start: array<u32>;
@group(0) @binding(3) var<storage, read_write> ds: array<vec4f>;

fn queries(i: u32, h: u32, c: u32) -> mat4x4f {
  let stride = H * D / 4;
  let at = i * stride + h * (D / 4) + c;
  return mat4x4f(q[at], q[at + stride], q[at + 2 * stride], q[at + 3 * stride]);
}

fn keys(j: u32, g: u32, c: u32) -> mat4x4f {
  let stride = G * D / 4;
  let at = j * stride + g * (D / 4) + c;
  return transpose(mat4x4f(k[at], k[at + stride], k[at + 2 * stride], k[at + 3 * stride]));
}

fn store(h: u32, i: u32, j: u32, scores: mat4x4f) {
  for (var r = 0u; r < 4; r++) {
    ds[((h * T + i + r) * T + j) / 4] *= softcap_slope(softcap(SCALE * scores[r], CAP), CAP);
  }
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let h = id.x % H;
  let g = h / (H / G);
  let i = fold(id.y, T / 8) * 8;
  let j = id.x / H * 8;
  if (j > i || j + 8 <= start[i]) { return; }

  var p00 = mat4x4f();
  var p01 = mat4x4f();
  var p10 = mat4x4f();
  var p11 = mat4x4f();
  for (var c = 0u; c < D / 4; c++) {
    let k0 = keys(j, g, c);
    let k1 = keys(j + 4, g, c);
    let q0 = queries(i, h, c);
    p00 += k0 * q0;
    p01 += k1 * q0;
    let q1 = queries(i + 4, h, c);
    p10 += k0 * q1;
    p11 += k1 * q1;
  }
  store(h, i, j, p00);
  store(h, i, j + 4, p01);
  store(h, i + 4, j, p10);
  store(h, i + 4, j + 4, p11);
}
