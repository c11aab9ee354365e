// tile_8x16: one invocation owns 8 rows x 16 columns of the result, as 2 x 4 blocks of 4x4.
//
// For packed weights on software Vulkan: registers only, no barriers, every load a vec4.
// left(m, k)[i] is 4 rows of block m at k = 4k + i; right(n, k)[i] is 4 columns of block n there.
// Blocks past the edge repeat the last one and are not stored.
//
// Dispatch: ceil(ceil(M / 8) * ceil(N / 16) / 8) workgroups, folded into y above 65,535.
@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let across = (N + 15) / 16;
  let tile = id.x + id.y * groups.x * 8;
  let m = tile / across * 2;
  let n = tile % across * 4;
  if (4 * m >= M) { return; }
  let m1 = min(m + 1, M / 4 - 1);
  let n1 = min(n + 1, N / 4 - 1);
  let n2 = min(n + 2, N / 4 - 1);
  let n3 = min(n + 3, N / 4 - 1);
  var c00 = mat4x4f(); var c01 = mat4x4f(); var c02 = mat4x4f(); var c03 = mat4x4f();
  var c10 = mat4x4f(); var c11 = mat4x4f(); var c12 = mat4x4f(); var c13 = mat4x4f();
  for (var k = 0u; k < KB; k++) {
    let r0 = right(n, k); let r1 = right(n1, k); let r2 = right(n2, k); let r3 = right(n3, k);
    let l0 = transpose(left(m, k));
    c00 += r0 * l0; c01 += r1 * l0; c02 += r2 * l0; c03 += r3 * l0;
    let l1 = transpose(left(m1, k));
    c10 += r0 * l1; c11 += r1 * l1; c12 += r2 * l1; c13 += r3 * l1;
  }
  for (var k = 0u; k < RB; k++) {
    let r0 = right_more(n, k); let r1 = right_more(n1, k);
    let r2 = right_more(n2, k); let r3 = right_more(n3, k);
    let l0 = transpose(left_more(m, k));
    c00 += r0 * l0; c01 += r1 * l0; c02 += r2 * l0; c03 += r3 * l0;
    let l1 = transpose(left_more(m1, k));
    c10 += r0 * l1; c11 += r1 * l1; c12 += r2 * l1; c13 += r3 * l1;
  }
  put(m, n, c00); put(m, n + 1, c01); put(m, n + 2, c02); put(m, n + 3, c03);
  put(m + 1, n, c10); put(m + 1, n + 1, c11); put(m + 1, n + 2, c12); put(m + 1, n + 3, c13);
}

fn put(m: u32, n: u32, c: mat4x4f) {
  if (4 * m >= M || 4 * n >= N) { return; }
  store(m, n, c);
}
