// weights: block number `block` of a matrix of four bits less 8, times an f16 scale for each row of
// 32 columns; [i] is row i of the block.
//
//   words   [rows * columns / 256, 9]   read: 16 blocks of half a word, a row in 16 bits, the first
//           number lowest, then the scales of the first eight blocks in xy and of the others in zw
//
#import words

fn nibbles(row: u32) -> vec4f {
  return vec4f(vec4u(row, row >> 4, row >> 8, row >> 12) & vec4u(15)) - 8;
}
fn weights(block: u32) -> mat4x4f {
  let unit = block / 16 * 9;
  let at = block % 16;
  let both = word(unit + at / 2);
  let q = select(both.zw, both.xy, at % 2 == 0);
  let scales = word(unit + 8);
  let d = select(scales.zw, scales.xy, at < 8);
  let low = unpack2x16float(d.x);
  let high = unpack2x16float(d.y);
  return mat4x4f(
    low.x * nibbles(q.x),
    low.y * nibbles(q.x >> 16),
    high.x * nibbles(q.y),
    high.y * nibbles(q.y >> 16),
  );
}
