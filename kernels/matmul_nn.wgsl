// matmul_nn: c = SCALE a b
//
//   c   [M, N]   write (see store)
//   a   [M, K]   read
//   b   [K, N]   read
//
// Dispatch: see tile. M, N and K are multiples of 4.
// Twin: test/reference/matmul.ts
#import store
#import tile
#import no_more
override M: u32;
override N: u32;
override K: u32;
override NB: u32 = N / 4;
override KB: u32 = K / 4;
@group(0) @binding(1) var<storage, read> a: array<vec4f>;
@group(0) @binding(2) var<storage, read> b: array<vec4f>;

const LEFT_ALONG_K = true;
const RIGHT_ALONG_K = false;

fn left(m: u32, k: u32) -> mat4x4f {
  let p = 4 * m * KB + k;
  return transpose(mat4x4f(a[p], a[p + KB], a[p + 2 * KB], a[p + 3 * KB]));
}
fn right(n: u32, k: u32) -> mat4x4f {
  let p = 4 * k * NB + n;
  return mat4x4f(b[p], b[p + NB], b[p + 2 * NB], b[p + 3 * NB]);
}
