// attention_scores: p[h, i, j] = SCALE * q[i, h] . k[j, g], where g = h / (H / G) is the group of h;
// with CAP, CAP * tanh of that / CAP
//
//   q      [T, H, D]  read        p  [H, T, T]  write
//   k      [T, G, D]  read
//   start  [T]        read, the first key that row i sees; the last is i. start never falls
//
// Only the 8x8 tiles that hold a visible pair are computed; the others keep what they had, and no
// attention kernel reads them. attention_softmax clears the hidden pairs of the computed tiles.
// Dispatch and rules: see score_tile.
// Twin: test/reference/attention.ts

#import score_tile
#import softcap

override T: u32;
override H: u32;
override G: u32;
override D: u32;
override SCALE: f32;
override CAP: f32 = 0;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> start: array<u32>;
@group(0) @binding(3) var<storage, read_write> p: array<vec4f>;

fn left(i: u32, h: u32, c: u32) -> mat4x4f {
  let stride = H * D / 4;
  let at = i * stride + h * (D / 4) + c;
  return mat4x4f(q[at], q[at + stride], q[at + 2 * stride], q[at + 3 * stride]);
}

fn right(j: u32, g: u32, c: u32) -> mat4x4f {
  let stride = G * D / 4;
  let at = j * stride + g * (D / 4) + c;
  return transpose(mat4x4f(k[at], k[at + stride], k[at + 2 * stride], k[at + 3 * stride]));
}

fn store(h: u32, i: u32, j: u32, scores: mat4x4f) {
  for (var r = 0u; r < 4; r++) {
    let s = SCALE * scores[r];
    p[((h * T + i + r) * T + j) / 4] = select(s, softcap(s, CAP), CAP > 0);
  }
}
