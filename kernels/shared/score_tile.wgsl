// score_tile: one invocation owns an 8x8 tile of a [H, T, T] matrix of row i against key j, as 2x2
// blocks of 4x4; block[r] is row r. Tiles without a visible pair are left alone.
//
// left(i, h, c) is 4 rows from i on at columns 4c .. 4c + 3 of head h; right(j, g, c) the same of 4
// keys of group g, transposed; store(h, i, j, block) takes the sums over c.
//
// Dispatch: (T / 8 * H, T / 8) invocations. Heads run fastest: all lanes of a vector get sums of one
// length. T % 8 == 0, D % 4 == 0.
#import fold

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let h = id.x % H;
  let g = h / (H / G);
  let i = fold(id.y, T / 8) * 8;
  let j = id.x / H * 8;
  if (j > i || j + 8 <= start[i]) { return; }

  var s00 = mat4x4f();
  var s01 = mat4x4f();
  var s10 = mat4x4f();
  var s11 = mat4x4f();
  for (var c = 0u; c < D / 4; c++) {
    let r0 = right(j, g, c);
    let r1 = right(j + 4, g, c);
    let l0 = left(i, h, c);
    s00 += r0 * l0;
    s01 += r1 * l0;
    let l1 = left(i + 4, h, c);
    s10 += r0 * l1;
    s11 += r1 * l1;
  }
  store(h, i, j, s00);
  store(h, i, j + 4, s01);
  store(h, i + 4, j, s10);
  store(h, i + 4, j + 4, s11);
}
