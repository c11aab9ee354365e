// attention_mix: y[i, h] = sum over visible j of p[h, i, j] * x[j, g], where g = h / (H / G)
// Forward, y = P V. Backward, dq = dS K.
//
//   p      [H, T, T]  read, 0 at the hidden pairs of a computed tile
//   x      [T, G, D]  read
//   start  [T]        read, the first key that row i sees; the last is i. start never falls
//   y      [T, H, D]  write
//
// Dispatch: (H * D / 8, T / 8) invocations, 8 rows of 8 columns each as 2x2 blocks of 4x4; block[r]
// is row r. T % 8 == 0, D % 8 == 0.
// Twin: test/reference/attention.ts

#import fold

override T: u32;
override H: u32;
override G: u32;
override D: u32;

@group(0) @binding(0) var<storage, read> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> start: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

fn weights(h: u32, i: u32, j: u32) -> mat4x4f {
  let stride = T / 4;
  let at = (h * T + i) * stride + j / 4;
  return mat4x4f(p[at], p[at + stride], p[at + 2 * stride], p[at + 3 * stride]);
}

fn values(j: u32, column: u32) -> mat4x4f {
  let stride = G * D / 4;
  let at = j * stride + column / 4;
  return mat4x4f(x[at], x[at + stride], x[at + 2 * stride], x[at + 3 * stride]);
}

fn store(i: u32, column: u32, block: mat4x4f) {
  for (var r = 0u; r < 4; r++) {
    y[((i + r) * H * D + column) / 4] = block[r];
  }
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x * 8;
  let h = column / D;
  let i = fold(id.y, T / 8) * 8;
  if (h >= H) { return; }
  let from_column = h / (H / G) * D + column % D;

  var y00 = mat4x4f();
  var y01 = mat4x4f();
  var y10 = mat4x4f();
  var y11 = mat4x4f();
  for (var j = start[i] / 8 * 8; j < i + 8; j += 4) {
    let x0 = values(j, from_column);
    let x1 = values(j, from_column + 4);
    let p0 = weights(h, i, j);
    y00 += x0 * p0;
    y01 += x1 * p0;
    let p1 = weights(h, i + 4, j);
    y10 += x0 * p1;
    y11 += x1 * p1;
  }
  store(i, column, y00);
  store(i, column + 4, y01);
  store(i + 4, column, y10);
  store(i + 4, column + 4, y11);
}
