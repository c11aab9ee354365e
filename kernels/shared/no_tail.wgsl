// no_tail: the product ends with K; for tiles that would run on over an adapter's columns.
const RB = 0u;

fn left_tail(m: u32, k: u32) -> mat4x4f {
  return mat4x4f();
}
fn left_tail_part(m: u32, i: u32, k: u32) -> vec4f {
  return vec4f();
}
fn right_tail(n: u32, k: u32) -> mat4x4f {
  return mat4x4f();
}
