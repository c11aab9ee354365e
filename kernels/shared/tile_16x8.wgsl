// tile_16x8: one invocation owns 16 rows x 8 columns of the result, as 4 x 2 blocks of 4x4.
//
// For f32 operands on software Vulkan: registers only, no barriers, every load a vec4.
// left(m, k)[i] is 4 rows of block m at k = 4k + i; right(n, k)[i] is 4 columns of block n there.
// Blocks past the edge repeat the last one and are not stored.
//
// Dispatch: ceil(ceil(M / 16) * ceil(N / 8) / 8) workgroups, folded into y above 65,535.
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let across = (N + 7) / 8;
  let tile = id.x + id.y * groups.x * 8;
  let m = tile / across * 4;
  let n = tile % across * 2;
  if (4 * m >= M) { return; }
  let m1 = min(m + 1, M / 4 - 1);
  let m2 = min(m + 2, M / 4 - 1);
  let m3 = min(m + 3, M / 4 - 1);
  let n1 = min(n + 1, N / 4 - 1);
  var c00 = mat4x4f(); var c01 = mat4x4f(); var c10 = mat4x4f(); var c11 = mat4x4f();
  var c20 = mat4x4f(); var c21 = mat4x4f(); var c30 = mat4x4f(); var c31 = mat4x4f();
  for (var k = 0u; k < KB; k++) {
    let r0 = right(n, k); let r1 = right(n1, k);
    let l0 = transpose(left(m, k)); c00 += r0 * l0; c01 += r1 * l0;
    let l1 = transpose(left(m1, k)); c10 += r0 * l1; c11 += r1 * l1;
    let l2 = transpose(left(m2, k)); c20 += r0 * l2; c21 += r1 * l2;
    let l3 = transpose(left(m3, k)); c30 += r0 * l3; c31 += r1 * l3;
  }
  for (var k = 0u; k < RB; k++) {
    let r0 = right_more(n, k); let r1 = right_more(n1, k);
    let l0 = transpose(left_more(m, k)); c00 += r0 * l0; c01 += r1 * l0;
    let l1 = transpose(left_more(m1, k)); c10 += r0 * l1; c11 += r1 * l1;
    let l2 = transpose(left_more(m2, k)); c20 += r0 * l2; c21 += r1 * l2;
    let l3 = transpose(left_more(m3, k)); c30 += r0 * l3; c31 += r1 * l3;
  }
  put(m, n, c00); put(m, n + 1, c01); put(m + 1, n, c10); put(m + 1, n + 1, c11);
  put(m + 2, n, c20); put(m + 2, n + 1, c21); put(m + 3, n, c30); put(m + 3, n + 1, c31);
}

fn put(m: u32, n: u32, c: mat4x4f) {
  if (4 * m >= M || 4 * n >= N) { return; }
  store(m, n, c);
}
