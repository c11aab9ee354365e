// attention_mix_broadcast: y[i, h] = sum over visible j of p[h, i, j] * x[j, g], where g = h / (H / G)
//
// attention_mix where 8 lanes have 64 columns of one head: all need the same p, of which each loads an
// eighth (see rounds).
//
//   p      [H, T, T]  matrix1, 0 at the hidden pairs of a computed tile, anything in the others
//   x      [T, G, D]  matrix2
//   start  [T]        read, the first key that row i sees; it never falls. The last: see range
//   y      [T, H, D]  write
//
// Dispatch: (H * D / 64, ceil(T / 16)) workgroups, 16 rows of 64 columns each; a lane has 8 of the
// columns as 4x2 blocks of 4x4; block[r] is row r. T % 8 == 0, D % 64 == 0.
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
@group(0) @binding(3) var<storage, read> start: array<u32>;

fn values(j: u32, column: u32) -> mat4x4f {
  let stride = G * D / 4;
  return block2(j * stride + column / 4, stride);
}

fn store(i: u32, column: u32, block: mat4x4f) {
  for (var r = 0u; r < 4; r++) {
    y[((i + r) * H * D + column) / 4] = block[r];
  }
}

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let column = group.x * 64 + 8 * lane;
  let h = group.x * 64 / D;
  let i = fold(group.y, (T + 15) / 16) * 16;
  let below = min(i + 8, T - 8);
  let from_column = h / (H / G) * D + column % D;
  let begin0 = start[i] / 8 * 8;
  let end0 = (key_end(i + 7) + 7) / 8 * 8;
  let begin1 = start[below] / 8 * 8;
  let end1 = (key_end(below + 7) + 7) / 8 * 8;
  let row0 = (h * T + i + lane) * (T / 4);
  let row1 = (h * T + below + lane) * (T / 4);

  var y00 = mat4x4f(); var y01 = mat4x4f();
  var y10 = mat4x4f(); var y11 = mat4x4f();
  var y20 = mat4x4f(); var y21 = mat4x4f();
  var y30 = mat4x4f(); var y31 = mat4x4f();
  for (var j = begin0; j < max(end0, end1); j += 4) {
    let x0 = values(j, from_column);
    let x1 = values(j, from_column + 4);
    let v0 = select(vec4f(), matrix1(row0 + j / 4), j < end0);
    let p0 = low(v0); y00 += x0 * p0; y01 += x1 * p0;
    let p1 = high(v0); y10 += x0 * p1; y11 += x1 * p1;
    let v1 = select(vec4f(), matrix1(row1 + j / 4), j >= begin1 && j < end1);
    let p2 = low(v1); y20 += x0 * p2; y21 += x1 * p2;
    let p3 = high(v1); y30 += x0 * p3; y31 += x1 * p3;
  }
  store(i, column, y00); store(i, column + 4, y01);
  store(i + 4, column, y10); store(i + 4, column + 4, y11);
  if (i + 8 >= T) { return; }
  store(i + 8, column, y20); store(i + 8, column + 4, y21);
  store(i + 12, column, y30); store(i + 12, column + 4, y31);
}
