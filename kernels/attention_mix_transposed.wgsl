// attention_mix_transposed: y[j, g] = sum of p[h, i, j] * x[i, h] over the heads h of group g and
// the rows i that see key j
// Backward, dv = P^T dy and dk = dS^T Q.
//
//   p    [H, T, T]  read, 0 at the hidden pairs of a computed tile
//   x    [T, H, D]  read
//   end  [T]        read, one past the last row that sees key j
//   y    [T, G, D]  write
//
// Dispatch: (G * D / 8, T / 8) invocations, 8 rows of 8 columns each as 2x2 blocks of 4x4; block[r]
// is row r. T % 8 == 0, D % 8 == 0, H / G * T / 4 < 65,535 rounds.
// Twin: test/reference/attention.ts

#import fold

override T: u32;
override H: u32;
override G: u32;
override D: u32;

@group(0) @binding(0) var<storage, read> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> x: array<vec4f>;
@group(0) @binding(2) var<storage, read> end: array<u32>;
@group(0) @binding(3) var<storage, read_write> y: array<vec4f>;

fn weights(h: u32, i: u32, j: u32) -> mat4x4f {
  let stride = T / 4;
  let at = (h * T + i) * stride + j / 4;
  return transpose(mat4x4f(p[at], p[at + stride], p[at + 2 * stride], p[at + 3 * stride]));
}

fn values(i: u32, column: u32) -> mat4x4f {
  let stride = H * D / 4;
  let at = i * stride + column / 4;
  return mat4x4f(x[at], x[at + stride], x[at + 2 * stride], x[at + 3 * stride]);
}

fn store(j: u32, column: u32, block: mat4x4f) {
  for (var r = 0u; r < 4; r++) {
    y[((j + r) * G * D + column) / 4] = block[r];
  }
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let column = id.x * 8;
  let g = column / D;
  let j = fold(id.y, T / 8) * 8;
  if (g >= G) { return; }

  var y00 = mat4x4f();
  var y01 = mat4x4f();
  var y10 = mat4x4f();
  var y11 = mat4x4f();
  for (var h = g * (H / G); h < (g + 1) * (H / G); h++) {
    let from_column = h * D + column % D;
    for (var i = j; i < end[j + 7]; i += 4) {
      let x0 = values(i, from_column);
      let x1 = values(i, from_column + 4);
      let p0 = weights(h, i, j);
      y00 += x0 * p0;
      y01 += x1 * p0;
      let p1 = weights(h, i, j + 4);
      y10 += x0 * p1;
      y11 += x1 * p1;
    }
  }
  store(j, column, y00);
  store(j, column + 4, y01);
  store(j + 4, column, y10);
  store(j + 4, column + 4, y11);
}
