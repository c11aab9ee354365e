// weights: block number `block` of a matrix of signed bytes, times an f16 scale for each row of 32
// columns; [i] is row i of the block.
//
//   words   [rows * columns / 256, 17]   read: 16 blocks of a word, a row in each u32, then the
//           scales of the first eight blocks in xy and of the others in zw, two in a u32
//
#import words

fn bytes(four: u32) -> vec4f {
  return vec4f(bitcast<vec4i>(vec4u(four << 24, four << 16, four << 8, four)) >> vec4u(24));
}
fn weights(block: u32) -> mat4x4f {
  let unit = block / 16 * 17;
  let at = block % 16;
  let q = word(unit + at);
  let scales = word(unit + 16);
  let d = select(scales.zw, scales.xy, at < 8);
  let low = unpack2x16float(d.x);
  let high = unpack2x16float(d.y);
  return mat4x4f(low.x * bytes(q.x), low.y * bytes(q.y), high.x * bytes(q.z), high.y * bytes(q.w));
}
