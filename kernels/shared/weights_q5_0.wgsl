// weights: block number `block` of a matrix of five bits less 16, times an f16 scale for each row of
// 32 columns; [i] is row i of the block.
//
//   words   [rows * columns / 256, 11]   read: 16 blocks of half a word, the low bits of a row in 16
//           bits, the first number lowest, then the fifth bits of each block in 16 bits, a row in
//           four, then the scales of the first eight blocks in xy and of the others in zw
//
#import words

fn fives(row: u32, fifths: u32) -> vec4f {
  let low = vec4u(row, row >> 4, row >> 8, row >> 12) & vec4u(15);
  let high = vec4u(fifths << 4, fifths << 3, fifths << 2, fifths << 1) & vec4u(16);
  return vec4f(low | high) - 16;
}
fn weights(block: u32) -> mat4x4f {
  let unit = block / 16 * 11;
  let at = block % 16;
  let both = word(unit + at / 2);
  let q = select(both.zw, both.xy, at % 2 == 0);
  let eight = word(unit + 8 + at / 8);
  let four = select(eight.zw, eight.xy, at % 8 < 4);
  let fifths = select(four.y, four.x, at % 4 < 2) >> (at % 2 * 16);
  let scales = word(unit + 10);
  let d = select(scales.zw, scales.xy, at < 8);
  let low = unpack2x16float(d.x);
  let high = unpack2x16float(d.y);
  return mat4x4f(
    low.x * fives(q.x, fifths),
    low.y * fives(q.x >> 16, fifths >> 4),
    high.x * fives(q.y, fifths >> 8),
    high.y * fives(q.y >> 16, fifths >> 12),
  );
}
