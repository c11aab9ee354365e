// tile_broadcast_16x8: 8 lanes own 16 rows x 64 columns of the result; each owns 8 of the columns, as
// 4 x 2 blocks of 4x4.
//
// For wide results on software Vulkan, where all lanes of a subgroup need the same 16 rows of the left
// operand: each loads an eighth of them (see rounds).
// left_part(m, i, k) is vec4 i of the four that make block m of the left operand at block k: its rows
// where LEFT_ALONG_K, else its columns. right(n, k)[i] is 4 columns of block n at k = 4k + i. The
// second block of a lane lies 8 blocks on, so that neighbours read and write neighbours.
// Blocks past the edge repeat the last one and are not stored.
//
// Dispatch: ceil(M / 16) * ceil(N / 64) workgroups, folded into y above 65,535.
#import rounds

fn rows_of(parts: mat4x4f) -> mat4x4f {
  if (LEFT_ALONG_K) { return parts; }
  return transpose(parts);
}

@compute @workgroup_size(8)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let down = (M + 15) / 16;
  let tile = group.x + group.y * groups.x;
  let m = tile % down * 4;
  let n = tile / down * 16 + lane;
  let m0 = min(m + lane / 4, M / 4 - 1);
  let m2 = min(m + 2 + lane / 4, M / 4 - 1);
  let n0 = min(n, N / 4 - 1);
  let n1 = min(n + 8, N / 4 - 1);
  let part = lane % 4;
  var c00 = mat4x4f(); var c01 = mat4x4f();
  var c10 = mat4x4f(); var c11 = mat4x4f();
  var c20 = mat4x4f(); var c21 = mat4x4f();
  var c30 = mat4x4f(); var c31 = mat4x4f();
  for (var k = 0u; k < KB; k++) {
    let r0 = right(n0, k); let r1 = right(n1, k);
    let v0 = left_part(m0, part, k);
    let l0 = rows_of(low(v0)); c00 += r0 * l0; c01 += r1 * l0;
    let l1 = rows_of(high(v0)); c10 += r0 * l1; c11 += r1 * l1;
    let v2 = left_part(m2, part, k);
    let l2 = rows_of(low(v2)); c20 += r0 * l2; c21 += r1 * l2;
    let l3 = rows_of(high(v2)); c30 += r0 * l3; c31 += r1 * l3;
  }
  for (var k = 0u; k < RB; k++) {
    let r0 = right_tail(n0, k); let r1 = right_tail(n1, k);
    let v0 = left_tail_part(m0, part, k);
    let l0 = rows_of(low(v0)); c00 += r0 * l0; c01 += r1 * l0;
    let l1 = rows_of(high(v0)); c10 += r0 * l1; c11 += r1 * l1;
    let v2 = left_tail_part(m2, part, k);
    let l2 = rows_of(low(v2)); c20 += r0 * l2; c21 += r1 * l2;
    let l3 = rows_of(high(v2)); c30 += r0 * l3; c31 += r1 * l3;
  }
  put(m, n, c00); put(m, n + 8, c01);
  put(m + 1, n, c10); put(m + 1, n + 8, c11);
  put(m + 2, n, c20); put(m + 2, n + 8, c21);
  put(m + 3, n, c30); put(m + 3, n + 8, c31);
}

fn put(m: u32, n: u32, c: mat4x4f) {
  if (4 * m >= M || 4 * n >= N) { return; }
  store(m, n, c);
}
