// attention_mix_transposed_broadcast: y[j, g] = sum of p[h, i, j] * x[i, h] over the heads h of group g
// and the rows i that see key j
//
// attention_mix_transposed where 8 lanes have 64 columns of one group: all need the same p, of which
// each loads an eighth (see rounds).
//
//   p    [H, T, T]  matrix1, 0 at the hidden pairs of a computed tile, anything in the others
//   x    [T, H, D]  matrix2
//   end  [T]        read, one past the last row that sees key j. The first: see range
//   y    [T, G, D]  write
//
// Dispatch: (G * D / 64, ceil(T / 16)) workgroups, 16 rows of 64 columns each; a lane has 8 of the
// columns as 4x2 blocks of 4x4; block[r] is row r. T % 8 == 0, D % 64 == 0, H / G * T / 4 < 65,535
// rounds.
// Twin: src/reference/attention.ts

#import fold
#import matrices
#import range
#import rounds

override T: u32;
override H: u32;
override G: u32;
override D: u32;

@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;
@group(0) @binding(3) var<storage, read> end: array<u32>;

fn values(i: u32, column: u32) -> mat4x4f {
  let stride = H * D / 4;
  return block2(i * stride + column / 4, stride);
}

fn store(j: u32, column: u32, block: mat4x4f) {
  for (var r = 0u; r < 4; r++) {
    y[((j + r) * G * D + column) / 4] = block[r];
  }
}

// The first of the 8 rows of a tile, and one past its last row; none where no key of the 8 is seen.
fn rows_of(j: u32) -> vec2u {
  let first = first_row(j);
  let past = end[j + 7];
  return select(vec2u(), vec2u(first / 8 * 8, (past + 7) / 8 * 8), first < past);
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = group.x * 64 + 8 * lane;
  let g = group.x * 64 / D;
  let j = fold(group.y, (T + 15) / 16) * 16;
  let right = min(j + 8, T - 8);
  let rows0 = rows_of(j);
  let rows1 = rows_of(right);
  let begin = select(rows0.x, rows1.x, rows0.y == 0);
  let past = max(rows0.y, rows1.y);
  let part = (lane % 4) * (T / 4) + lane / 4;

  var y00 = mat4x4f(); var y01 = mat4x4f();
  var y10 = mat4x4f(); var y11 = mat4x4f();
  var y20 = mat4x4f(); var y21 = mat4x4f();
  var y30 = mat4x4f(); var y31 = mat4x4f();
  for (var h = g * (H / G); h < (g + 1) * (H / G); h++) {
    let from_column = h * D + column % D;
    for (var i = begin; i < past; i += 4) {
      let x0 = values(i, from_column);
      let x1 = values(i, from_column + 4);
      let at = (h * T + i) * (T / 4) + part;
      let v0 = select(vec4f(), matrix1(at + j / 4), i >= rows0.x && i < rows0.y);
      let p0 = transpose(low(v0)); y00 += x0 * p0; y01 += x1 * p0;
      let p1 = transpose(high(v0)); y10 += x0 * p1; y11 += x1 * p1;
      let v1 = select(vec4f(), matrix1(at + right / 4), i >= rows1.x && i < rows1.y);
      let p2 = transpose(low(v1)); y20 += x0 * p2; y21 += x1 * p2;
      let p3 = transpose(high(v1)); y30 += x0 * p3; y31 += x1 * p3;
    }
  }
  store(j, column, y00); store(j, column + 4, y01);
  store(j + 4, column, y10); store(j + 4, column + 4, y11);
  if (j + 8 >= T) { return; }
  store(j + 8, column, y20); store(j + 8, column + 4, y21);
  store(j + 12, column, y30); store(j + 12, column + 4, y31);
}
