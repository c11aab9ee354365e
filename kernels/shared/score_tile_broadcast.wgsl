// score_tile_broadcast: 8 lanes own 16 rows x 32 keys of a [H, T, T] matrix of row i against key j, 4
// keys each, as 4 blocks of 4x4; block[r] is row r. 8x8 tiles without a visible pair are left alone.
//
// For software Vulkan: all lanes need the same rows, so each loads an eighth of them (see rounds).
// left_part(i, h, c) is columns 4c .. 4c + 3 of row i of head h; right(j, g, c) the same of 4 keys of
// group g, transposed; store(h, i, j, block) takes the sums over c.
//
// Dispatch: (ceil(T / 32) * H, ceil(T / 16)) workgroups. T % 8 == 0, D % 4 == 0.
#import fold
#import range
#import rounds

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let h = group.x % H;
  let g = h / (H / G);
  let i = fold(group.y, (T + 15) / 16) * 16;
  let first = group.x / H * 32;
  let below = min(i + 8, T - 8);
  let begin0 = start[i];
  let end0 = key_end(i + 7);
  let begin1 = start[below];
  let end1 = key_end(below + 7);
  if (first >= max(end0, end1) || first + 32 <= begin0) { return; }
  let j = first + 4 * lane;
  let key = min(j, T - 4);

  var s0 = mat4x4f();
  var s1 = mat4x4f();
  var s2 = mat4x4f();
  var s3 = mat4x4f();
  for (var c = 0u; c < D / 4; c++) {
    let r = right(key, g, c);
    let v0 = left_part(i + lane, h, c);
    s0 += r * low(v0);
    s1 += r * high(v0);
    let v1 = left_part(below + lane, h, c);
    s2 += r * low(v1);
    s3 += r * high(v1);
  }
  let tile = j / 8 * 8;
  if (tile < end0 && tile + 8 > begin0) {
    store(h, i, j, s0);
    store(h, i + 4, j, s1);
  }
  if (i + 8 < T && tile < end1 && tile + 8 > begin1) {
    store(h, i + 8, j, s2);
    store(h, i + 12, j, s3);
  }
}
